"""What the events of one kind's watch say of its documents. Pure but for its own memory.

Kubernetes tells every write of a resource. Told on is only what has changed of the document, once:
a resource that is no longer a document is told as deleted, and not again when it goes. Of one that
has become unreadable what was told last stays true, as far as anybody knows.
"""

import logging

import msgspec

from inglenook import errors
from inglenook.store import documents
from inglenook.store.documents import Change
from inglenook_cluster.resources import codec
from inglenook_cluster.resources.definitions import Definition
from inglenook_cluster.resources.manifest import ListMetadata, Resource

logger = logging.getLogger(__name__)

_GONE = 410


class _Event(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class _Bookmark(msgspec.Struct, frozen=True):
    metadata: ListMetadata


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    reason: str = ""
    message: str = ""


_EVENT = msgspec.json.Decoder(_Event)
_RESOURCE = msgspec.json.Decoder(Resource)
_BOOKMARK = msgspec.json.Decoder(_Bookmark)
_ERROR = msgspec.json.Decoder(_Error)


class Events:
    """The events of one kind, in order. `version` is that up to which all are known."""

    def __init__(self, definition: Definition, version: int = 0) -> None:
        self.definition = definition
        self.version = version
        self._told: dict[str, tuple[object, ...]] = {}
        """By resource: what the document was like that was told last; () for one that is gone."""

    def existing(self, resource: Resource) -> Change | None:
        """Return the document that is there in the beginning."""
        try:
            document = codec.document(self.definition.kind, resource)
        except codec.UnreadableError as failure:
            _tell_skipped(failure)
            return None
        if document is None:
            return None
        self._told[resource.metadata.name] = codec.fingerprint(resource, document)
        return Change(document=document, deleted=False)

    def read(self, line: bytes) -> Change | None:
        """Return the change that a line of the watch tells, if it is one.

        Raises WatchExpiredError, and ServiceError for another failure of the server's.
        """
        event = _EVENT.decode(line)
        match event.type:
            case "BOOKMARK":
                self.version = int(_BOOKMARK.decode(event.object).metadata.resource_version)
                return None
            case "ERROR":
                raise failure(_ERROR.decode(event.object))
            case kind:
                resource = _RESOURCE.decode(event.object)
                self.version = resource.metadata.version
                return self._deleted(resource) if kind == "DELETED" else self._written(resource)

    def _written(self, resource: Resource) -> Change | None:
        try:
            document = codec.document(self.definition.kind, resource)
            if document is None:
                return self._gone(resource)
        except codec.UnreadableError as failure:
            _tell_skipped(failure)
            return None
        name, fingerprint = resource.metadata.name, codec.fingerprint(resource, document)
        if self._told.get(name) == fingerprint:
            return None
        self._told[name] = fingerprint
        return Change(document=document, deleted=False)

    def _gone(self, resource: Resource) -> Change | None:
        """Tell of a resource that stays a while, but is no document any more or yet."""
        document = codec.last(self.definition.kind, resource)
        if document is None or self._told.get(resource.metadata.name) == ():
            return None
        self._told[resource.metadata.name] = ()
        return Change(document=document, deleted=True)

    def _deleted(self, resource: Resource) -> Change | None:
        told = self._told.pop(resource.metadata.name, None)
        try:
            document = codec.last(self.definition.kind, resource)
        except codec.UnreadableError as failure:
            # What it was cannot be told; a new listing will not have it.
            raise documents.WatchExpiredError(failure.message) from failure
        if document is None or told == ():
            return None
        return Change(document=document, deleted=True)


def _tell_skipped(failure: codec.UnreadableError) -> None:
    logger.error("a document is left out", extra={"reason": failure.message})


def failure(error: _Error) -> Exception:
    """Return what the server's word for the end of a watch means."""
    if error.code == _GONE:
        return documents.WatchExpiredError(error.message)
    return errors.ServiceError(
        f"The Kubernetes API has ended a watch: {error.code} {error.reason} {error.message}"
    )
