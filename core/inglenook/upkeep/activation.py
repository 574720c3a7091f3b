"""The reconciler that makes functions ready: Pending becomes Active, an update Successful.

It watches the store, so whatever was left half-way by a crash is taken up at the next start. For
each function or version that is settling it unpacks the code, so that the first invocation finds
it, and asks whether its runtime is there; if not, it has Failed. What has failed for a reason that
may pass (its runtime was not there, a disk was full) is tried again now and then. What it writes is
written only over what it has looked at: a document that has changed meanwhile is looked at again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from inglenook import errors
from inglenook.aio import backoff, tasks
from inglenook.model import function, lifecycle
from inglenook.model.function import UpdateStatus
from inglenook.store import documents
from inglenook.store.documents import Document

logger = logging.getLogger(__name__)

_AT_ONCE = 4
"""How many packages are unpacked at a time."""
_BACKOFF_S = 0.5
_BACKOFF_S_MAX = 30.0
_RETRY_S = 30.0
_INVALID_RUNTIME = "InvalidRuntime"
_INTERNAL_ERROR = "InternalError"
_PASSING = frozenset({_INVALID_RUNTIME, _INTERNAL_ERROR})


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
        retry_s: float = _RETRY_S,
    ) -> None:
        """Call `written` with every document that is replaced (the catalog's `apply`).

        What has failed and may succeed later is tried again every `retry_s`.
        """
        self._store = store
        self._code = code
        self._runtimes = runtimes
        self._new_revision = new_revision
        self._written = written
        self._room = asyncio.Semaphore(_AT_ONCE)
        # What settles now, by kind and name: the watch shows it again with every change.
        self._under_way: set[tuple[str, str]] = set()
        self._retry_s = retry_s
        self._failed: dict[tuple[str, str], Document[Any]] = {}
        """What may succeed one day."""

    async def run(self) -> None:
        """Settle what is to be settled, without end."""
        background = tasks.Tasks()
        _ = background.start(self._retry(background), name="retry activation")
        try:
            since = 0
            while True:
                try:
                    async for change in self._store.watch(since):
                        since = change.document.resource_version
                        if change.deleted:
                            self._failed.pop(_key(change.document), None)
                        else:
                            self._look(change.document, background)
                except documents.WatchExpiredError:
                    since = 0
                    self._failed.clear()
        finally:
            await background.close()

    async def _retry(self, background: tasks.Tasks) -> None:
        """Try again what has failed: nothing tells of an interpreter or of room on a disk."""
        while True:
            await asyncio.sleep(self._retry_s)
            for key, document in list(self._failed.items()):
                if key not in self._under_way:
                    self._under_way.add(key)
                    work = self._settle_all(document)
                    _ = background.start(work, name=f"activate {document.name}")

    def _look(self, document: Document[Any], background: tasks.Tasks) -> None:
        key = _key(document)
        if _has_failed_for_now(document.value):
            self._failed[key] = document
        else:
            self._failed.pop(key, None)
        if key in self._under_way or not _is_settling(document.value):
            return
        self._under_way.add(key)
        _ = background.start(self._settle_all(document), name=f"activate {document.name}")

    async def _settle_all(self, document: Document[Any]) -> None:
        """Settle a document, and whatever it has become meanwhile."""
        key = _key(document)
        found: Document[Any] | None = document
        pauses = backoff.Backoff(_BACKOFF_S, _BACKOFF_S_MAX)
        try:
            is_again = _has_failed_for_now(document.value)
            # No await between the last look and the discard, or a change could slip in between.
            while found is not None and (is_again or _is_settling(found.value)):
                try:
                    async with self._room:
                        found = await self._settle(found)
                    is_again = False
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
        trouble = await self._trouble(value)
        revision = self._new_revision()
        if trouble is None:
            status = lifecycle.activated(value.status, revision=revision)
        elif lifecycle.is_settling(value.status):
            code, reason = trouble
            status = lifecycle.failed(value.status, revision=revision, reason=reason, code=code)
        else:
            return document  # it has failed before, and that is no news
        try:
            replaced = await self._store.replace(document, lifecycle.settled(value, status))
        except (documents.ConflictError, documents.NotFoundError):
            return await self._store.get(document.kind, document.name)
        self._written(replaced)
        return replaced

    async def _trouble(self, value: function.Function | function.Version) -> tuple[str, str] | None:
        """Return why something cannot run, as a code and a text; None if it can."""
        missing = await self._runtimes.available(value.spec.runtime_name)
        if missing is not None:
            return _INVALID_RUNTIME, missing
        if value.spec.image is not None:
            return None  # nodes pull it, when a pod of it is made
        try:
            await self._code.folder(value.spec.code.sha256)
            if value.spec.layers:
                await self._code.merged([layer.code.sha256 for layer in value.spec.layers])
        except (errors.InvalidZipFileError, errors.InvalidParameterValueError) as error:
            return "InvalidZipFileException", error.message
        except (errors.ApiError, OSError) as error:
            return _INTERNAL_ERROR, str(error)
        return None


def _key(document: Document[Any]) -> tuple[str, str]:
    return document.kind.name, document.name


def _has_failed_for_now(value: object) -> bool:
    """Whether a function's or a version's last try has failed, for a reason that may pass."""
    match value:
        case function.Function(deleting=False, status=status) | function.Version(status=status):
            is_failed = status.last_update is UpdateStatus.FAILED
            return is_failed and status.last_update_reason_code in _PASSING
        case _:
            return False


def _is_settling(value: object) -> bool:
    match value:
        case function.Function(deleting=False, status=status):
            return lifecycle.is_settling(status)
        case function.Version(status=status):
            return lifecycle.is_settling(status)
        case _:
            return False
