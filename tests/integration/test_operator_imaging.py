"""The operator makes a Runtime for each image in use, and deletes it with the last user."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from support import sample_documents

from inglenook.aio import clock
from inglenook.model import images
from inglenook_cluster import labels
from inglenook_cluster.kube import access, client, requests
from inglenook_cluster.resources import codec, declared
from inglenook_operator.cluster import api, events, index
from inglenook_operator.cluster.index import Key
from inglenook_operator.cluster.surroundings import Surroundings
from inglenook_operator.control import agenda
from inglenook_operator.control.imaging import Imaging
from inglenook_operator.reconcile import conditions, imaged

NAMESPACE = "functions"
URI, OTHER = "registry.example/app:1", "registry.example/app:2"
NAME, OTHER_NAME = images.runtime_name(URI), images.runtime_name(OTHER)
_PATH = f"/apis/inglenook.dev/v1/namespaces/{NAMESPACE}/runtimes"


class Cluster:
    """The Runtimes of a cluster, as an API server has them."""

    def __init__(self) -> None:
        self.runtimes: dict[str, Any] = {}
        self.version = 100
        self.calls: list[str] = []

    def _kept(self, body: dict[str, Any]) -> web.Response:
        self.version += 1
        name = body["metadata"]["name"]
        marks = {"uid": f"uid-{name}", "resourceVersion": str(self.version)}
        body = body | {"metadata": body["metadata"] | marks}
        self.runtimes[name] = body
        return web.json_response(body)

    async def create(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.calls.append(f"create {body['metadata']['name']}")
        if body["metadata"]["name"] in self.runtimes:
            return web.json_response({"reason": "AlreadyExists"}, status=409)
        return self._kept(body)

    async def merge(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.calls.append(f"merge {name}")
        spec = self.runtimes[name]["spec"] | (await request.json())["spec"]
        return self._kept(self.runtimes[name] | {"spec": spec})

    async def delete(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        assert (await request.json())["preconditions"] == {"uid": f"uid-{name}"}
        self.calls.append(f"delete {name}")
        del self.runtimes[name]
        return web.json_response({"kind": "Status"})


class Stand:
    """One operator's view of that cluster."""

    def __init__(self, cluster: Cluster, seen: index.Index, imaging: Imaging) -> None:
        self.cluster, self.index, self.imaging = cluster, seen, imaging

    def has(self, name: str, uri: str | None, version: int = 1) -> None:
        """Let a function have an image, or be gone."""
        value = sample_documents.image_function(uri or URI)
        kept = codec.status(name, value, replaced=1)
        body = {
            "metadata": {
                "name": name,
                "uid": f"uid-{name}",
                "resourceVersion": str(version),
                "creationTimestamp": "2026-01-01T00:00:00Z",
            },
            "spec": declared.spec(value),
            "status": {key: one for key, one in kept.items() if one is not None},
        }
        if uri is None:
            self.index.remove("functions", body)
        else:
            self.index.put("functions", body)

    def runs(self, pool: str, *, phase: str = "Running", version: int = 1) -> None:
        """Let a pod of a pool run a function, or have ended."""
        pod = {
            "metadata": {
                "name": "pod-1",
                "uid": "uid-pod-1",
                "resourceVersion": str(version),
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": {labels.STATE: labels.SPECIALISED, labels.POOL: pool},
            },
            "status": {"phase": phase},
        }
        self.index.put("pods", pod)


@asynccontextmanager
async def standing(platform: imaged.Platform | None = None) -> AsyncIterator[Stand]:
    cluster = Cluster()
    application = web.Application()
    application.router.add_post(_PATH, cluster.create)
    application.router.add_patch(f"{_PATH}/{{name}}", cluster.merge)
    application.router.add_delete(f"{_PATH}/{{name}}", cluster.delete)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    to = access.Access(server=f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        async with client.Client(to) as opened:
            calls, time = api.Api(requests.Requests(opened)), clock.SystemClock()
            seen = index.Index(lambda *_: None)
            around = Surroundings(
                api=calls,
                index=seen,
                events=events.Events(api=calls, time=time),
                namespace=NAMESPACE,
                clock=time,
            )
            imaging = Imaging(around, platform=platform or imaged.Platform(pool_max=5))
            yield Stand(cluster, seen, imaging)
    finally:
        await runner.cleanup()


async def test_functions_of_one_image_share_a_runtime() -> None:
    async with standing() as stand:
        stand.has("a", URI)
        stand.has("b", URI)
        stand.has("c", OTHER)
        for name in (NAME, NAME, OTHER_NAME):
            assert await stand.imaging.reconcile(name) is None
        assert stand.cluster.calls == [f"create {NAME}", f"create {OTHER_NAME}"]
        spec = stand.cluster.runtimes[NAME]["spec"]
        assert (spec["image"], spec["packageType"]) == (URI, "Image")
        assert spec["pool"] == {"min": 0, "max": 5}
        users = {key.name for key in stand.imaging.users(NAME)}
        assert users == {"a", "b"}


async def test_it_goes_with_the_last_function_that_has_the_image() -> None:
    async with standing() as stand:
        stand.has("a", URI)
        stand.has("b", URI)
        await stand.imaging.reconcile(NAME)
        stand.has("a", OTHER, version=2)
        assert await stand.imaging.reconcile(NAME) is None
        assert NAME in stand.cluster.runtimes
        stand.has("b", None)
        assert await stand.imaging.reconcile(NAME) is None
        assert NAME not in stand.cluster.runtimes


async def test_it_stays_while_one_of_its_pods_runs() -> None:
    async with standing() as stand:
        stand.has("a", URI)
        await stand.imaging.reconcile(NAME)
        stand.runs(labels.pool(NAME, "gvisor"))
        stand.has("a", None)
        assert await stand.imaging.reconcile(NAME) is not None
        assert NAME in stand.cluster.runtimes
        stand.runs(labels.pool(NAME, "gvisor"), phase="Succeeded", version=2)
        assert await stand.imaging.reconcile(NAME) is None
        assert NAME not in stand.cluster.runtimes


async def test_runtimes_that_somebody_declared_are_left_alone() -> None:
    async with standing() as stand:
        theirs = {
            "metadata": {"name": "python3.11", "uid": "u", "resourceVersion": "1"},
            "spec": {"image": "theirs"},
        }
        stand.index.put("runtimes", theirs)
        assert await stand.imaging.reconcile("python3.11") is None
        assert stand.cluster.calls == []


async def test_it_follows_changed_settings_of_the_installation() -> None:
    async with standing(imaged.Platform(pull_policy="Always")) as stand:
        stand.has("a", URI)
        old = imaged.manifest(URI, platform=imaged.Platform(), namespace=NAMESPACE)
        old["metadata"] |= {"uid": f"uid-{NAME}", "resourceVersion": "1"}
        stand.cluster.runtimes[NAME] = old
        stand.index.put("runtimes", old)
        await stand.imaging.reconcile(NAME)
        assert stand.cluster.runtimes[NAME]["spec"]["imagePullPolicy"] == "Always"
        await stand.imaging.reconcile(NAME)
        assert stand.cluster.calls == [f"merge {NAME}"]


async def test_an_image_is_looked_at_when_a_function_has_it_and_when_its_pods_fail() -> None:
    looked: asyncio.Queue[Key] = asyncio.Queue()

    async def look(key: Key) -> None:
        looked.put_nowait(key)

    async with standing() as stand, asyncio.timeout(10):
        seen = agenda.Agenda(keep=look, declare=look)
        watched = index.Index(seen.changed)
        seen.open(index=watched, pools=None, imaging=stand.imaging)  # type: ignore[arg-type]
        stand.has("a", URI)
        watched.put("functions", stand.index.all("functions")[0])
        while await looked.get() != Key(agenda.IMAGES, NAME):
            pass
        made = imaged.manifest(URI, platform=imaged.Platform(), namespace=NAMESPACE)
        made["metadata"] |= {"uid": "u", "resourceVersion": "1"}
        watched.put("runtimes", made)
        while await looked.get() != Key(agenda.IMAGES, NAME):
            pass
        said = {"type": conditions.READY, "status": "False", "reason": "ImagePullFailed"}
        failing = made | {
            "metadata": made["metadata"] | {"resourceVersion": "2"},
            "status": {"conditions": [said]},
        }
        watched.put("runtimes", failing)
        while await looked.get() != Key("functions", "a"):
            pass
        await seen.close()
