"""The lender of the account's unreserved concurrency: which gateway may have how much of it.

One gateway of several is the lender; what each of them *has* is the right to run so many
invocations of functions without a reservation. The lender's book is what they say themselves: it
is written nowhere, and a new lender's is empty. So it lends only while all gateways are *settled*:
each has told what it has and what it uses, and counts what runs of the functions that it owns,
dead gateways' invocations among it. What a gateway uses beyond what it has is taken off what can be
lent until it ends. While somebody is not settled (the gateways have just changed), no more is lent
than what nobody had before: the share of a dead gateway, and of a function on its way from one to
another, stays lent.

So of all gateways together, never more runs than the total, but for what ran already when the total
was lowered.

A gateway that needs more when nothing is left has the lender ask the others what they do not use.
If they use all, and it has less than its part, the one that has most gives some of it up: no more
is admitted there until it runs that much less.

Pure: what is said goes in, what is to be said comes out of `decide`.
"""

from collections.abc import Collection
from dataclasses import dataclass

from inglenook.wire import gateways

_ROUND_S = 0.5
"""How long the others may take to say what they do not use."""
_BETWEEN_ROUNDS_S = 0.01
"""However many are refused: asking the others costs each of them something."""


@dataclass(frozen=True, slots=True)
class Say:
    """What the lender says to a gateway."""

    to: str
    what: gateways.Lent | gateways.Recall


@dataclass(slots=True)
class _Member:
    """What the lender knows of a gateway."""

    said: gateways.Borrow | None = None
    """The last that it has said of itself with the present members, or before."""
    is_settled: bool = False
    answered: int = 0
    unheard: int = 0
    """What was lent in answer to `answered`, and is not in what it has said since."""

    @property
    def has(self) -> int:
        return self.unheard + (0 if self.said is None else self.said.has)

    @property
    def over(self) -> int:
        return 0 if self.said is None else max(0, self.said.used - self.has)

    @property
    def wants(self) -> int:
        return 0 if self.said is None else self.said.wants

    @property
    def aside(self) -> int:
        return 0 if self.said is None else self.said.aside


class Lender:
    """The book, and what follows from it. Lends nothing until all `names` are settled."""

    def __init__(self, total: int) -> None:
        """`total` is what the account's limit leaves to functions without a reservation."""
        self._total = total
        self._version = 0
        self._members: dict[str, _Member] = {}
        self._unlent = 0
        """While not all are settled: what may still be lent."""
        self._asking: dict[str, gateways.Borrow] = {}
        """Who is to be answered, in the order in which they asked, and what."""
        self._heeded: set[str] = set()
        """Those of them for whom the others are being asked."""
        self._unheard: set[str] = set()
        """Those who are being asked what they do not use, and have not answered."""
        self._cut: set[str] = set()
        """Those who are being told to give up what they use."""
        self._round_ends: float | None = None
        self._next_round = 0.0

    @property
    def is_settled(self) -> bool:
        return all(each.is_settled for each in self._members.values())

    @property
    def free(self) -> int:
        """How much may be lent now; negative: how much too much is lent or used."""
        left = self._total - sum(each.has + each.over for each in self._members.values())
        return left if self.is_settled else min(self._unlent, left)

    @property
    def wakes_at(self) -> float | None:
        """When `decide` is to be called even if nothing happens."""
        if self._round_ends is not None:
            return self._round_ends
        return self._next_round if self._asking else None

    def see(self, version: int, names: Collection[str]) -> list[Say]:
        """Learn which gateways there are, those that leave included."""
        self._unsettle()
        self._version = version
        # Who asked with another roster does not count on an answer any more.
        answers = [Say(name, gateways.Lent(units=0)) for name in self._asking]
        self._asking.clear()
        self._end_round()
        self._cut.clear()
        self._members = {name: self._members.get(name) or _Member() for name in sorted(names)}
        for each in self._members.values():
            each.is_settled = False
        return answers

    def limit(self, total: int) -> None:
        """Learn the total anew: what is lent above it is asked back."""
        self._unlent = max(0, self._unlent - max(0, self._total - total))
        self._total = total

    def borrow(self, name: str, said: gateways.Borrow) -> None:
        """Take what a gateway says of itself and asks for; `decide` answers it, once."""
        self._asking[name] = said
        # If one of the two is behind, its word counts when both have seen the same.
        if said.version == self._version and name in self._members:
            self._take(name, said)

    def recalled(self, name: str, said: gateways.Borrow | None) -> None:
        """Take the answer to a `Recall`, None if there will be none."""
        self._unheard.discard(name)
        self._cut.discard(name)
        if said is not None and said.version == self._version and name in self._members:
            self._take(name, said)

    def _take(self, name: str, said: gateways.Borrow) -> None:
        member = self._members[name]
        last = member.said
        if last is not None and last.life == said.life and last.number >= said.number:
            return
        is_another = last is not None and last.life != said.life
        if is_another or (member.is_settled and not said.is_settled):
            # What it had, or gave away with its functions, is used by nobody knows whom.
            self._unsettle()
        if is_another or said.heard >= member.answered:
            member.unheard = 0
        member.said = said
        member.is_settled = said.is_settled

    def _unsettle(self) -> None:
        if self.is_settled:
            # Of a book that is empty nothing is known: then it is nothing.
            self._unlent = max(0, self.free) if self._members else 0

    def decide(self, now: float) -> list[Say]:
        """Return what is to be said now. To be called after whatever was learnt, and in time."""
        said: list[Say] = []
        self._cut_excess(said)
        # Who has little goes first.
        for name in sorted(self._asking, key=self._has):
            answer = self._answer(name)
            if answer is not None:
                self._reply(name, answer, said)
        if self._round_ends is not None and (not self._unheard or now >= self._round_ends):
            for name in sorted(self._heeded & self._asking.keys()):
                self._cut_for(name, said)
                self._reply(name, gateways.Lent(units=0, is_all=True), said)
            self._end_round()
        if self._asking and self._round_ends is None and now >= self._next_round:
            self._begin_round(now, said)
        return said

    def _has(self, name: str) -> int:
        member = self._members.get(name)
        return 0 if member is None else member.has

    def _answer(self, name: str) -> gateways.Lent | None:
        """Return what to answer; None: nobody knows yet."""
        member = self._members.get(name)
        said = None if member is None else member.said
        if member is None or said is None or self._asking[name].version != self._version:
            # What it said before may be true no more.
            return gateways.Lent(units=0)
        free = self.free
        units = self._units(member, said, free)
        if units:
            return gateways.Lent(units=units)
        if not said.wants:
            return gateways.Lent(units=0, is_all=True)
        return None if self.is_settled else gateways.Lent(units=0)

    def _units(self, member: _Member, said: gateways.Borrow, free: int) -> int:
        if free < 0:
            return 0
        # To lend what it uses already takes nothing from anybody.
        room = free + member.over if self.is_settled else free
        if len(self._members) == 1:
            return room
        ahead = min(said.wants + said.ahead, member.over + free // len(self._members))
        return min(room, max(said.wants, ahead))

    def _reply(self, name: str, answer: gateways.Lent, said: list[Say]) -> None:
        number = self._asking.pop(name).number
        self._heeded.discard(name)
        if answer.units:
            if not self.is_settled:
                self._unlent -= answer.units
            member = self._members[name]
            member.answered, member.unheard = number, member.unheard + answer.units
        said.append(Say(name, answer))

    # When nothing is left

    def _begin_round(self, now: float, said: list[Say]) -> None:
        wanted = sum(self._members[name].wants for name in self._asking)
        self._heeded = set(self._asking)
        self._unheard = {
            name
            for name, each in self._members.items()
            if each.has and name not in self._cut and self._heeded != {name}
        }
        said += [Say(name, gateways.Recall(units=wanted)) for name in sorted(self._unheard)]
        self._round_ends = now + (_ROUND_S if self._unheard else 0.0)
        self._next_round = now + _BETWEEN_ROUNDS_S
        if not self._unheard:
            for name in sorted(self._heeded):
                self._reply(name, gateways.Lent(units=0, is_all=True), said)
            self._end_round()

    def _end_round(self) -> None:
        self._round_ends = None
        self._heeded.clear()
        self._unheard.clear()

    def _cut_for(self, name: str, said: list[Say]) -> None:
        """Have the one that has most give up some for one that has less than its part."""
        member = self._members[name]
        coming = sum(each.over for each in self._members.values())
        due = max(self._total // len(self._members), member.aside) - member.has
        units = min(member.wants, due) - coming
        richest = max(self._members, key=lambda each: self._members[each].has)
        other = self._members[richest]
        units = min(units, other.has - max(other.aside, self._total // len(self._members)))
        if units > 0 and richest != name and not self._cut:
            self._cut.add(richest)
            said.append(Say(richest, gateways.Recall(units=units, is_forced=True)))

    def _cut_excess(self, said: list[Say]) -> None:
        """Ask back what is lent above the total: first from those who have most."""
        excess = sum(each.has for each in self._members.values()) - self._total
        if excess <= 0 or self._cut or not self.is_settled:
            return
        for name in sorted(self._members, key=self._has, reverse=True):
            units = min(excess, self._has(name))
            if units > 0:
                excess -= units
                self._cut.add(name)
                said.append(Say(name, gateways.Recall(units=units, is_forced=True)))
