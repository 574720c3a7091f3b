"""The index of a queue, and those who watch its heads."""

import logging
from collections.abc import Callable, Iterable, Mapping

from inglenook.events import queue
from inglenook_cluster.streams import records
from inglenook_cluster.streams.index import Index
from inglenook_cluster.streams.records import Name, Record

logger = logging.getLogger(__name__)


class Known:
    """What this process knows of a queue: a `feed.Listener`. Watchers hear of each change."""

    def __init__(self, subjects: records.Subjects) -> None:
        self.index = Index()
        self._subjects = subjects
        self._heads: dict[str, float] = {}
        self._watchers: list[Callable[[queue.Heads], None]] = []

    def watch(self, callback: Callable[[queue.Heads], None]) -> None:
        """Call `callback` with all heads now, and with each that changes."""
        self._watchers.append(callback)
        callback(dict(self._heads))

    def begin(self) -> None:
        self.index.begin()

    def told(self, subject: str, sequence: int, headers: Mapping[str, str]) -> None:
        try:
            name, record = self._subjects.name(subject), records.record(headers)
        except ValueError:
            # A later release's, perhaps: it will know.
            logger.exception("an item of the queue cannot be read", extra={"subject": subject})
            return
        self.index.told(name, sequence, record)
        self._tell((name.group,))

    def complete(self) -> None:
        self._tell(self.index.complete())

    def did(self, name: Name, sequence: int, record: Record | None) -> None:
        """Learn of a write of this process."""
        self.index.did(name, sequence, record)
        self._tell((name.group,))

    def correct(self, name: Name, known: int, sequence: int, record: Record | None) -> None:
        """Learn what the server says of an item that was thought to be otherwise."""
        self.index.correct(name, known, sequence, record)
        self._tell((name.group,))

    def _tell(self, groups: Iterable[str]) -> None:
        changed: dict[str, float | None] = {}
        for group in groups:
            head = self.index.head(group)
            if head == self._heads.get(group):
                continue
            changed[group] = head
            if head is None:
                del self._heads[group]
            else:
                self._heads[group] = head
        if changed:
            for watcher in self._watchers:
                watcher(changed)
