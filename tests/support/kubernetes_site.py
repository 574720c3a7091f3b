"""A place on a real cluster for documents of a test's own kinds.

Kinds need custom resource definitions, which belong to the whole cluster: each process of tests
makes its own, in a namespace of its own, and removes both.
"""

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes import client, config, watch

from inglenook.store.documents import Kind
from inglenook_cluster.kube import client as kube
from inglenook_cluster.resources.definitions import GROUP, VERSION, Definition
from inglenook_cluster.resources.store import KubernetesStore

NEEDS_CLUSTER = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not os.environ.get("KUBECONFIG"), reason="needs a Kubernetes cluster: KUBECONFIG is not set"
    ),
]


class OwnStore(KubernetesStore):
    """A store that closes its client as well."""

    @classmethod
    async def open(cls, namespace: str, known: Iterable[Definition]) -> "OwnStore":
        opened = await kube.open_client()
        store = cls(opened, namespace=namespace, known=known)
        store._client = opened
        return store

    async def close(self) -> None:
        await super().close()
        await self._client.close()


class KubernetesSite:
    """A namespace with the definitions of some kinds."""

    def __init__(self, namespace: str, definitions: tuple[Definition, ...]) -> None:
        self.namespace = namespace
        self.definitions = definitions

    async def open(self) -> OwnStore:
        return await OwnStore.open(self.namespace, self.definitions)

    def wipe(self) -> None:
        """Remove every document."""
        for one in self.definitions:
            client.CustomObjectsApi().delete_collection_namespaced_custom_object(
                GROUP, VERSION, self.namespace, one.plural
            )


@contextmanager
def kubernetes_site(kinds: Iterable[Kind[Any]]) -> Iterator[KubernetesSite]:
    """Make a site for documents of `kinds`, and remove it in the end."""
    config.load_kube_config()
    own = uuid.uuid4().hex[:8]
    definitions = tuple(
        Definition(
            kind=kind,
            resource_kind=f"{kind.name}{own}",
            plural=f"{kind.name.lower()}s{own}",
            spec=lambda _: {},
        )
        for kind in kinds
    )
    core, extensions = client.CoreV1Api(), client.ApiextensionsV1Api()
    namespace = f"inglenook-store-{own}"
    core.create_namespace({"metadata": {"name": namespace}})
    try:
        for one in definitions:
            extensions.create_custom_resource_definition(_manifest(one))
        _wait_until_served(extensions, definitions)
        yield KubernetesSite(namespace, definitions)
    finally:
        for one in definitions:
            extensions.delete_custom_resource_definition(f"{one.plural}.{GROUP}")
        core.delete_namespace(namespace)


def _wait_until_served(
    extensions: client.ApiextensionsV1Api, definitions: Iterable[Definition]
) -> None:
    left = {f"{one.plural}.{GROUP}" for one in definitions}
    listed = extensions.list_custom_resource_definition
    for event in watch.Watch().stream(listed, timeout_seconds=30):
        found = event["object"]
        conditions = found.status.conditions or ()
        if any(one.type == "Established" and one.status == "True" for one in conditions):
            left.discard(found.metadata.name)
        if not left:
            return
    raise TimeoutError(f"not served: {left}")


def _manifest(one: Definition) -> dict[str, Any]:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "metadata": {"name": f"{one.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": one.resource_kind, "plural": one.plural},
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": anything},
                    "subresources": {"status": {}},
                }
            ],
        },
    }
