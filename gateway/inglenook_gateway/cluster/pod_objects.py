"""Pods as the Kubernetes API shows them, decoded into what the gateway needs of them.

Pure: lists and events of a watch in, `podmap.Seen` out. All else of a pod is skipped unread.
"""

from collections.abc import Iterator

import msgspec

from inglenook_cluster import labels
from inglenook_gateway.cluster import podmap

_FULL = ("Too many pods", "Insufficient ")
"""What Kubernetes' scheduler writes of nodes whose room is taken: pods, or a resource by name."""


class GoneError(Exception):
    """The watch cannot go on from where it was: everything is to be listed anew."""


class _Meta(msgspec.Struct, rename="camel"):
    name: str = ""
    uid: str = ""
    resource_version: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class _Condition(msgspec.Struct):
    type: str
    status: str
    message: str = ""

    @property
    def tells_of_want_of_room(self) -> bool:
        """Whether it says that nodes are too full; what else is wrong with them no room mends."""
        is_unscheduled = self.type == "PodScheduled" and self.status == "False"
        return is_unscheduled and any(words in self.message for words in _FULL)


class _Status(msgspec.Struct, rename="camel"):
    phase: str = ""
    pod_ip: str | None = msgspec.field(name="podIP", default=None)
    conditions: list[_Condition] = []


class _Pod(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    status: _Status = msgspec.field(default_factory=_Status)


class _List(msgspec.Struct):
    metadata: _Meta
    items: list[_Pod]


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


_lists = msgspec.json.Decoder(_List)
_events = msgspec.json.Decoder(_Event)
_pods = msgspec.json.Decoder(_Pod)


class Reader:
    """Feeds a map from lists and events, and knows from where a watch goes on."""

    def __init__(self, into: podmap.PodMap) -> None:
        self._into = into
        self.resume_from = ""

    def replace(self, listed: bytes) -> None:
        """Take a list of all pods."""
        found = _lists.decode(listed)
        self._into.replace(_living(found.items))
        self.resume_from = found.metadata.resource_version

    def apply(self, line: bytes) -> None:
        """Take one event of a watch. Raises GoneError."""
        event = _events.decode(line)
        if event.type == "ERROR":
            raise GoneError(bytes(event.object).decode(errors="replace"))
        pod = _pods.decode(event.object)
        self.resume_from = pod.metadata.resource_version
        if event.type == "DELETED" or (event.type != "BOOKMARK" and _has_ended(pod)):
            self._into.drop(pod.metadata.name, pod.metadata.uid)
        elif event.type in {"ADDED", "MODIFIED"}:
            self._into.put(_seen(pod))


def _living(pods: list[_Pod]) -> Iterator[podmap.Seen]:
    return (_seen(each) for each in pods if not _has_ended(each))


def _has_ended(pod: _Pod) -> bool:
    return pod.status.phase in {"Succeeded", "Failed"}


def _seen(pod: _Pod) -> podmap.Seen:
    meta, status = pod.metadata, pod.status
    return podmap.Seen(
        name=meta.name,
        uid=meta.uid,
        pool=meta.labels.get(labels.POOL, ""),
        address=status.pod_ip or None,
        is_pooled=meta.labels.get(labels.STATE) == labels.POOLED,
        is_ready=any(each.type == "Ready" and each.status == "True" for each in status.conditions),
        is_ending=meta.deletion_timestamp is not None,
        function=meta.annotations.get(labels.FUNCTION_NAME),
        has_started=labels.STARTED in meta.annotations,
        lacks_room=any(each.tells_of_want_of_room for each in status.conditions),
    )
