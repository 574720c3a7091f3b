"""EndpointSlices of the gateways' headless service, as they are read, and the view they make.

Pure: lists and events of a watch in, views out. A view's version is the greatest resource version
among the slices and their deletions, so that all who have read as far have the same one.
"""

import msgspec

from inglenook_cluster.peers import views


class GoneError(Exception):
    """The watch cannot go on from where it was: everything is to be listed anew."""


class _Meta(msgspec.Struct, rename="camel"):
    name: str = ""
    resource_version: str = "0"


class _Conditions(msgspec.Struct):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class _Target(msgspec.Struct):
    name: str = ""


class _Endpoint(msgspec.Struct, rename="camel"):
    addresses: list[str]
    conditions: _Conditions = msgspec.field(default_factory=_Conditions)
    target_ref: _Target | None = None


class _Slice(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    endpoints: list[_Endpoint] | None = None


class _List(msgspec.Struct):
    metadata: _Meta
    items: list[_Slice]


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


_lists = msgspec.json.Decoder(_List)
_events = msgspec.json.Decoder(_Event)
_slices = msgspec.json.Decoder(_Slice)


class Slices:
    """All slices of the service, kept up with."""

    def __init__(self) -> None:
        self._slices: dict[str, _Slice] = {}
        self._version = 0
        self.resume_from = ""
        """The resource version to watch from."""

    def replace(self, listed: bytes) -> views.View:
        """Take a list of all slices."""
        found = _lists.decode(listed)
        self._slices = {each.metadata.name: each for each in found.items}
        self._version = max([0, *(int(each.metadata.resource_version) for each in found.items)])
        self.resume_from = found.metadata.resource_version
        return self._view()

    def apply(self, line: bytes) -> views.View:
        """Take one event of a watch. Raises GoneError."""
        event = _events.decode(line)
        if event.type == "ERROR":
            raise GoneError(bytes(event.object).decode(errors="replace"))
        changed = _slices.decode(event.object)
        self.resume_from = changed.metadata.resource_version
        match event.type:
            case "ADDED" | "MODIFIED":
                self._slices[changed.metadata.name] = changed
                self._version = max(self._version, int(changed.metadata.resource_version))
            case "DELETED":
                self._slices.pop(changed.metadata.name, None)
                self._version = max(self._version, int(changed.metadata.resource_version))
            case _:  # a bookmark: only the resource version
                pass
        return self._view()

    def _view(self) -> views.View:
        members, leaving = {}, {}
        for each in self._slices.values():
            for endpoint in each.endpoints or []:
                if endpoint.target_ref is None or not endpoint.addresses:
                    continue
                name, address = endpoint.target_ref.name, endpoint.addresses[0]
                # Absent means unknown, which Kubernetes says to take for ready.
                if endpoint.conditions.ready is not False:
                    members[name] = address
                elif endpoint.conditions.serving or endpoint.conditions.terminating:
                    leaving[name] = address
        for name in members:
            # Two slices may have the same endpoint for a moment, one of them out of date.
            leaving.pop(name, None)
        return views.View(version=self._version, members=members, leaving=leaving)
