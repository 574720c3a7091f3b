"""Who holds which item: the leases of the SQLite engine.

They live in memory alone. One process owns the file, so a lease cannot outlive it: whatever a
former life had claimed is unclaimed in the next one, and a claim costs no write. Epochs grow over
all lives, because each life begins above the last one's. Pure: no I/O, time is an argument.
"""

from dataclasses import dataclass

from inglenook.events import queue

_EPOCHS_PER_LIFE = 1 << 40


@dataclass(slots=True)
class Lease:
    """One item's latest claim."""

    epoch: int
    group: str
    until: float


class Leases:
    """The latest claim of every item that has one."""

    def __init__(self, life: int) -> None:
        """Begin a life; `life` is greater than that of every one before."""
        self._last_epoch = life * _EPOCHS_PER_LIFE
        self._by_item: dict[int, Lease] = {}
        self._by_group: dict[str, set[int]] = {}

    def grant(self, item: int, group: str, until: float) -> int:
        """Lease an item, whoever had it; return the epoch."""
        self._last_epoch += 1
        self._by_item[item] = Lease(self._last_epoch, group, until)
        self._by_group.setdefault(group, set()).add(item)
        return self._last_epoch

    def require(self, claim: queue.Claim) -> None:
        """Raise StaleClaimError unless this is the item's latest claim, lapsed or not."""
        lease = self._by_item.get(claim.id)
        if lease is None or lease.epoch != claim.epoch:
            raise queue.StaleClaimError(f"item {claim.id} is not held under epoch {claim.epoch}")

    def extend(self, claim: queue.Claim, until: float) -> None:
        """Prolong a lease if it is the item's latest; none gets shorter."""
        lease = self._by_item.get(claim.id)
        if lease is not None and lease.epoch == claim.epoch:
            lease.until = max(lease.until, until)

    def end(self, item: int) -> None:
        """Forget the item's lease."""
        lease = self._by_item.pop(item, None)
        if lease is not None:
            of_group = self._by_group[lease.group]
            of_group.discard(item)
            if not of_group:
                del self._by_group[lease.group]

    def is_held(self, item: int, now: float) -> bool:
        """Whether somebody has a lease on the item that is good."""
        lease = self._by_item.get(item)
        return lease is not None and lease.until > now

    def count(self, group: str) -> int:
        """Count the items of a group that have a lease, lapsed or not."""
        return len(self._by_group.get(group, ()))

    def first_lapse(self, group: str) -> float | None:
        """Return when the first lease of a group lapses."""
        items = self._by_group.get(group)
        return min(self._by_item[item].until for item in items) if items else None
