"""What the SQLite engine does with its file, in the one thread that may touch it.

Operations that wait together are done together: first all that write, in one transaction that
shares the sync of the disk, then the claims. If the transaction fails, none of its writes happened.
A write that is refused spoils nothing for the others. Foreign errors end here. All of this blocks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inglenook import errors
from inglenook.events import leases, queue
from inglenook.store import documents, schema

EVENTS = schema.Schema(
    application_id=0x496E6576,  # "Inev"
    migrations=(
        """
        CREATE TABLE items (
            id INTEGER PRIMARY KEY,
            item_group TEXT NOT NULL,
            due REAL NOT NULL,
            state BLOB NOT NULL,
            payload BLOB NOT NULL
        );
        CREATE INDEX items_by_due ON items (item_group, due, id);
        CREATE TABLE lives (life INTEGER NOT NULL);
        INSERT INTO lives VALUES (0);
        """,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Store an item, unless the queue is full."""

    item: queue.Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Remove a claimed item and put others."""

    claim: queue.Claim
    then: Sequence[queue.Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reschedule:
    """Put a claimed item off."""

    claim: queue.Claim
    due: float
    state: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Give a claimed item back."""

    claim: queue.Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend:
    """Prolong leases."""

    claims: Sequence[queue.Claim]
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Lease what is due."""

    wanted: Mapping[str, int]
    now: float
    until: float


Write = Put | Settle | Reschedule
Operation = Write | Release | Extend | Take
Outcome = list[queue.Claim] | queue.QueueError | errors.ApiError | documents.StoreError | None
"""What was claimed, why it was refused or failed, or None: done."""


class File:
    """The file of a queue, open."""

    def __init__(self, path: Path, *, bytes_max: int, items_max: int) -> None:
        """Open the file, made if absent, and begin a new life.

        Raises schema.DamagedStoreError and schema.NewerSchemaError.
        """
        self._path = path
        self._bytes_max, self._items_max = bytes_max, items_max
        with schema.translated(path):
            self._connection = schema.open_file(path, EVENTS)
            try:
                self._leases, self._bytes, self._items = self._begin()
                self.heads = dict[str, float | None](
                    self._connection.execute(
                        "SELECT item_group, min(due) FROM items GROUP BY item_group"
                    ).fetchall()
                )
            except BaseException:
                self._connection.close()
                raise

    def _begin(self) -> tuple[leases.Leases, int, int]:
        (life,) = self._connection.execute(
            "UPDATE lives SET life = life + 1 RETURNING life"
        ).fetchone()
        size, count = self._connection.execute(
            "SELECT total(length(state) + length(payload)), count(*) FROM items"
        ).fetchone()
        return leases.Leases(life), int(size), count

    @property
    def items(self) -> int:
        """How many items there are. Safe to ask in any thread."""
        return self._items

    def close(self) -> None:
        self._connection.close()

    def run(self, operations: Sequence[Operation]) -> tuple[list[Outcome], queue.Heads]:
        """Do the operations; return the outcome of each, and the heads that have changed.

        Raises `errors.ServiceError` or DamagedStoreError with none of the writes done. A claim that
        fails so fails alone.
        """
        outcomes: list[Outcome] = [None] * len(operations)
        writes = [
            (at, one)
            for at, one in enumerate(operations)
            if isinstance(one, Put | Settle | Reschedule)
        ]
        changed: set[str] = set()
        with schema.translated(self._path):
            if writes:
                self._commit(writes, outcomes, changed)
            for at, one in enumerate(operations):
                if isinstance(one, Release):
                    outcomes[at] = self._release(one.claim, changed)
                elif isinstance(one, Extend):
                    for claim in one.claims:
                        self._leases.extend(claim, one.until)
                elif isinstance(one, Take):
                    outcomes[at] = self._try_to_take(one, changed)
        return outcomes, {group: self.heads.get(group) for group in changed}

    def _commit(
        self, writes: list[tuple[int, Write]], outcomes: list[Outcome], changed: set[str]
    ) -> None:
        before = self._bytes, self._items
        ended: dict[int, str] = {}
        added: list[tuple[str, float]] = []
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for at, write in writes:
                try:
                    added += self._write(write, ended)
                except queue.QueueError as refusal:
                    outcomes[at] = refusal
            self._connection.execute("COMMIT")
        except BaseException:
            self._bytes, self._items = before
            # SQLite has rolled back already after some errors, a full disk among them.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        # Only now: had the transaction failed, the claims would still be good.
        for item in ended:
            self._leases.end(item)
        for group, due in added:
            self._earlier(group, due, changed)

    def _write(self, write: Write, ended: dict[int, str]) -> list[tuple[str, float]]:
        """Do one write; return the group and due time of what it made claimable."""
        if isinstance(write, Put):
            size = self._bytes + write.item.size_bytes
            if size > self._bytes_max or self._items >= self._items_max:
                raise queue.QueueFullError(f"the queue {self._path} is full")
            return self._insert([write.item])
        claim = write.claim
        # The lease ends with the commit, so a second end in one transaction must be caught here.
        if claim.id in ended:
            raise queue.StaleClaimError(f"item {claim.id} has been ended")
        self._leases.require(claim)
        ended[claim.id] = claim.group
        if isinstance(write, Settle):
            self._connection.execute("DELETE FROM items WHERE id = ?", (claim.id,))
            self._bytes -= len(claim.state) + len(claim.payload)
            self._items -= 1
            return self._insert(write.then)
        self._connection.execute(
            "UPDATE items SET due = ?, state = ? WHERE id = ?", (write.due, write.state, claim.id)
        )
        self._bytes += len(write.state) - len(claim.state)
        return [(claim.group, write.due)]

    def _insert(self, items: Sequence[queue.Item]) -> list[tuple[str, float]]:
        for item in items:
            self._connection.execute(
                "INSERT INTO items (item_group, due, state, payload) VALUES (?, ?, ?, ?)",
                (item.group, item.due, item.state, item.payload),
            )
            self._bytes += item.size_bytes
            self._items += 1
        return [(item.group, item.due) for item in items]

    def _release(self, claim: queue.Claim, changed: set[str]) -> Outcome:
        try:
            self._leases.require(claim)
        except queue.StaleClaimError as refusal:
            return refusal
        self._leases.end(claim.id)
        self._earlier(claim.group, 0.0, changed)
        return None

    def _earlier(self, group: str, due: float, changed: set[str]) -> None:
        known = self.heads.get(group)
        if known is None or due < known:
            self.heads[group] = due
            changed.add(group)

    def _try_to_take(self, take: Take, changed: set[str]) -> Outcome:
        # What was written before has happened, and its callers must hear so, and the watchers.
        try:
            with schema.translated(self._path):
                return self._take(take, changed)
        except (errors.ApiError, documents.StoreError) as failure:
            return failure

    def _take(self, take: Take, changed: set[str]) -> list[queue.Claim]:
        taken: list[queue.Claim] = []
        for group, limit in take.wanted.items():
            free, head = self._free(group, limit, take.now)
            for item in free:
                state, payload = self._connection.execute(
                    "SELECT state, payload FROM items WHERE id = ?", (item,)
                ).fetchone()
                epoch = self._leases.grant(item, group, take.until)
                taken.append(
                    queue.Claim(id=item, epoch=epoch, group=group, state=state, payload=payload)
                )
            lapse = self._leases.first_lapse(group)
            if lapse is not None:
                head = lapse if head is None else min(head, lapse)
            if head is None:
                self.heads.pop(group, None)
            else:
                self.heads[group] = head
            changed.add(group)
        return taken

    def _free(self, group: str, limit: int, now: float) -> tuple[list[int], float | None]:
        """Return which items of a group can be leased, and when the next one after them is due."""
        # Leased items stay in the index, so one must look past them; there are few.
        rows = self._connection.execute(
            "SELECT id, due FROM items WHERE item_group = ? ORDER BY due, id LIMIT ?",
            (group, limit + self._leases.count(group) + 1),
        )
        free: list[int] = []
        for item, due in rows:
            if self._leases.is_held(item, now):
                continue
            if due > now or len(free) == limit:
                return free, due
            free.append(item)
        return free, None
