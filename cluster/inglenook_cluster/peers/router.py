"""Running events wherever their function's owner is.

A `Runner` for who has callers. What this gateway holds goes to its own dispatcher, at the cost of
one look-up. The rest goes over the owner's link, and is answered by callbacks alone. What an owner
refuses was not begun; neither was what found no link: both are tried again, with the owner looked
up anew, for as long as an event may wait. So is what finds a link that is quiet. What was on a link
that broke may have begun, and is never run again: it has failed.
"""

import asyncio
import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from inglenook import errors
from inglenook.aio import backoff, clock, tasks
from inglenook.catalog.catalog import Catalog
from inglenook.model import function
from inglenook.routing import invocation, streaming
from inglenook.telemetry import metrics, tally
from inglenook.wire import messages
from inglenook.wire.connection import Body
from inglenook_cluster.peers import links, membership, ownership, routed, views, words

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine

_PAUSE_S = (0.002, 0.25)
"""Between tries; a view or a link that changes ends it early."""

_RESULTS: dict[object, str] = {
    messages.Result: "answered",
    messages.Failed: "failed",
    messages.Refused: "moved",
}
"""What `metrics.FORWARDED` calls the answers of an owner."""

Version = messages.VersionId


class Router:
    """Run events here or elsewhere. `invoke` and `stream` are a dispatcher's. To be closed."""

    def __init__(
        self,
        *,
        members: membership.Membership,
        to: links.Links,
        known: Catalog,
        time: clock.Clock,
        queue_timeout_s: float,
        own: "Own | None" = None,
        seen: tally.Tally | None = None,
    ) -> None:
        """Without `own` nothing is run here: everything is forwarded."""
        self._members = members
        self._links = to
        self._known = known
        self._clock = time
        self._queue_timeout_s = queue_timeout_s
        self._own = own
        self._seen = seen or tally.Tally()
        self._held: Collection[str] = frozenset() if own is None else own.ownership.held
        self._for_others: set[asyncio.Future[invocation.Outcome]] = set()
        self._tasks = tasks.Tasks()
        self._news: asyncio.Event = asyncio.Event()
        members.subscribe(self._view_changed)
        to.observe(lambda _name: self._tell_news())
        if own is None:
            to.keep(members.view.members)
        else:
            own.ownership.hand_back_to(self._handed_back)

    @property
    def view(self) -> views.View:
        """The gateways that functions are shared among, as far as is known."""
        return self._members.view if self._own is None else self._own.ownership.view

    def invoke(
        self, version: Version, spec: function.Spec, event: invocation.Event
    ) -> "asyncio.Future[invocation.Outcome]":
        """Run an event; a limit that is reached elsewhere is an error of the future."""
        if self._own is not None and version.function_name in self._held:
            return self._own.runner.invoke(version, spec, event)
        going = self._routed(version, spec, event)
        link = self._link(version.function_name)
        if link is None:
            self._try_until_late(going)
        else:
            link.ask(
                words.forward(version, event),
                event.payload,
                partial(self._answered, going),
                event.on_chunk,
            )
        return going.outcome

    def stream(
        self, version: Version, spec: function.Spec, event: invocation.Event
    ) -> streaming.ResponseStream:
        """Run an event whose answer is read as the function writes it."""
        answer = streaming.ResponseStream()
        event = msgspec.structs.replace(event, on_chunk=answer.chunk)
        answer.follow(self.invoke(version, spec, event))
        return answer

    def run(
        self, version: Version, spec: function.Spec, event: invocation.Event
    ) -> "asyncio.Future[invocation.Outcome]":
        """Run an event for another gateway: here, or not at all.

        The future fails with NotOwnerError if nothing was begun. Raises it, and what `invoke` does.
        """
        own, name = self._own, version.function_name
        if own is None or not own.ownership.is_mine(name):
            raise ownership.NotOwnerError(name)
        if name in self._held:
            outcome = own.runner.invoke(version, spec, event)
        else:
            going = self._routed(version, spec, event)
            outcome = going.outcome
            self._go_on(going, self._run_once_held(own, going))
        self._for_others.add(outcome)
        outcome.add_done_callback(self._for_others.discard)
        return outcome

    def _handed_back(self, returned: ownership.Returned) -> None:
        """Take an event that the dispatcher had admitted and cannot begin: it is not the owner."""
        outcome = returned.outcome
        if outcome.done():
            return
        if outcome in self._for_others:
            outcome.set_exception(ownership.NotOwnerError(returned.version.function_name))
            return
        going = self._routed(returned.version, returned.spec, returned.event)
        going.outcome = outcome
        self._try_until_late(going)

    async def close(self) -> None:
        """Try nothing any more; what waits for an owner fails."""
        await self._tasks.close()

    def _routed(
        self, version: Version, spec: function.Spec, event: invocation.Event
    ) -> routed.Routed:
        until = event.waits_until or self._clock.monotonic() + self._queue_timeout_s
        outcome: asyncio.Future[invocation.Outcome] = asyncio.get_running_loop().create_future()
        return routed.Routed(version, spec, event, until, outcome)

    def _link(self, function_name: str) -> links.Link | None:
        owner = self.view.owners.of(function_name)
        return None if owner is None else self._links.awake(owner)

    def _count(self, header: messages.Header | None) -> None:
        self._seen.count(metrics.FORWARDED, (_RESULTS.get(type(header), "lost"),))

    def _answered(self, going: routed.Routed, header: messages.Header | None, body: Body) -> None:
        self._count(header)
        if not going.settle(header, body):
            self._try_until_late(going, is_refused=True)

    # Trying again

    def _try_until_late(self, going: routed.Routed, *, is_refused: bool = False) -> None:
        going.event = msgspec.structs.replace(going.event, waits_until=going.until)
        self._go_on(going, self._try(going, is_refused=is_refused))

    def _go_on(self, going: routed.Routed, work: "Coroutine[Any, Any, None]") -> None:
        task = self._tasks.start(work, name=f"route to {going.version.function_name}")
        # However it ends: one that is cancelled before it has begun can do nothing itself.
        task.add_done_callback(
            lambda _: going.fail(errors.ServiceError("This gateway is shutting down."))
        )

    async def _try(self, going: routed.Routed, *, is_refused: bool) -> None:
        pauses = backoff.Backoff(*_PAUSE_S)
        try:
            while is_refused or not await self._try_once(going):
                is_refused = False
                left_s = going.until - self._clock.monotonic()
                if left_s <= 0:
                    going.fail(_late(self._queue_timeout_s))
                    return
                await self._wait_for_news(min(left_s, pauses.next()))
                going.aim_anew(self._known)
        except errors.ApiError as error:
            going.fail(error)

    async def _try_once(self, going: routed.Routed) -> bool:
        """Return whether it is settled; raises an ApiError."""
        name = going.version.function_name
        own = self._own
        if own is not None and own.ownership.is_mine(name):
            try:
                await own.ownership.hold(name)
            except ownership.NotOwnerError:
                return False
            inner = own.runner.invoke(going.version, going.spec, going.event)
            going.succeed(await inner)
            return True
        link = self._link(name)
        if link is None:
            return False
        header, body = await going.ask(link)
        self._count(header)
        return going.settle(header, body)

    async def _run_once_held(self, own: "Own", going: routed.Routed) -> None:
        try:
            await own.ownership.hold(going.version.function_name)
            inner = own.runner.invoke(going.version, going.spec, going.event)
            self._for_others.add(inner)
            inner.add_done_callback(self._for_others.discard)
            going.succeed(await inner)
        except (errors.ApiError, ownership.NotOwnerError) as error:
            going.fail(error)

    # News

    def _view_changed(self, _old: views.View, new: views.View) -> None:
        if self._own is None:
            self._links.keep(new.members)
        self._tell_news()

    def _tell_news(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _wait_for_news(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return


@dataclasses.dataclass(frozen=True, slots=True)
class Own:
    """What a gateway has and a worker has not."""

    ownership: ownership.Ownership
    runner: invocation.Runner
    """Its dispatcher."""


def _late(timeout_s: float) -> errors.ServiceError:
    return errors.ServiceError(f"No gateway could take the event within {timeout_s:g} seconds.")
