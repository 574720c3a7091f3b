"""Who leads, by a Lease: pure decisions over what was seen of it and when.

The clocks of two machines are never compared: a candidate measures, on its own monotonic clock, for
how long the lease has not changed. The leader stops leading before anybody else may begin: it gives
up after `renew_deadline_s` without a successful renewal, others wait for `duration_s`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a lease lasts, and how often it is renewed."""

    duration_s: float = 4.0
    renew_deadline_s: float = 3.0
    """Shorter than `duration_s` by more than a request may be on its way."""
    retry_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A lease as it was last seen to change."""

    holder: str | None
    """None: nobody holds it, because its holder has released it."""
    version: str
    """Its resource version."""
    changed_at: float
    """On the observer's monotonic clock."""


def observed(before: Seen | None, *, holder: str | None, version: str, now: float) -> Seen:
    """Take a look at the lease; unchanged, its time runs on."""
    if before is not None and before.version == version:
        return before
    return Seen(holder=holder, version=version, changed_at=now)


def may_take(seen: Seen, *, me: str, terms: Terms, now: float) -> bool:
    """Whether a candidate may take the lease: it is its own, nobody's, or has run out."""
    return seen.holder in (None, me) or now >= seen.changed_at + terms.duration_s


def still_leads(renewed_at: float, *, terms: Terms, now: float) -> bool:
    """Whether a leader that last renewed then may go on. The time is that before its request."""
    return now < renewed_at + terms.renew_deadline_s
