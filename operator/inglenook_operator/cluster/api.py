"""The Kubernetes API as the operator uses it: objects as JSON, one call at a time, each bounded.

Whoever reads a body decodes it (`reconcile.pods`, the store's codec); nothing is kept here. That an
object is not there is an answer; all other refusals are `RefusedError`, and an API server that is
away or overloaded is a `ServiceError`.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from inglenook import errors
from inglenook_cluster.kube import requests
from inglenook_cluster.kube.requests import RefusedError

Body = dict[str, Any]

AWAY = (RefusedError, errors.ServiceError, TimeoutError)
"""What a call that is best effort may fail with."""
CONFLICT = 409
GONE = 404

_JSON = "application/json"
_STRATEGIC = "application/strategic-merge-patch+json"
_FIELD_MANAGER = "inglenook-operator"
_PAGE = 500


def pods(namespace: str, name: str = "", subresource: str = "") -> str:
    """Return the path of a namespace's pods, of one, or of something of it."""
    return _joined(f"/api/v1/namespaces/{namespace}/pods", name, subresource)


def core(plural: str, namespace: str, name: str = "") -> str:
    """Return the path of something else of the core API."""
    return _joined(f"/api/v1/namespaces/{namespace}/{plural}", name)


def custom(plural: str, namespace: str, name: str = "", subresource: str = "") -> str:
    """Return the path of custom resources of ours."""
    root = f"/apis/inglenook.dev/v1/namespaces/{namespace}/{plural}"
    return _joined(root, name, subresource)


def leases(namespace: str, name: str = "") -> str:
    """Return the path of a namespace's leases, or of one."""
    return _joined(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases", name)


def node(name: str) -> str:
    """Return the path of a node."""
    return f"/api/v1/nodes/{name}"


def _joined(*parts: str) -> str:
    return "/".join(part for part in parts if part)


class Api:
    """Calls of the Kubernetes API."""

    def __init__(self, sender: requests.Requests) -> None:
        self._requests = sender

    async def get(self, path: str) -> Body | None:
        """Return an object; None if it is not there."""
        try:
            return await self._call("GET", path)
        except RefusedError as error:
            if error.status == GONE:
                return None
            raise

    async def list(self, path: str, *, label_selector: str = "") -> list[Body]:
        """Return all objects at a path."""
        query = {"limit": str(_PAGE)}
        if label_selector:
            query["labelSelector"] = label_selector
        items: list[Body] = []
        while True:
            page = await self._call("GET", path, query=query)
            items += page.get("items") or ()
            token = page["metadata"].get("continue")
            if not token:
                return items
            query["continue"] = token

    async def create(self, path: str, body: Mapping[str, Any]) -> Body:
        return await self._call("POST", path, body, query={"fieldManager": _FIELD_MANAGER})

    async def replace(self, path: str, body: Mapping[str, Any]) -> Body:
        """Put an object in the place of the one with its resource version."""
        return await self._call("PUT", path, body, query={"fieldManager": _FIELD_MANAGER})

    async def merge(self, path: str, patch: Mapping[str, Any]) -> Body:
        """Send a JSON merge patch."""
        query = {"fieldManager": _FIELD_MANAGER}
        return await self._call("PATCH", path, patch, query=query, content=requests.MERGE_PATCH)

    async def merge_strategic(self, path: str, patch: Mapping[str, Any]) -> Body:
        """Send a strategic merge patch; for Kubernetes' own kinds alone."""
        query = {"fieldManager": _FIELD_MANAGER}
        return await self._call("PATCH", path, patch, query=query, content=_STRATEGIC)

    async def delete(
        self,
        path: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        grace_s: int | None = None,
    ) -> Body | None:
        """Delete exactly that object; None if it is gone already, or is another one by now.

        What is returned is the object as it is on its way, or only word that it is gone.
        """
        conditions = {"uid": uid, "resourceVersion": resource_version}
        options: Body = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if given := {key: value for key, value in conditions.items() if value}:
            options["preconditions"] = given
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        try:
            return await self._call("DELETE", path, options)
        except RefusedError as error:
            if error.status in (GONE, CONFLICT):
                return None
            raise

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content: str = _JSON,
    ) -> Body:
        text = await self._requests.send(method, path, query=query, body=body, content_type=content)
        return cast("Body", json.loads(text))
