"""This gateway's part in sharing the account's unreserved concurrency, over the links.

One gateway is the lender, the owner of a key that no function has; each of them, the lender too,
borrows. What either says is decided by `inglenook.capacity.lender` and `shares`: here it is sent,
and said again when it is lost or the gateways have changed. Nothing is asked on the invoke path.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from inglenook.aio import clock
from inglenook.capacity import lender, shares
from inglenook.wire import gateways, messages
from inglenook.wire.connection import Body
from inglenook_cluster.peers import links, ownership, views

logger = logging.getLogger(__name__)

KEY = " the account's concurrency"
"""No function has a name with a space."""
_EVERY_S = 0.25
"""How often what has changed by itself is noticed."""
_AGAIN_S = 0.02
"""When to ask again a lender that cannot lend yet."""
_GROWS_AFTER_S = 1.0
"""When more is lent because a function reserves less: until then each gateway counts what that
function runs."""

Reply = Callable[[gateways.Lent], None]


class Pool(Protocol):
    """What a gateway's dispatcher has of it."""

    def join(self, wanted: Callable[[], None], gave: Callable[[int], None]) -> None:
        """Have no more than is lent from now on.

        Call `wanted` when more is needed, `gave` with what goes with functions to another gateway.
        """

    @property
    def usage(self) -> shares.Usage:
        """What is in use, and wanted."""
        ...

    @property
    def last(self) -> int:
        """The number of whoever began to wait last."""
        ...

    def lend(self, share: int, low: float) -> None:
        """Have so much; say when `low` is in use."""

    def refuse(self, last: int) -> None:
        """Refuse all who wait, up to a number."""


class Lending:
    """Borrows for this gateway, and lends if that is its part. To be closed."""

    def __init__(
        self,
        *,
        name: str,
        life: int,
        owned: ownership.Ownership,
        to: links.Links,
        pool: Pool,
        time: clock.Clock,
    ) -> None:
        """`life` is this process's alone, whatever its name."""
        self._name = name
        self._owned = owned
        self._links = to
        self._pool = pool
        self._clock = time
        self._borrower = shares.Borrower(life)
        self._lender: lender.Lender | None = None
        self._total = 0
        self._grows_at: float | None = None
        self._view: views.View | None = None
        self._asked: dict[str, Reply] = {}
        self._soon: asyncio.Handle | None = None
        self._later: asyncio.TimerHandle | None = None
        self._is_closed = False
        pool.join(self._go_on_soon, self._gave)
        owned.observe_settled(self._go_on_soon)
        to.observe(self._link_news)

    def keep_to_view(self) -> None:
        """Learn that the gateways have changed. To be called once functions have been let go of."""
        self._look()
        self._go_on_soon()

    def close(self) -> None:
        """Say nothing any more."""
        self._is_closed = True
        for each in (self._soon, self._later):
            if each is not None:
                each.cancel()

    # What others say

    def asked(self, name: str, said: gateways.Borrow, reply: Reply) -> None:
        """Answer another gateway that borrows, now or later."""
        self._look()
        if self._lender is None:
            reply(gateways.Lent(units=0))
            return
        self._lend_to(name, said, reply)
        self._go_on_soon()

    def recalled(self, recall: gateways.Recall) -> gateways.Borrow:
        """Give back to the lender what it asks for; return what to answer."""
        said = self._borrower.recalled(recall, self._pool.usage, self._standing)
        self._have()
        self._go_on_soon()
        return said

    def _gave(self, units: int) -> None:
        self._borrower.gave(units)
        self._have()

    def _link_news(self, name: str) -> None:
        if name == self._owned.view.owners.of(KEY):
            self._borrower.remind()
            self._go_on_soon()

    # Going on

    def _go_on_soon(self) -> None:
        if self._soon is None and not self._is_closed and self._owned.view.version:
            self._soon = asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._soon = None
        self._look()
        self._measure()
        self._borrow()
        self._lend()
        self._have()
        self._go_on_later()

    def _go_on_later(self) -> None:
        now, at = self._clock.monotonic(), None
        if self._lender is not None:
            at = self._lender.wakes_at
        in_s = _EVERY_S if at is None else min(_EVERY_S, max(0.0, at - now))
        if self._pool.usage.waiting and not self._borrower.is_asking:
            in_s = min(in_s, _AGAIN_S)
        if self._later is not None:
            self._later.cancel()
        if not self._is_closed:
            self._later = asyncio.get_running_loop().call_later(in_s, self._go_on)

    def _look(self) -> None:
        """Keep to the present view."""
        view = self._owned.view
        if view is self._view:
            return
        self._view = view
        self._borrower.forget()
        if self._name not in self._present:
            self._borrower.drop()
        if view.owners.of(KEY) != self._name:
            self._lender = None
            for reply in self._asked.values():
                reply(gateways.Lent(units=0))
            self._asked.clear()
        else:
            if self._lender is None:
                self._total = self._pool.usage.total
                self._lender = lender.Lender(self._total)
            self._tell(self._lender.see(view.version, self._present))
        self._have()

    @property
    def _present(self) -> set[str]:
        """Those who may run anything: this one also when it leaves and the others do not know."""
        view = self._owned.view
        return {*view.reachable, *({self._name} if self._owned.is_leaving else ())}

    @property
    def _standing(self) -> shares.Standing:
        view = self._owned.view
        return shares.Standing(
            version=view.version,
            is_settled=self._owned.is_settled,
            is_alone=self._present == {self._name},
            is_leaving=self._name not in view.members,
        )

    def _measure(self) -> None:
        """Keep the lender's total up to date; what grows does so later."""
        if self._lender is None:
            return
        total, now = self._pool.usage.total, self._clock.monotonic()
        if total <= self._total or self._present == {self._name}:
            self._grows_at = None
        elif self._grows_at is None:
            self._grows_at = now + _GROWS_AFTER_S
        if total != self._total and (self._grows_at is None or now >= self._grows_at):
            self._total, self._grows_at = total, None
            self._lender.limit(total)

    # Borrowing

    def _borrow(self) -> None:
        now = self._clock.monotonic()
        said = self._borrower.ask(self._pool.usage, self._standing, now)
        if said is None:
            return
        number, last = said.number, self._pool.last
        to = self._owned.view.owners.of(KEY)
        if to == self._name and self._lender is not None:
            self._lend_to(self._name, said, partial(self._lent, number, last))
            return
        link = None if to is None else self._links.to(to)
        if link is None:
            self._lent(number, last, None)
            return
        link.ask(said, b"", partial(self._answered, number, last))

    def _answered(
        self, number: int, last: int, header: messages.Header | None, _body: Body
    ) -> None:
        self._lent(number, last, header if isinstance(header, gateways.Lent) else None)

    def _lent(self, number: int, last: int, answer: gateways.Lent | None) -> None:
        if not self._borrower.lent(number, answer, self._clock.monotonic()):
            return
        self._have()
        if answer is not None and (answer.units or answer.is_all):
            if answer.is_all:
                self._pool.refuse(last)
            self._go_on_soon()

    def _have(self) -> None:
        low = self._borrower.low(self._pool.usage, self._clock.monotonic())
        self._pool.lend(self._borrower.has, low)

    # Lending

    def _lend_to(self, name: str, said: gateways.Borrow, reply: Reply) -> None:
        if self._lender is None:
            return
        unanswered = self._asked.pop(name, None)
        if unanswered is not None:
            unanswered(gateways.Lent(units=0))
        self._asked[name] = reply
        self._lender.borrow(name, said)

    def _lend(self) -> None:
        while self._lender is not None:
            said = self._lender.decide(self._clock.monotonic())
            if not said:
                return
            self._tell(said)

    def _tell(self, said: list[lender.Say]) -> None:
        for each in said:
            match each.what:
                case gateways.Lent() as answer:
                    reply = self._asked.pop(each.to, None)
                    if reply is not None:
                        reply(answer)
                case gateways.Recall() as recall:
                    self._recall(each.to, recall)

    def _recall(self, name: str, recall: gateways.Recall) -> None:
        if name == self._name:
            self._returned(name, self.recalled(recall))
            return
        link = self._links.to(name)
        if link is None:
            # It is the same at once: its share stays lent until it is heard of, or is gone.
            _ = asyncio.get_running_loop().call_later(_AGAIN_S, self._returned, name, None)
            return
        link.ask(recall, b"", partial(self._recall_answered, name))

    def _recall_answered(self, name: str, header: messages.Header | None, _body: Body) -> None:
        self._returned(name, header if isinstance(header, gateways.Borrow) else None)

    def _returned(self, name: str, said: gateways.Borrow | None) -> None:
        if self._lender is not None:
            self._lender.recalled(name, said)
            self._go_on_soon()
