"""Every resource of the account in memory, so that an invocation never waits for the store.

Fed twice: by a watch of the store, and by this process' own reads and writes, which are applied
before their answers leave (a caller who has seen a function Active can invoke it). A document is
taken only if it is newer than what is known, so the order in which the two come does not matter.

Resolving is a few dictionary look-ups. Whoever keeps environments subscribes to learn which of them
nobody will ask for again.
"""

import asyncio
import bisect
import logging
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from inglenook import errors
from inglenook.aio import backoff
from inglenook.catalog import sharing
from inglenook.catalog.entry import Entry, Key
from inglenook.catalog.target import Retirement, Target
from inglenook.catalog.totals import Totals
from inglenook.model import (
    event_invoke,
    function,
    function_url,
    lifecycle,
    policy,
    provisioned,
)
from inglenook.model.account import Account
from inglenook.model.arn import FunctionRef
from inglenook.store import documents, kinds

logger = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_S = 0.1
_RETRY_S_MAX = 10.0


class Catalog:
    """The view of all resources that the invoke path reads. Belongs to one event loop."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._entries: dict[str, Entry] = {}
        # Their names in order: sorting anew would hold up the loop at each page of a listing.
        self._names: list[str] = []
        # Documents deleted by this process whose deletion the watch has not shown yet: without
        # them its older events would bring the dead back for a moment.
        self._buried: dict[tuple[str, str], int] = {}
        self._totals = Totals()
        self._subscribers: list[Callable[[Retirement], None]] = []
        self._reserved_subscribers: list[Callable[[str, int | None], None]] = []
        self._observers: dict[str, list[Callable[[Any, Any], None]]] = {}
        self.changes = 0
        """Grows with everything that is learnt; what was resolved before may be out of date."""

    async def load(self, store: documents.Store) -> int:
        """Take all that the store has, and only that; return the version to `follow` from.

        A store that is away is waited for. Until it is back, what is known stays.
        """
        pauses = backoff.Backoff(_RETRY_S, _RETRY_S_MAX)
        while True:
            try:
                return await self._load(store)
            except errors.ServiceError as failure:
                logger.warning("the store cannot be read yet", extra={"reason": failure.message})
                await asyncio.sleep(pauses.next())

    async def _load(self, store: documents.Store) -> int:
        latest = await store.latest_version()
        listed = set()
        for kind in kinds.ALL:
            for document in await store.list(kind):
                self.apply(document)
                listed.add(_place(document))
        gone = [
            document
            for name, entry in self._entries.items()
            for key, document in entry.documents()
            if (name, key) not in listed and document.resource_version <= latest
        ]
        for document in gone:
            self._remove(document)
        return latest

    async def follow(self, store: documents.Store, since: int) -> None:
        """Apply every change of the store after `since`, without end.

        A watch that breaks off, for whatever reason of the store's, begins again.
        """
        pauses = backoff.Backoff(_RETRY_S, _RETRY_S_MAX)
        while True:
            try:
                async for change in store.watch(since):
                    self._apply_change(change)
                    pauses.reset()
            except documents.WatchExpiredError:
                logger.info("the store has forgotten what this process had seen: it reads anew")
            except errors.ServiceError as failure:
                logger.warning("the store cannot be watched", extra={"reason": failure.message})
            # Not at once: whatever it was may be so again.
            await asyncio.sleep(pauses.next())
            since = await self.load(store)

    def _apply_change(self, change: documents.Change) -> None:
        document = change.document
        if not change.deleted:
            self.apply(document)
            return
        buried = document.kind.name, document.name
        # A name may be deleted again before the watch shows its first deletion.
        if self._buried.get(buried, 0) <= document.resource_version:
            self._buried.pop(buried, None)
        self._remove(document)

    def subscribe(self, callback: Callable[[Retirement], None]) -> None:
        """Call `callback`, on the event loop, with every retirement from now on."""
        self._subscribers.append(callback)

    def apply(self, document: documents.Document[Any]) -> None:
        """Take a document that was read or written, if it is newer than what is known."""
        buried = self._buried.get((document.kind.name, document.name))
        if buried is not None and document.resource_version <= buried:
            return
        name, key = _place(document)
        entry = self._entries.get(name)
        if entry is None:
            entry = self._entries[name] = Entry(name)
            bisect.insort(self._names, name)
        known = entry.document(key)
        if known is not None and known.resource_version >= document.resource_version:
            return
        self.changes += 1
        document = sharing.shared(document)
        entry.put(key, document)
        self._totals.changed(known, document)
        self._tell(name, document, None if known is None else known.value, document.value)
        if known is not None:
            self._announce(_superseded(known.value, document.value))

    def remove(self, document: documents.Document[Any]) -> None:
        """Forget a document that this process has deleted."""
        self._buried[document.kind.name, document.name] = document.resource_version
        self._remove(document)

    def _remove(self, document: documents.Document[Any]) -> None:
        name, key = _place(document)
        entry = self._entries.get(name)
        known = entry.document(key) if entry is not None else None
        if entry is None or known is None or known.resource_version > document.resource_version:
            return
        self.changes += 1
        entry.drop(key)
        self._totals.changed(known, None)
        if not entry:
            del self._entries[name]
            del self._names[bisect.bisect_left(self._names, name)]
        self._tell(name, known, known.value, None)
        self._announce(_deleted(known.value))

    def _announce(self, retirement: Retirement | None) -> None:
        if retirement is not None:
            for callback in self._subscribers:
                callback(retirement)

    def subscribe_reserved(self, callback: Callable[[str, int | None], None]) -> None:
        """Call `callback` with a function's name and reserved concurrency whenever that changes."""
        self._reserved_subscribers.append(callback)

    def observe(
        self, kind: documents.Kind[T], callback: Callable[[T | None, T | None], None]
    ) -> None:
        """Call `callback` with the value before and after every change of a document of `kind`.

        None before: it is new; None after: it is deleted. On the event loop, at once.
        """
        self._observers.setdefault(kind.name, []).append(callback)

    def _tell(self, name: str, document: documents.Document[Any], old: object, new: object) -> None:
        for callback in self._observers.get(document.kind.name, ()):
            callback(old, new)
        self._tell_reserved(name, old, new)

    def _tell_reserved(self, name: str, old: object, new: object) -> None:
        reserved = _reserved(new)
        if reserved != _reserved(old):
            for callback in self._reserved_subscribers:
                callback(name, reserved)

    def resolve(self, ref: FunctionRef, rng: random.Random) -> Target:
        """Return what to invoke; an alias with weights is drawn here.

        Raises ResourceNotFoundError, or what says that the version cannot run now.
        """
        name, qualifier = ref
        entry = self._entries.get(name)
        if entry is None:
            raise self._not_found(ref)
        version = qualifier or function.LATEST
        target = entry.target(version, self._account)
        if target is None:
            alias = entry.alias(version)
            if alias is not None:
                target = entry.target(entry.chosen(alias, rng), self._account)
            if target is None:
                raise self._not_found(ref)
        if target.status.state is not function.State.ACTIVE:
            lifecycle.check_invocable(target.status)
        return target

    def _not_found(self, ref: FunctionRef) -> errors.ResourceNotFoundError:
        arn = self._account.function_arn(ref.name, ref.qualifier or function.LATEST)
        return errors.ResourceNotFoundError(f"Function not found: {arn}")

    def living(self, name: str) -> function.Function | None:
        """Return a function, unless there is none or it is being deleted."""
        entry = self._entries.get(name)
        return None if entry is None else entry.owner

    def target(self, name: str, version: str) -> Target | None:
        """Return what an invocation of one version would run, in whatever state it is."""
        entry = self._entries.get(name)
        return None if entry is None else entry.target(version, self._account)

    def alias(self, function_name: str, name: str) -> function.Alias | None:
        """Return an alias of a living function."""
        entry = self._entries.get(function_name)
        return None if entry is None else entry.alias(name)

    def qualified(
        self, kind: documents.Kind[T], function_name: str, qualifier: str | None
    ) -> T | None:
        """Return what a living function has of one of `kinds.QUALIFIED` under a qualifier."""
        entry = self._entries.get(function_name)
        return None if entry is None else entry.qualified(kind.name, qualifier)

    def all_qualified(self, kind: documents.Kind[T], function_name: str) -> list[T]:
        """Return all that a living function has of one of `kinds.QUALIFIED`, in no order."""
        entry = self._entries.get(function_name)
        return [] if entry is None else entry.all_qualified(kind.name)

    @property
    def code_bytes(self) -> int:
        """The size of all packages: every function's, version's and layer version's counts."""
        return self._totals.code_bytes

    @property
    def function_count(self) -> int:
        """How many functions there are."""
        return self._totals.function_count

    def functions(self, since: str = "") -> Iterator[function.Function]:
        """Yield every function whose name is not before `since`, ordered by name."""
        return self._living(self._names[bisect.bisect_left(self._names, since) :])

    def functions_with_concurrency(self) -> Iterator[function.Function]:
        """Yield every function with a reservation or anything provisioned, in no order."""
        return self._living(self._totals.with_concurrency)

    def _living(self, names: Iterable[str]) -> Iterator[function.Function]:
        for name in names:
            entry = self._entries.get(name)
            found = None if entry is None else entry.owner
            if found is not None:
                yield found

    def versions(self, name: str) -> list[function.Version]:
        """Return a function's published versions, ordered by number."""
        entry = self._entries.get(name)
        return [] if entry is None else entry.versions()


_NO_FUNCTION = ""
"""The entry of what belongs to no function; no function has this name."""


def _place(document: documents.Document[Any]) -> tuple[str, Key]:
    """Return the function that a document belongs to, and its key in that function's entry."""
    kind = document.kind.name
    match document.value:
        case function.Function(name=name):
            return name, None
        case function.Version(function_name=name, number=number):
            return name, number
        case function.Alias(function_name=name, name=alias):
            return name, alias
        case (
            policy.Policy()
            | function_url.FunctionUrl()
            | event_invoke.EventInvokeConfig()
            | provisioned.ProvisionedConcurrency()
        ) as one:
            return one.function_name, (kind, one.qualifier)
        case _:
            return _NO_FUNCTION, (kind, document.name)


def _reserved(value: object) -> int | None:
    """Return what a function reserves, as long as it is not being deleted."""
    match value:
        case function.Function(deleting=False, reserved_concurrency=reserved):
            return reserved
        case _:
            return None


def _superseded(old: object, new: object) -> Retirement | None:
    """Tell what a change of one document retires."""
    if not isinstance(old, function.Function) or not isinstance(new, function.Function):
        return None
    if old.uid != new.uid or (new.deleting and not old.deleting):
        return Retirement(function_name=old.name, function_uid=old.uid, version=None)
    if old.serving.generation == new.serving.generation:
        return None
    return Retirement(
        function_name=old.name,
        function_uid=old.uid,
        version=function.LATEST,
        current_generation=new.serving.generation,
    )


def _deleted(old: object) -> Retirement | None:
    """Tell what the deletion of one document retires."""
    match old:
        case function.Function(name=name, uid=uid):
            return Retirement(function_name=name, function_uid=uid, version=None)
        case function.Version(function_name=name, function_uid=uid, number=number):
            return Retirement(function_name=name, function_uid=uid, version=str(number))
        case _:
            return None
