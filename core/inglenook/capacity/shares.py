"""One gateway's share of the account's unreserved concurrency: what it has, asks for, gives back.

What a gateway has grows only with the lender's answer to what it last said of itself, and is less
as soon as it says so. An answer that comes after the gateways have changed is as good as lost: what
it lent is lent to nobody. So, whatever is lost or late, the lender never counts less than is had.

It asks before all is used, in blocks, so that a ramp seldom waits; it gives back what it has not
used for some time, and at once what the lender asks for.

Pure: see `lender` for the other end.
"""

import math
from dataclasses import dataclass

import msgspec

from inglenook.wire import gateways

_IDLE_S = 5.0
"""For how long what is given back unasked has not been used."""
_AGAIN_S = 0.5
"""After which time to ask ahead again when nothing was left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The gateway's part of the shared pool, now."""

    total: int
    """What all gateways have together."""
    used: int
    aside: int = 0
    """What is set aside for provisioned concurrency, in use or not."""
    aside_idle: int = 0
    waiting: int = 0
    """How many invocations wait for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The gateway among the others, now."""

    version: int
    """Of the roster."""
    is_settled: bool
    is_alone: bool = False
    is_leaving: bool = False
    """Whether it owns nothing any more: it needs no more than what it runs."""


def block(total: int) -> int:
    """Return how much is asked for at a time."""
    return max(8, total // 16)


class Borrower:
    """What this gateway has, and what it says of itself to the lender."""

    def __init__(self, life: int) -> None:
        """`life` is this process's: no other of the same name has it."""
        self.has = 0
        self._life = life
        self._number = 0
        self._heard = 0
        self._asked: int | None = None
        self._last: gateways.Borrow | None = None
        self._ahead_after = 0.0
        self._least_slack: int | None = None
        self._window_ends = 0.0

    @property
    def is_asking(self) -> bool:
        """Whether an answer is awaited: nothing else is asked until then."""
        return self._asked is not None

    def ask(self, usage: Usage, standing: Standing, now: float) -> gateways.Borrow | None:
        """Return what to say to the lender, if there is anything new to say and it may be said."""
        if self._asked is not None:
            return None
        self._give_back_idle(usage, standing, now)
        wants = self._wants(usage)
        ahead = 0 if now < self._ahead_after else self._ahead(usage, standing)
        said, last = self._say(usage, standing, wants, ahead), self._last
        if last is not None and not wants and not ahead and _tells_same(last, said):
            return None
        self._last = said
        self._number = self._asked = said.number
        return said

    def lent(self, number: int, answer: gateways.Lent | None, now: float) -> bool:
        """Take the answer to what was said, None if it is lost; return whether it counts."""
        if number != self._asked:
            return False
        self._asked, self._heard = None, number
        if answer is None:
            self._last = None
            return True
        self.has += answer.units
        if answer.units and self._last is not None:
            # The lender knows; it need not be told.
            self._last = msgspec.structs.replace(self._last, has=self._last.has + answer.units)
        elif answer.is_all:
            self._ahead_after = now + _AGAIN_S
        else:
            self._last = None
        return True

    def recalled(
        self, recall: gateways.Recall, usage: Usage, standing: Standing
    ) -> gateways.Borrow:
        """Give back what is asked for; return what to answer."""
        can = self.has if recall.is_forced else max(0, self._slack(usage))
        self.has -= min(recall.units, can, self.has)
        self._number += 1
        return self._say(usage, standing, self._wants(usage), 0, number=self._number)

    def gave(self, units: int) -> None:
        """Lose what goes with functions that another gateway owns from now on."""
        self.has = max(0, self.has - units)

    def forget(self) -> None:
        """Count on no answer any more, and say anew what there is: the gateways have changed."""
        if self._asked is not None:
            self._heard, self._asked = self._asked, None
        self._last = None
        self._ahead_after = 0.0

    def remind(self) -> None:
        """Say anew what there is, when it may be said: the lender may have begun anew."""
        self._last = None

    def drop(self) -> None:
        """Have nothing: the others take this gateway for gone."""
        self.forget()
        self.has = 0

    def low(self, usage: Usage, now: float) -> float:
        """Return how much is in use when it is time to ask for more: never, if it is no use."""
        if self.has >= usage.total or self._asked is not None or now < self._ahead_after:
            return math.inf
        return self.has - usage.aside_idle - block(usage.total) // 2

    def _slack(self, usage: Usage) -> int:
        return self.has - usage.used - usage.aside_idle

    def _wants(self, usage: Usage) -> int:
        short = usage.waiting - self._slack(usage)
        is_short = usage.waiting or usage.aside_idle > max(0, self.has - usage.used)
        return max(0, min(short, usage.total - self.has)) if is_short else 0

    def _ahead(self, usage: Usage, standing: Standing) -> int:
        left = max(0, usage.total - self.has)
        if standing.is_alone:
            return left
        of, slack = block(usage.total), self._slack(usage) - usage.waiting
        return min(left, of - max(0, slack)) if slack < of // 2 and not standing.is_leaving else 0

    def _give_back_idle(self, usage: Usage, standing: Standing, now: float) -> None:
        slack = self._slack(usage)
        if standing.is_leaving:
            self.has -= max(0, slack)
            return
        if self._least_slack is None or slack < self._least_slack:
            self._least_slack = slack
        if now < self._window_ends:
            return
        keeps = 2 * block(usage.total)
        if not standing.is_alone and self._least_slack > keeps and self._window_ends:
            self.has -= self._least_slack - keeps
        self._window_ends, self._least_slack = now + _IDLE_S, None

    def _say(
        self, usage: Usage, standing: Standing, wants: int, ahead: int, *, number: int | None = None
    ) -> gateways.Borrow:
        return gateways.Borrow(
            life=self._life,
            number=self._number + 1 if number is None else number,
            heard=self._heard,
            version=standing.version,
            has=self.has,
            used=usage.used,
            wants=wants,
            ahead=ahead,
            aside=usage.aside,
            is_settled=standing.is_settled,
        )


def _tells_same(last: gateways.Borrow, said: gateways.Borrow) -> bool:
    return (
        last.version == said.version
        and last.is_settled == said.is_settled
        and last.has == said.has
        and max(0, last.used - last.has) == max(0, said.used - said.has)
        and last.aside == said.aside
    )
