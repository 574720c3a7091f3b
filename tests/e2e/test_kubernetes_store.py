"""The resource store in custom resources, where it meets others who use the same resources."""

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib import parse

import msgspec
import pytest
from kubernetes import client as sync
from kubernetes import config
from support import sample_documents
from support.kubernetes_site import NEEDS_CLUSTER

from inglenook import errors, settings
from inglenook.store import documents, kinds
from inglenook.store.documents import Change
from inglenook_cluster.kube import access, client
from inglenook_cluster.resources import declared, definitions, manifest, names
from inglenook_cluster.resources.definitions import DRAIN_FINALIZER, GROUP, VERSION, Definition
from inglenook_cluster.resources.store import KubernetesStore

pytestmark = NEEDS_CLUSTER

HELLO = sample_documents.plain_function()
FUNCTIONS = definitions.of(kinds.FUNCTION)


class Kubectl:
    """What somebody else does with the resources of a namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._api = sync.CustomObjectsApi()

    def get(self, name: str, of: Definition = FUNCTIONS) -> dict[str, Any]:
        found: dict[str, Any] = self._api.get_namespaced_custom_object(*self._place(of), name)
        return found

    def create(self, name: str, spec: dict[str, Any], of: Definition = FUNCTIONS) -> None:
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": of.resource_kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        self._api.create_namespaced_custom_object(*self._place(of), body)

    def patch(self, name: str, patch: dict[str, Any], of: Definition = FUNCTIONS) -> None:
        self._api.patch_namespaced_custom_object(*self._place(of), name, patch)

    def patch_status(self, name: str, status: dict[str, Any]) -> None:
        place = self._place(FUNCTIONS)
        self._api.patch_namespaced_custom_object_status(*place, name, {"status": status})

    def delete(self, name: str, of: Definition = FUNCTIONS) -> None:
        self._api.delete_namespaced_custom_object(*self._place(of), name)

    def _place(self, of: Definition) -> tuple[str, str, str, str]:
        return GROUP, VERSION, self.namespace, of.plural


@pytest.fixture
def kubectl() -> Iterator[Kubectl]:
    config.load_kube_config()
    core = sync.CoreV1Api()
    name = f"inglenook-test-{uuid.uuid4().hex[:8]}"
    core.create_namespace({"metadata": {"name": name}})
    user = Kubectl(name)
    yield user
    for found in sync.CustomObjectsApi().list_namespaced_custom_object(
        GROUP, VERSION, name, FUNCTIONS.plural
    )["items"]:
        user.patch(found["metadata"]["name"], {"metadata": {"finalizers": None}})
    core.delete_namespace(name)


@pytest.fixture
async def store(kubectl: Kubectl) -> AsyncIterator[KubernetesStore]:
    async with client.opened() as api:
        opened = KubernetesStore(api, namespace=kubectl.namespace)
        yield opened
        await opened.close()


async def take(changes: AsyncIterator[Change], count: int) -> list[Change]:
    async with asyncio.timeout(20):
        return [await anext(changes) for _ in range(count)]


def told(changes: list[Change]) -> list[tuple[str, bool]]:
    return [(change.document.name, change.deleted) for change in changes]


async def test_documents_of_every_kind_are_kept_exactly_and_declared_in_their_specs(
    store: KubernetesStore, kubectl: Kubectl
) -> None:
    samples = sample_documents.samples()
    for kind, name, value in samples:
        created = await store.create(kind, name, value)
        assert created.value == value
        assert await store.get(kind, name) == created
        definition = definitions.of(kind)
        shown = kubectl.get(names.resource_name(kind.name, name), definition)
        spec = manifest.read(shown).spec
        assert declared.is_declared(spec, created), (name, spec)
        replaced = await store.replace(created, value)
        assert await store.list(kind, name) == [replaced]
        meant = names.document_name(kind.name, shown["metadata"]["name"], spec)
        # The number of a version cannot be read from a name that was made with a hash.
        assert meant in (name, None)
    for kind, name, _ in samples:
        found = await store.get(kind, name)
        assert found is not None
        await store.delete(found)
        assert await store.get(kind, name) is None


async def test_what_others_keep_in_a_status_stays(store: KubernetesStore, kubectl: Kubectl) -> None:
    created = await store.create(kinds.FUNCTION, "hello", HELLO)
    assert kubectl.get("hello")["status"]["observedGeneration"] == 1
    theirs = {
        "conditions": [{"type": "Accepted", "status": "True"}],
        "observedGeneration": 7,
        "environments": 3,
        "code": {"source": "s", "sha256": "t"},
    }
    kubectl.patch_status("hello", theirs)
    active = msgspec.structs.replace(HELLO, tags={"a": "b"})
    await store.replace(created, active)
    status = kubectl.get("hello")["status"]
    assert {name: status[name] for name in theirs} == theirs


async def test_writing_the_spec_or_a_condition_is_no_conflict(
    store: KubernetesStore, kubectl: Kubectl
) -> None:
    created = await store.create(kinds.FUNCTION, "hello", HELLO)
    kubectl.patch("hello", {"spec": {"memorySize": 512}})
    kubectl.patch_status("hello", {"environments": 3})
    replaced = await store.replace(created, HELLO)
    with pytest.raises(documents.ConflictError):
        await store.replace(created, HELLO)
    kubectl.patch("hello", {"spec": {"memorySize": 1024}})
    await store.delete(replaced)
    assert await store.get(kinds.FUNCTION, "hello") is None


async def test_a_declared_resource_becomes_a_document_when_it_is_created(
    store: KubernetesStore, kubectl: Kubectl
) -> None:
    since = await store.latest_version()
    spec = declared.spec(HELLO) | {"memorySize": 512, "environmentsPerPod": 4}
    kubectl.create("hello", spec)
    assert await store.get(kinds.FUNCTION, "hello") is None
    assert await store.list(kinds.FUNCTION) == []
    created = await store.create(kinds.FUNCTION, "hello", HELLO)
    assert created.value.spec.placement.environments_per_pod == 4
    shown = kubectl.get("hello")
    assert shown["spec"]["memorySize"] == 512
    # Whether that is what was declared is for the operator to say.
    assert "observedGeneration" not in shown["status"]
    with pytest.raises(documents.AlreadyExistsError):
        await store.create(kinds.FUNCTION, "hello", HELLO)
    assert await take(store.watch(since), 1) == [Change(document=created, deleted=False)]


async def test_of_many_who_create_over_a_declared_resource_one_succeeds(
    store: KubernetesStore, kubectl: Kubectl
) -> None:
    kubectl.create("hello", declared.spec(HELLO))
    tries = [store.create(kinds.FUNCTION, "hello", HELLO) for _ in range(10)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, documents.AlreadyExistsError)]
    assert len(refused) == 9
    assert await store.get(kinds.FUNCTION, "hello") in outcomes


async def test_a_resource_that_was_declared_for_another_document_is_not_taken(
    store: KubernetesStore, kubectl: Kubectl
) -> None:
    place = names.resource_name(kinds.FUNCTION.name, "My_Function")
    kubectl.create(place, declared.spec(HELLO) | {"functionName": "Another"})
    with pytest.raises(documents.AlreadyExistsError):
        await store.create(kinds.FUNCTION, "My_Function", sample_documents.rich_function())


async def test_a_watch_tells_changes_of_documents_only(
    store: KubernetesStore, kubectl: Kubectl
) -> None:
    changes = store.watch(await store.latest_version())
    created = await store.create(kinds.FUNCTION, "hello", HELLO)
    assert told(await take(changes, 1)) == [("hello", False)]
    kubectl.patch_status("hello", {"environments": 3})
    kubectl.patch("hello", {"spec": {"memorySize": 512}})
    kubectl.patch("hello", {"spec": {"runtimeClassName": "gvisor"}})
    (moved,) = await take(changes, 1)
    assert moved.document.value.spec.placement.runtime_class == "gvisor"
    deleting = msgspec.structs.replace(moved.document.value, deleting=True)
    deleted = await store.replace(created, deleting)
    await store.delete(deleted)
    assert told(await take(changes, 2)) == [("hello", False), ("hello", True)]


async def test_a_function_deleted_by_kubectl_is_deleting_until_the_store_deletes_it(
    store: KubernetesStore, kubectl: Kubectl
) -> None:
    created = await store.create(kinds.FUNCTION, "hello", HELLO)
    assert not created.value.deleting
    changes = store.watch(await store.latest_version())
    kubectl.delete("hello")
    (held,) = await take(changes, 1)
    assert held.document.value.deleting
    found = await store.get(kinds.FUNCTION, "hello")
    assert found == held.document
    await store.delete(found)
    assert told(await take(changes, 1)) == [("hello", True)]
    with pytest.raises(documents.NotFoundError):
        await store.replace(found, HELLO)
    await store.create(kinds.FUNCTION, "hello", HELLO)


async def test_what_another_finalizer_holds_is_gone_and_its_name_free_once_it_lets_go(
    store: KubernetesStore, kubectl: Kubectl
) -> None:
    created = await store.create(kinds.FUNCTION, "hello", HELLO)
    theirs = "other.example/wait"
    kubectl.patch("hello", {"metadata": {"finalizers": [DRAIN_FINALIZER, theirs]}})
    await store.delete(created)
    assert await store.get(kinds.FUNCTION, "hello") is None
    with pytest.raises(documents.NotFoundError):
        await store.delete(created, any_version=True)
    kubectl.patch("hello", {"metadata": {"finalizers": None}})
    await store.create(kinds.FUNCTION, "hello", HELLO)


async def test_deleting_another_kind_of_resource_deletes_its_document(
    store: KubernetesStore, kubectl: Kubectl
) -> None:
    name = kinds.alias_name("hello", "live")
    created = await store.create(kinds.ALIAS, name, sample_documents.alias("hello", "live"))
    changes = store.watch(await store.latest_version())
    kubectl.delete("hello.live", definitions.of(kinds.ALIAS))
    (change,) = await take(changes, 1)
    assert change.deleted
    assert change.document.value == created.value
    assert change.document.resource_version > created.resource_version


class Relay:
    """Passes connections on to the API server, and can cut them."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._open: set[asyncio.StreamWriter] = set()
        self.accepted = 0

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._pass_on, "127.0.0.1", 0)

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        there, back = await asyncio.open_connection(*self._target)
        self._open |= {writer, back}
        try:
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        finally:
            for one in (writer, back):
                self._open.discard(one)
                one.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


async def test_a_watch_goes_on_where_its_connection_was_cut_and_misses_nothing(
    store: KubernetesStore, kubectl: Kubectl
) -> None:
    direct = await asyncio.to_thread(access.find, settings.kubernetes())
    real = parse.urlsplit(direct.server)
    relay = Relay(str(real.hostname), real.port or 443)
    async with await relay.serve() as server:
        detour = dataclasses.replace(
            direct,
            server=f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            tls_name=real.hostname,
        )
        async with client.Client(detour) as indirect:
            watching = KubernetesStore(indirect, namespace=kubectl.namespace)
            changes = watching.watch(await watching.latest_version())
            numbers = range(6)
            for number in numbers:
                value = sample_documents.alias("hello", f"a{number}")
                await store.create(kinds.ALIAS, f"hello.a{number}", value)
                if number == 0:
                    await take(changes, 1)
                relay.cut()
            found = await take(changes, len(numbers) - 1)
            assert told(found) == [(f"hello.a{number}", False) for number in numbers[1:]]
            await watching.close()
        relay.cut()


async def test_a_cluster_that_cannot_be_reached_is_said_to_be_so(kubectl: Kubectl) -> None:
    async with client.Client(access.Access(server="https://127.0.0.1:1")) as astray:
        store = KubernetesStore(astray, namespace=kubectl.namespace)
        with pytest.raises(errors.ServiceError, match="cannot be reached"):
            await store.get(kinds.FUNCTION, "hello")
        await store.close()


async def test_a_namespace_without_what_is_needed_is_an_error_and_not_an_empty_store(
    kubectl: Kubectl,
) -> None:
    unknown = Definition(
        kind=kinds.FUNCTION, resource_kind="Unknown", plural="unknowns", spec=lambda _: {}
    )
    async with client.opened() as api:
        store = KubernetesStore(api, namespace=kubectl.namespace, known=[unknown])
        with pytest.raises(errors.ServiceError):
            await store.list(kinds.FUNCTION)
        with pytest.raises(errors.ServiceError):
            await store.create(kinds.FUNCTION, "hello", HELLO)
        await store.close()
