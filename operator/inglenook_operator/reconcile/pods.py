"""Function pods as the reconciler sees them: the few facts of a pod that decisions hang on."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from inglenook_cluster import labels
from inglenook_operator.reconcile import conditions
from inglenook_operator.resources import pod

Body = Mapping[str, Any]

_ENDED = frozenset(("Succeeded", "Failed"))


class State(enum.Enum):
    """What a pod is for, by its label."""

    POOLED = labels.POOLED
    RETIRING = labels.RETIRING
    SPECIALISED = labels.SPECIALISED
    UNKNOWN = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a pod does not become ready: a reason in CamelCase, and a text for people."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One function pod."""

    name: str
    uid: str
    resource_version: str
    pool: str
    state: State
    template: str
    created: float
    """Seconds since the epoch."""
    is_ready: bool
    is_cut_off: bool = False
    """Whether the cluster takes it for unready, though its containers were ready: its kubelet has
    not been heard of."""
    has_address: bool = True
    """Whether it can be known where it is, so that a gateway may have taken it, ready or not."""
    has_ended: bool
    has_failed: bool
    leaving_since: float | None = None
    """When it was deleted, if it was and is on its way; seconds since the epoch."""
    node: str | None
    function: str | None
    """The name of the Function resource that it runs."""
    function_name: str | None
    memory_mb: int | None
    environments_max: int
    has_started: bool = False
    """Whether an environment has started in it, so that it may be made smaller."""
    trouble: Trouble | None

    @property
    def is_leaving(self) -> bool:
        return self.leaving_since is not None

    @property
    def is_live(self) -> bool:
        return not (self.has_ended or self.is_leaving)


def view(body: Body) -> Pod:
    """Read a pod as the API server shows it."""
    metadata, status = body["metadata"], body.get("status") or {}
    marks, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
    phase = status.get("phase", "Pending")
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        pool=marks.get(labels.POOL, ""),
        state=_state(marks.get(labels.STATE, "")),
        template=marks.get(labels.TEMPLATE, ""),
        created=conditions.timestamp(metadata["creationTimestamp"]),
        is_ready=_has(status, "Ready"),
        is_cut_off=_has(status, "ContainersReady") and not _has(status, "Ready"),
        has_address=bool(status.get("podIP")),
        has_ended=phase in _ENDED,
        has_failed=phase == "Failed",
        leaving_since=_deleted(metadata),
        node=(body.get("spec") or {}).get("nodeName"),
        function=marks.get(labels.FUNCTION),
        function_name=notes.get(labels.FUNCTION_NAME),
        memory_mb=_number(notes.get(labels.MEMORY_MB)),
        environments_max=_number(notes.get(labels.ENVIRONMENTS_MAX)) or 1,
        has_started=notes.get(labels.STARTED) == "true",
        trouble=_trouble(status),
    )


def resize_trouble(body: Body) -> Trouble | None:
    """Return why a pod cannot get the resources that it was to get; None if it can."""
    for one in (body.get("status") or {}).get("conditions") or ():
        if one["type"] == "PodResizePending" and one["status"] == "True":
            return Trouble(
                reason=f"Resize{one.get('reason', 'Pending')}", message=one.get("message", "")
            )
    return None


def function_resources(body: Body) -> Mapping[str, Any]:
    """Return the resources that the function's container is to have."""
    for one in body["spec"].get("containers") or ():
        if one["name"] == pod.FUNCTION:
            return one.get("resources") or {}
    return {}


def _deleted(metadata: Body) -> float | None:
    """Return when something was deleted: its timestamp is that of the end of its grace."""
    if "deletionTimestamp" not in metadata:
        return None
    ends = conditions.timestamp(metadata["deletionTimestamp"])
    return ends - (metadata.get("deletionGracePeriodSeconds") or 0)


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        return State.UNKNOWN


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and int(text) else None


def _has(status: Body, condition: str) -> bool:
    return any(
        one["type"] == condition and one["status"] == "True"
        for one in status.get("conditions") or ()
    )


_WAITING = {
    "ErrImagePull": "ImagePullFailed",
    "ImagePullBackOff": "ImagePullFailed",
    "ErrImageNeverPull": "ImagePullFailed",
    "InvalidImageName": "ImagePullFailed",
    "CreateContainerConfigError": "ContainerCannotBeMade",
    "CreateContainerError": "ContainerCannotBeMade",
    "RunContainerError": "ContainerCannotBeMade",
    "CrashLoopBackOff": "ContainerFails",
}


def _trouble(status: Body) -> Trouble | None:
    for one in _containers(status):
        waiting = (one.get("state") or {}).get("waiting") or {}
        if reason := _WAITING.get(waiting.get("reason", "")):
            return Trouble(reason=reason, message=f"{one['name']}: {waiting.get('message', '')}")
    if status.get("phase") == "Failed":
        return _why_failed(status)
    for one in status.get("conditions") or ():
        if one["type"] == "PodScheduled" and one["status"] == "False":
            return Trouble(reason="Unschedulable", message=one.get("message", ""))
    return None


def _why_failed(status: Body) -> Trouble:
    if status.get("reason"):
        return Trouble(reason=status["reason"], message=status.get("message", ""))
    for one in _containers(status):
        ended = (one.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode"):
            text = f"{one['name']}: ended with {ended['exitCode']} ({ended.get('reason', '')})"
            return Trouble(reason="ContainerFails", message=text)
    return Trouble(reason="ContainerFails", message=status.get("message", ""))


def _containers(status: Body) -> Iterable[Body]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()
