"""A custom resource as the reconciler sees it: what is declared, and what was made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inglenook.model import function, function_url
from inglenook.model.function import State, UpdateStatus
from inglenook.store.documents import Document
from inglenook_cluster.resources import codec, declared, definitions, manifest, names
from inglenook_operator.reconcile import conditions
from inglenook_operator.reconcile.conditions import Condition
from inglenook_operator.reconcile.names import Kind

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One custom resource."""

    kind: Kind
    name: str
    """Of the resource; the object of the API may have another one."""
    generation: int
    observed: int
    """The generation that was looked at last; 0: none."""
    created: float
    is_accepted: bool | None
    spec: Spec
    conditions: tuple[Mapping[str, Any], ...]
    code: manifest.CodeSource | None
    """Which package was made of the declared code, if one was."""
    document: Document[Any] | None
    """What the platform has; None: it has none yet, or none that can be read."""
    is_readable: bool = True
    is_leaving: bool
    has_finalizer: bool
    is_of_the_api: bool
    """Whether the Lambda API has made it, and nobody has declared it."""

    @property
    def is_taken_over(self) -> bool:
        """Whether the platform was told all that is declared now, and has not refused it.

        What then differs has come through the Lambda API since.
        """
        return (
            self.document is not None
            and self.observed == self.generation
            and self.is_accepted is not False
        )

    @property
    def document_name(self) -> str | None:
        """The name of the document that is declared, if the spec says so."""
        return names.document_name(self.kind.documents.name, self.name, self.spec)

    @property
    def right_name(self) -> str | None:
        """What the resource has to be called for what it declares."""
        wanted = self.document_name
        return wanted and names.resource_name(self.kind.documents.name, wanted)

    @property
    def wanted(self) -> Spec:
        """What is declared, with its defaults, and the code as its package if there is one."""
        name = self.document_name or self.name
        return declared.wanted(self.kind.documents.name, name, self.spec, self.code)

    @property
    def present(self) -> Spec | None:
        """What would have to be declared for what the platform has, with its defaults."""
        if self.document is None:
            return None
        spec = declared.spec(self.document.value)
        return declared.wanted(self.kind.documents.name, self.document.name, spec)

    @property
    def is_as_declared(self) -> bool:
        """Whether the platform has exactly what is declared."""
        return self.document is not None and declared.is_declared(
            self.spec, self.document, self.code
        )

    @property
    def function_name(self) -> str:
        """The function that this is, or belongs to."""
        default = self.name if self.kind is Kind.FUNCTION else ""
        return str(self.spec.get("functionName") or default)


def view(kind: Kind, body: Mapping[str, Any]) -> Resource:
    """Read a custom resource as the API server shows it."""
    read = manifest.read(body)
    said = tuple((body.get("status") or {}).get("conditions") or ())
    document, is_readable = None, True
    try:
        document = codec.document(kind.documents, read)
    except codec.UnreadableError:
        is_readable = False
    return Resource(
        kind=kind,
        name=read.metadata.name,
        generation=read.metadata.generation,
        observed=read.status.observed_generation,
        created=conditions.timestamp(body["metadata"]["creationTimestamp"]),
        is_accepted=_accepted(said),
        spec=read.spec,
        conditions=said,
        code=read.status.code,
        document=document,
        is_readable=is_readable,
        is_leaving=read.metadata.deletion_timestamp is not None,
        has_finalizer=definitions.DRAIN_FINALIZER in read.metadata.finalizers,
        is_of_the_api=read.metadata.annotations.get(definitions.MADE_BY) == definitions.API,
    )


def fingerprint(kind: Kind, body: Mapping[str, Any] | None) -> tuple[object, ...]:
    """Return what two states of a resource have in common if nothing is to be done about it.

    Conditions are what we write ourselves; they are no news.
    """
    if body is None:
        return ()
    read = manifest.read(body)
    metadata, status = read.metadata, read.status
    finalizers, accepted = metadata.finalizers, view(kind, body).is_taken_over
    return metadata.uid, metadata.generation, finalizers, status.applied, status.code, accepted


def readiness(one: Resource) -> Condition | None:
    """Return whether what runs can run; None for what does not run."""
    value = None if one.document is None else one.document.value
    if not isinstance(value, function.Function | function.Version):
        return None
    status, ready = value.status, conditions.READY
    match status.state, status.last_update:
        case State.ACTIVE, UpdateStatus.FAILED:
            reason = status.last_update_reason_code or "UpdateFailed"
            message = status.last_update_reason or ""
            return Condition(type=ready, status=False, reason=reason, message=message)
        case State.ACTIVE, _:
            return Condition(type=ready, status=True, reason="Active")
        case State.PENDING, _:
            return Condition(type=ready, status=None, reason="Pending")
        case _:
            reason = status.state_reason_code or status.state.value
            message = status.state_reason or ""
            return Condition(type=ready, status=False, reason=reason, message=message)


def addresses(one: Resource, endpoint: str, region: str) -> dict[str, str]:
    """Return where a function URL is called, as fields of its status."""
    value = None if one.document is None else one.document.value
    if not isinstance(value, function_url.FunctionUrl):
        return {}
    return {"url": function_url.location(value.url_id, region, endpoint)}


def is_settled(one: Resource) -> bool:
    """Whether a function may be updated now."""
    status = None if one.document is None else one.document.value.status
    return status is None or (
        status.state is not State.PENDING and status.last_update is not UpdateStatus.IN_PROGRESS
    )


def _accepted(said: tuple[Mapping[str, Any], ...]) -> bool | None:
    for one in said:
        if one.get("type") == conditions.ACCEPTED:
            return {"True": True, "False": False}.get(one.get("status", ""))
    return None
