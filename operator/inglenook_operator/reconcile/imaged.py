"""The Runtimes of functions whose code is a container image. Pure.

Nobody declares them: each image that a function or a version has gets one, whose pods run that
image under the platform's init. So everything that is so of other runtimes' pools is so of theirs.
Nothing waits in them until somebody calls.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from inglenook.model import function, images
from inglenook_cluster import labels
from inglenook_operator.reconcile import conditions, views
from inglenook_operator.reconcile.names import Kind
from inglenook_operator.resources import runtime

KINDS = (Kind.FUNCTION, Kind.VERSION)
"""What has code that may be an image."""
_DESCRIPTION = "Made for the functions whose code is this image, and deleted with the last of them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What the pods of all images of an installation have in common."""

    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    """Names of Secrets in the functions' namespace."""
    pool_max: int = 20


def uris(kind: Kind, body: Mapping[str, Any]) -> frozenset[str]:
    """Return the images that a resource has, runs, or will run."""
    one = views.view(kind, body)
    match None if one.document is None else one.document.value:
        case function.Function() as owner:
            specs = [owner.spec, owner.serving.spec]
        case function.Version() as version:
            specs = [version.spec]
        case _:
            specs = []
    return frozenset(one.image.uri for one in specs if one.image is not None)


def manifest(uri: str, *, platform: Platform, namespace: str) -> dict[str, Any]:
    """Return the Runtime of an image."""
    spec: dict[str, Any] = {
        "description": _DESCRIPTION,
        "packageType": runtime.IMAGE,
        "image": uri,
        "imagePullPolicy": platform.pull_policy,
        "pool": {"min": 0, "max": platform.pool_max},
    }
    if platform.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in platform.pull_secrets]
    return {
        "apiVersion": "inglenook.dev/v1",
        "kind": "Runtime",
        "metadata": {
            "name": images.runtime_name(uri),
            "namespace": namespace,
            "labels": {labels.PART_OF: labels.PLATFORM},
        },
        "spec": spec,
    }


def is_of_image(body: Mapping[str, Any] | None) -> bool:
    """Whether a Runtime was made for an image."""
    return ((body or {}).get("spec") or {}).get("packageType") == runtime.IMAGE


def differs(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a Runtime does not say what it is to say."""
    spec = present.get("spec") or {}
    keys = wanted["spec"].keys() | {"imagePullSecrets"}
    return any(spec.get(key) != wanted["spec"].get(key) for key in keys)


def trouble(bodies: Iterable[Mapping[str, Any] | None]) -> conditions.Condition | None:
    """Return why pods of one of these Runtimes do not start, if they are known not to.

    It stays said until a pod of the image has started: without calls nobody tries again.
    """
    for body in bodies:
        if body is None or not is_of_image(body):
            continue
        for said in (body.get("status") or {}).get("conditions") or ():
            is_bad = said["type"] == conditions.READY and said["status"] == "False"
            if is_bad and said["reason"] != conditions.POOL_FILLS:
                return conditions.Condition(
                    type=conditions.READY,
                    status=False,
                    reason=said["reason"],
                    message=said.get("message", ""),
                )
    return None
