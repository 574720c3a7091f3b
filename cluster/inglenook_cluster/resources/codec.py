"""Between custom resources and the store's documents. Pure.

A document stands whole in `status.applied`, as the JSON of its value, beside its own name. The rest
of a status is others' and is never read into a document, with two exceptions that are about the
resource itself: a function whose resource is being deleted is `deleting`, and what kind of pod runs
it stands in its spec alone. A spec that says another kind than the document is a change of what
runs: it has a generation of its own, which the document's next replacement keeps.
"""

from typing import Any, TypeVar

import msgspec

from inglenook import errors
from inglenook.model import function
from inglenook.store.documents import Document, Kind
from inglenook_cluster.resources import shown
from inglenook_cluster.resources.definitions import DRAIN_FINALIZER
from inglenook_cluster.resources.manifest import Resource

T = TypeVar("T")


class UnreadableError(errors.ServiceError):
    """A document of the platform cannot be read."""


def document(kind: Kind[T], resource: Resource) -> Document[T] | None:
    """Return the document that a resource is; None if it has not been accepted, or is gone.

    It is gone once it is being deleted and our finalizer does not hold it: what others may still
    do with it is not the platform's business. Raises UnreadableError.
    """
    metadata = resource.metadata
    if metadata.deletion_timestamp is not None and DRAIN_FINALIZER not in metadata.finalizers:
        return None
    return last(kind, resource)


def last(kind: Kind[T], resource: Resource) -> Document[T] | None:
    """Return the document that a resource is, or was when it was deleted."""
    name = resource.status.document
    if name is None:
        return None
    try:
        value = msgspec.json.decode(resource.status.applied, type=kind.type)
    except msgspec.DecodeError as exc:
        # Of a newer version of the platform, or written by somebody else.
        raise UnreadableError(f"{kind.name} {name} cannot be read: {exc}") from exc
    return Document(
        kind=kind,
        name=name,
        resource_version=resource.metadata.version,
        value=_overlaid(value, resource),
    )


def status(name: str, value: object, *, replaced: int) -> dict[str, Any]:
    """Return the fields of a status that keep and show a value; those that are None go.

    To be merged into what is there, over exactly the resource version `replaced`.
    """
    return {
        **shown.fields(value),
        "document": name,
        "applied": msgspec.json.encode(value).decode(),
        "replaced": replaced,
    }


def fingerprint(resource: Resource, document: Document[Any]) -> tuple[object, ...]:
    """Return what is the same of two states of a resource if its document is."""
    written = (resource.metadata.uid, resource.status.replaced)
    match document.value:
        case function.Function(spec=spec, status=status, deleting=deleting):
            return (*written, spec.placement, status.generation, deleting)
        case _:
            return written


def _overlaid(value: T, resource: Resource) -> T:
    if not isinstance(value, function.Function):
        return value
    deleting = value.deleting or resource.metadata.deletion_timestamp is not None
    placement = _placement(resource.spec)
    if placement == value.spec.placement:
        return msgspec.structs.replace(value, deleting=deleting)
    # A resource's generation grows with every change of its spec: no two kinds of pod, of those
    # that were declared one after the other, have the same sum, and all processes find the same.
    later = max(1, resource.metadata.generation)
    before = value.before_update
    if before is not None:
        before = function.Serving(
            spec=msgspec.structs.replace(before.spec, placement=placement),
            generation=before.generation + later,
        )
    return msgspec.structs.replace(
        value,
        spec=msgspec.structs.replace(value.spec, placement=placement),
        status=msgspec.structs.replace(value.status, generation=value.status.generation + later),
        before_update=before,
        deleting=deleting,
    )


def _placement(spec: dict[str, Any]) -> function.Placement:
    return function.Placement(
        runtime_class=spec.get("runtimeClassName"),
        environments_per_pod=spec.get("environmentsPerPod", 1),
    )
