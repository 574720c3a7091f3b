"""The reconciler that makes functions ready: Pending becomes Active, an update Successful.

It watches the store, so whatever was left half-way by a crash is taken up at the next start. For
each function or version that is settling it unpacks the code, so that the first invocation finds
it, and asks whether its runtime is there; if not, it has Failed. What it writes is written only
over what it has looked at: a document that has changed meanwhile is looked at again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from inglenook import errors
from inglenook.aio import backoff, tasks
from inglenook.model import function, lifecycle
from inglenook.store import documents
from inglenook.store.documents import Document

logger = logging.getLogger(__name__)

_AT_ONCE = 4
"""How many packages are unpacked at a time."""
_BACKOFF_S = 0.5
_BACKOFF_S_MAX = 30.0


class UnpackedCode(Protocol):
    """Packages, unpacked on this machine."""

    async def folder(self, sha256: str) -> object:
        """Unpack a package unless it is; return where. Raises ApiError if it cannot be."""

    async def merged(self, layers: Sequence[str]) -> object:
        """Do so with packages over each other."""


class Runtimes(Protocol):
    """What this machine can run."""

    async def available(self, runtime: str) -> str | None:
        """Return why a runtime is not available here; None if it is."""


class Activation:
    """Bring every function and version that is settling to its end."""

    def __init__(
        self,
        *,
        store: documents.Store,
        code: UnpackedCode,
        runtimes: Runtimes,
        new_revision: Callable[[], str],
        written: Callable[[Document[Any]], None],
    ) -> None:
        """Call `written` with every document that is replaced (the catalog's `apply`)."""
        self._store = store
        self._code = code
        self._runtimes = runtimes
        self._new_revision = new_revision
        self._written = written
        self._room = asyncio.Semaphore(_AT_ONCE)
        # What settles now, by kind and name: the watch shows it again with every change.
        self._under_way: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Settle what is to be settled, without end."""
        background = tasks.Tasks()
        try:
            since = 0
            while True:
                try:
                    async for change in self._store.watch(since):
                        since = change.document.resource_version
                        if not change.deleted:
                            self._look(change.document, background)
                except documents.WatchExpiredError:
                    since = 0
        finally:
            await background.close()

    def _look(self, document: Document[Any], background: tasks.Tasks) -> None:
        key = document.kind.name, document.name
        if key in self._under_way or not _is_settling(document.value):
            return
        self._under_way.add(key)
        _ = background.start(self._settle_all(document), name=f"activate {document.name}")

    async def _settle_all(self, document: Document[Any]) -> None:
        """Settle a document, and whatever it has become meanwhile."""
        key = document.kind.name, document.name
        found: Document[Any] | None = document
        pauses = backoff.Backoff(_BACKOFF_S, _BACKOFF_S_MAX)
        try:
            # No await between the last look and the discard, or a change could slip in between.
            while found is not None and _is_settling(found.value):
                try:
                    async with self._room:
                        found = await self._settle(found)
                except documents.ClosedError:
                    return
                except Exception:
                    # The one place where this loop's errors end.
                    logger.exception(
                        "a function could not be activated yet", extra={"document": document.name}
                    )
                    await asyncio.sleep(pauses.next())
        finally:
            self._under_way.discard(key)

    async def _settle(self, document: Document[Any]) -> Document[Any] | None:
        """Write the end of what is under way; return what then stands, None if it is gone."""
        value: function.Function | function.Version = document.value
        status = await self._settled(value)
        try:
            replaced = await self._store.replace(document, lifecycle.settled(value, status))
        except (documents.ConflictError, documents.NotFoundError):
            return await self._store.get(document.kind, document.name)
        self._written(replaced)
        return replaced

    async def _settled(self, value: function.Function | function.Version) -> function.Status:
        status, revision = value.status, self._new_revision()
        reason = await self._runtimes.available(value.spec.runtime)
        if reason is not None:
            return lifecycle.failed(status, revision=revision, reason=reason, code="InvalidRuntime")
        try:
            await self._code.folder(value.spec.code.sha256)
            if value.spec.layers:
                await self._code.merged([layer.code.sha256 for layer in value.spec.layers])
        except (errors.InvalidZipFileError, errors.InvalidParameterValueError) as error:
            code, reason = "InvalidZipFileException", error.message
        except (errors.ApiError, OSError) as error:
            code, reason = "InternalError", str(error)
        else:
            return lifecycle.activated(status, revision=revision)
        return lifecycle.failed(status, revision=revision, reason=reason, code=code)


def _is_settling(value: object) -> bool:
    match value:
        case function.Function(deleting=False, status=status):
            return lifecycle.is_settling(status)
        case function.Version(status=status):
            return lifecycle.is_settling(status)
        case _:
            return False
