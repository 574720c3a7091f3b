"""What a process knows of the items of the queue, in memory: pure.

It is told what stands in the stream, in the stream's order, and besides, at once, what this
process has written itself. So it may be behind the truth, never wrong about the past: every claim
and every end of one is decided by the server. Items are kept by id, and in two heaps for each
group: those that are free by their turn, and those that are leased by their lapse. What is out of
date in a heap is passed over when it comes to the top.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from inglenook_cluster.streams.records import Name, Record


@dataclass(slots=True)
class _Group:
    name: str
    count: int = 0
    free: list[tuple[float, int, int, int]] = field(default_factory=list)
    """Due, order, sequence, id."""
    held: list[tuple[float, int, int]] = field(default_factory=list)
    """Lapse, sequence, id."""


@dataclass(slots=True)
class Entry:
    """The latest that is known of an item."""

    group: _Group
    sequence: int
    """Of its message: whoever writes the next one names it."""
    due: float
    until: float
    order: int
    epoch: int
    size_bytes: int
    pieces: int


class Index:
    """Items by id and by group, and what they take together."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._groups: dict[str, _Group] = {}
        self._gone: dict[int, int] = {}
        """What this process has ended and was not told of yet: no older word brings it back."""
        self._position = 0
        """The last sequence that was told."""
        self._untold: set[int] | None = None
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, item: int) -> Entry | None:
        """Return what is known of an item; None: nothing, or that it is gone."""
        return self._entries.get(item)

    def begin(self) -> None:
        """Expect to be told of everything from the beginning."""
        self._untold = set(self._entries)
        self._position = 0

    def complete(self) -> set[str]:
        """Forget what was not told of since `begin`; return the groups of it."""
        untold, self._untold = self._untold or set(), None
        self._gone = {
            item: sequence for item, sequence in self._gone.items() if sequence > self._position
        }
        return {group for item in untold if (group := self._remove(item)) is not None}

    def told(self, name: Name, sequence: int, record: Record | None) -> None:
        """Learn of a message of the stream, in its order; None: the item is gone."""
        self._position = max(self._position, sequence)
        if self._gone.get(name.id, 0) >= sequence:
            if record is None:
                del self._gone[name.id]
            return
        self._learn(name, sequence, record)

    def did(self, name: Name, sequence: int, record: Record | None) -> None:
        """Learn what this process has written, or read, ahead of being told."""
        if sequence <= self._position:
            # It was told already, and perhaps what came of it since.
            return
        if record is None:
            self._gone[name.id] = sequence
        self._learn(name, sequence, record)

    def correct(self, name: Name, known: int, sequence: int, record: Record | None) -> None:
        """Learn what the server says of an item whose sequence was thought to be `known`."""
        entry = self._entries.get(name.id)
        if (0 if entry is None else entry.sequence) != known or known == sequence:
            return
        if record is None:
            self._remove(name.id)
        else:
            self._set(name, sequence, record)

    def _learn(self, name: Name, sequence: int, record: Record | None) -> None:
        if self._untold is not None:
            self._untold.discard(name.id)
        entry = self._entries.get(name.id)
        if entry is not None and entry.sequence >= sequence:
            return
        if record is None:
            self._remove(name.id)
        else:
            self._set(name, sequence, record)

    def _set(self, name: Name, sequence: int, record: Record) -> None:
        record = record.at(sequence)
        entry = self._entries.get(name.id)
        if entry is None:
            group = self._groups.setdefault(name.group, _Group(name.group))
            group.count += 1
            entry = self._entries[name.id] = Entry(group, 0, 0.0, 0.0, 0, 0, 0, 0)
        self.bytes += record.size_bytes - entry.size_bytes
        entry.sequence, entry.order, entry.epoch = sequence, record.order, record.epoch
        entry.due, entry.until = record.due, record.until
        entry.size_bytes, entry.pieces = record.size_bytes, record.pieces
        self._file(name.id, entry)

    def _file(self, item: int, entry: Entry) -> None:
        if entry.until:
            lapse = max(entry.until, entry.due)
            heapq.heappush(entry.group.held, (lapse, entry.sequence, item))
        else:
            turn = (entry.due, entry.order, entry.sequence, item)
            heapq.heappush(entry.group.free, turn)

    def _remove(self, item: int) -> str | None:
        entry = self._entries.pop(item, None)
        if entry is None:
            return None
        self.bytes -= entry.size_bytes
        entry.group.count -= 1
        if not entry.group.count:
            del self._groups[entry.group.name]
        return entry.group.name

    def _is_current(self, item: int, sequence: int) -> bool:
        entry = self._entries.get(item)
        return entry is not None and entry.sequence == sequence

    def groups(self) -> Iterator[str]:
        """Return the groups that have items."""
        return iter(self._groups)

    def head(self, name: str) -> float | None:
        """Return from when on a group has something to claim; None: it has no items."""
        group = self._groups.get(name)
        if group is None:
            return None
        while group.held and not self._is_current(group.held[0][2], group.held[0][1]):
            heapq.heappop(group.held)
        while group.free and not self._is_current(group.free[0][3], group.free[0][2]):
            heapq.heappop(group.free)
        tops = [heap[0][0] for heap in (group.free, group.held) if heap]
        return min(tops) if tops else None

    def free(self, name: str, limit: int, now: float) -> list[int]:
        """Return items of a group that nobody has a good lease on, earliest due first."""
        group = self._groups.get(name)
        if group is None:
            return []
        self._lapse(group, now)
        found: list[tuple[float, int, int, int]] = []
        while group.free and len(found) < limit and group.free[0][0] <= now:
            turn = heapq.heappop(group.free)
            _, _, sequence, item = turn
            if not self._is_current(item, sequence):
                continue
            entry = self._entries[item]
            if entry.until > now:
                # It has lapsed for somebody whose clock is ahead.
                self._file(item, entry)
            else:
                found.append(turn)
        for turn in found:
            heapq.heappush(group.free, turn)
        return [item for _, _, _, item in found]

    def _lapse(self, group: _Group, now: float) -> None:
        """Count those whose leases have lapsed among the free."""
        while group.held and group.held[0][0] <= now:
            _, sequence, item = heapq.heappop(group.held)
            if self._is_current(item, sequence):
                entry = self._entries[item]
                heapq.heappush(group.free, (entry.due, entry.order, sequence, item))


def spread(items: list[int], limit: int, rng: random.Random) -> list[int]:
    """Return `limit` of the items in their order, any of them as likely as the others."""
    if len(items) <= limit:
        return items
    return [items[at] for at in sorted(rng.sample(range(len(items)), limit))]
