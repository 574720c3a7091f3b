"""The logs of all functions on one machine: `write` from the invoke path, files, followers.

Promises: `write` only appends to a list in memory and hands events to followers; everything else
happens in one writer thread, every `FLUSH_INTERVAL_S` or when much has gathered. Events of a group
stay in the order in which they were written. A disk that cannot follow costs the oldest events in
memory, counted in one line in the log they are missing from; a follower that cannot follow loses
its oldest ones the same way. At most one interval of events is lost when the process is killed.

The files themselves are `inglenook_local.log_segments`.
"""

import asyncio
import contextlib
import logging
from collections import Counter, deque
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from inglenook.aio import clock, tasks
from inglenook.telemetry.logs import LogEvent
from inglenook_local import log_segments
from inglenook_local.log_segments import Entry, Mark

logger = logging.getLogger(__name__)

FLUSH_INTERVAL_S = 0.05
FLUSH_EARLY_EVENTS = 10_000
PENDING_MAX_CHARS = 64 * 1024 * 1024
FOLLOWER_MAX_EVENTS = 20_000
SEGMENT_MAX_BYTES = 8 * 1024 * 1024
GROUP_MAX_BYTES = 64 * 1024 * 1024
NOTE_STREAM = "inglenook"
"""The stream of the lines that the platform itself adds to a log."""

_Written = tuple[str, str, Sequence[LogEvent], int]


def _entries(stream: str, events: Sequence[LogEvent]) -> list[Entry]:
    return [
        Entry(timestamp_ms=event.timestamp_ms, stream=stream, message=event.message)
        for event in events
    ]


def _note_of_loss(count: int, why: str, now: float) -> Entry:
    return Entry(
        timestamp_ms=int(now * 1000),
        stream=NOTE_STREAM,
        message=f"[inglenook] {count} log events are missing before this line: {why}\n",
    )


class _Follower:
    """Events on their way to one reader. Bounded; the oldest go first."""

    def __init__(self, max_events: int, time: clock.Clock) -> None:
        self._time = time
        self._entries: deque[Entry] = deque(maxlen=max_events)
        self._lost = 0
        self._changed = asyncio.Event()
        self._ended = False

    def offer(self, entries: Sequence[Entry]) -> None:
        room = (self._entries.maxlen or 0) - len(self._entries)
        self._lost += max(0, len(entries) - room)
        self._entries.extend(entries)
        self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    async def take(self, timeout_s: float | None) -> list[Entry] | None:
        """Wait for events and return them all; empty after the timeout, None at the end."""
        if not self._entries and not self._ended:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout_s)
        if not self._entries and self._ended:
            return None
        taken = list(self._entries)
        self._entries.clear()
        if self._lost:
            why = "they came faster than they were read"
            taken.insert(0, _note_of_loss(self._lost, why, self._time.now()))
            self._lost = 0
        return taken


class LogFiles:
    """A `LogSink` that keeps log groups as files below `root`.

    Use as `async with`, in the loop that writes; leaving it flushes.
    """

    def __init__(
        self,
        root: Path,
        *,
        segment_max_bytes: int = SEGMENT_MAX_BYTES,
        group_max_bytes: int = GROUP_MAX_BYTES,
        pending_max_chars: int = PENDING_MAX_CHARS,
        follower_max_events: int = FOLLOWER_MAX_EVENTS,
        time: clock.Clock | None = None,
    ) -> None:
        self._segments = log_segments.Segments(
            root, segment_max_bytes=segment_max_bytes, group_max_bytes=group_max_bytes
        )
        self._time: clock.Clock = time or clock.SystemClock()
        self._pending_max_chars = pending_max_chars
        self._follower_max_events = follower_max_events
        self._pending: deque[_Written] = deque()
        self._pending_chars = 0
        self._pending_events = 0
        self._lost: Counter[str] = Counter()
        self._followers: dict[str, set[_Follower]] = {}
        self._some = asyncio.Event()
        self._much = asyncio.Event()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="logs")
        self._tasks = tasks.Tasks()
        self._unwritten: Counter[str] = Counter()
        self._is_failing = False

    async def __aenter__(self) -> "LogFiles":
        _ = self._tasks.start(self._flush_for_ever(), name="logs: flush")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def write(self, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        """Take events, in order. Never blocks and never raises; the sequence must not change."""
        chars = 0
        for event in events:
            chars += len(event.message)
        self._pending.append((group, stream, events, chars))
        self._pending_chars += chars
        self._pending_events += len(events)
        if self._pending_chars > self._pending_max_chars:
            self._drop_oldest()
        self._some.set()
        if self._pending_events > FLUSH_EARLY_EVENTS:
            self._much.set()
        if self._followers:
            self._fan_out(group, stream, events)

    def _drop_oldest(self) -> None:
        while self._pending_chars > self._pending_max_chars and len(self._pending) > 1:
            group, _, events, chars = self._pending.popleft()
            self._pending_chars -= chars
            self._pending_events -= len(events)
            self._lost[group] += len(events)

    def _fan_out(self, group: str, stream: str, events: Sequence[LogEvent]) -> None:
        followers = self._followers.get(group)
        if followers:
            entries = _entries(stream, events)
            for follower in followers:
                follower.offer(entries)

    async def read(self, group: str, since_ms: int = 0, limit: int | None = None) -> list[Entry]:
        """Return the events from `since_ms` on that were written before this call, oldest first.

        With a limit, the newest ones. A group that never was has none.
        """
        marks = await self._flushed(group)
        return await asyncio.to_thread(log_segments.read, marks, since_ms=since_ms, limit=limit)

    async def follow(
        self,
        group: str,
        since_ms: int | None = None,
        limit: int | None = None,
        idle_s: float | None = None,
    ) -> AsyncGenerator[list[Entry], None]:
        """Yield batches of events as they are written, until `end_following`.

        With `since_ms`, first what `read` returns; between that and the live events none is missing
        and none comes twice. After every `idle_s` seconds of silence comes an empty batch.
        """
        follower = _Follower(self._follower_max_events, self._time)
        self._followers.setdefault(group, set()).add(follower)
        try:
            if since_ms is not None:
                # No await stands between joining the followers and taking the pending events away,
                # so every event is on exactly one side.
                past = await self.read(group, since_ms, limit)
                if past:
                    yield past
            while (batch := await follower.take(idle_s)) is not None:
                yield batch
        finally:
            self._followers[group].discard(follower)
            if not self._followers[group]:
                del self._followers[group]

    @property
    def followers(self) -> int:
        """How many are following a group."""
        return sum(map(len, self._followers.values()))

    def end_following(self) -> None:
        """End every `follow`, once it has handed out what it holds: the first step of stopping."""
        for followers in self._followers.values():
            for follower in followers:
                follower.end()

    async def close(self) -> None:
        """End followers, write what is left, release the thread."""
        self.end_following()
        await self._tasks.close()
        await self._hand_over()
        await asyncio.to_thread(self._writer.shutdown)

    async def _flush_for_ever(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._much.wait(), FLUSH_INTERVAL_S)
            self._much.clear()
            await self._hand_over()

    async def _hand_over(self) -> None:
        await self._in_writer_thread(None)

    async def _flushed(self, group: str) -> list[Mark]:
        return await self._in_writer_thread(group)

    async def _in_writer_thread(self, group: str | None) -> list[Mark]:
        # Taking the pending events is synchronous and the thread is one, first come first served:
        # what was written before this call is in the files before anything that comes later.
        batch, lost = self._pending, self._lost
        self._pending, self._lost = deque(), Counter()
        self._pending_chars = self._pending_events = 0
        loop = asyncio.get_running_loop()
        stored = loop.run_in_executor(self._writer, self._store, batch, lost, group)
        # A reader who goes away must not take with it the events of others that it was to flush.
        return await asyncio.shield(stored)

    def _store(self, batch: deque[_Written], lost: Counter[str], group: str | None) -> list[Mark]:
        by_group: dict[str, list[Entry]] = {name: [] for name in lost + self._unwritten}
        for name, stream, events, _ in batch:
            by_group.setdefault(name, []).extend(_entries(stream, events))
        for name, entries in by_group.items():
            self._append(name, entries, lost[name] + self._unwritten.pop(name, 0))
        return self._segments.marks(group) if group is not None else []

    def _append(self, group: str, entries: list[Entry], lost: int) -> None:
        note = [_note_of_loss(lost, "the disk could not follow", self._time.now())] if lost else []
        try:
            self._segments.append(group, note + entries)
        except OSError as error:
            # Said once for a run of failures: a full disk would otherwise be told of without end.
            if not self._is_failing:
                logger.warning("cannot write logs: %s", error, extra={"group": group})
            self._is_failing = True
            self._unwritten[group] = lost + len(entries)
        else:
            self._is_failing = False
