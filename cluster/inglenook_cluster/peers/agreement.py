"""Agreeing with the other gateways on who owns what, before anything new is run.

With each view a gateway tells all others, those that leave included; each answers with the view
that it keeps to from then on, at least as new, and has let go of what it does not own in that. Only
when all have said so does a gateway run what has come to it: so two never admit invocations of one
function at the same time, whatever the order in which the news reaches them. News travels this way,
too, should the watch of one of them be behind.

Nobody waits for the dead. A gateway that is gone from the view and whose link is lost has nothing
to say; one that is silent holds things up for `TIMEOUT_S`, after which its pods' word must do: an
agent obeys one owner.
"""

import asyncio
import logging
from collections.abc import Callable

from inglenook.aio import tasks
from inglenook.wire import gateways, messages
from inglenook.wire.connection import Body
from inglenook_cluster.peers import links, membership, views

logger = logging.getLogger(__name__)

TIMEOUT_S = 2.0


class Agreement:
    """What this gateway asks of the others with each view, and answers them."""

    def __init__(self, name: str, known: membership.Membership, to: links.Links) -> None:
        self._name = name
        self._known = known
        self._links = to
        self._unheard: set[str] = set()
        """Who may still run something that is not its own any more."""
        self._reached: asyncio.Event = asyncio.Event()
        self._link_changed: asyncio.Event = asyncio.Event()
        self._tasks = tasks.Tasks()
        self._asking: asyncio.Task[None] | None = None
        to.observe(self._link_news)

    def seek(self) -> None:
        """Begin anew, with the present view. This gateway must keep to it already."""
        view = self._known.view
        self._unheard |= view.reachable.keys() - {self._name}
        if self._asking is not None:
            self._asking.cancel()
        self._reached.clear()
        self._asking = self._tasks.start(self._ask_all(view), name="agree with the other gateways")

    async def reached(self) -> None:
        """Wait until all agree with the present view, or are not to be waited for."""
        await self._reached.wait()

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._tasks.close()

    def asked(self, roster: gateways.Roster, reply: Callable[[gateways.Roster], None]) -> None:
        """Answer another gateway, with what this one keeps to from now on."""
        self._known.learn(_view(roster))
        reply(_roster(self._known.view))

    async def _ask_all(self, view: views.View) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S), asyncio.TaskGroup() as group:
                for name in sorted(self._unheard):
                    _ = group.create_task(self._ask(name, view))
        except TimeoutError:
            logger.warning(
                "some gateways do not say what they see", extra={"gateways": sorted(self._unheard)}
            )
        except Exception:
            # Never to be waited for in vain, whatever a subscriber to views does.
            logger.exception("the other gateways could not be asked what they see")
        self._reached.set()

    async def _ask(self, name: str, view: views.View) -> None:
        while True:
            changed = self._link_changed
            link = self._links.to(name)
            if link is None:
                if name not in view.reachable:
                    self._unheard.discard(name)
                    return
                await changed.wait()
                continue
            answer = await _answer_to(link, _roster(view))
            if answer is not None:
                if name not in view.members:
                    self._unheard.discard(name)
                # If it is ahead, this begins everything anew.
                self._known.learn(_view(answer))
                return

    def _link_news(self, _name: str) -> None:
        changed, self._link_changed = self._link_changed, asyncio.Event()
        changed.set()


def _roster(view: views.View) -> gateways.Roster:
    return gateways.Roster(
        version=view.version, members=dict(view.members), leaving=dict(view.leaving)
    )


def _view(roster: gateways.Roster) -> views.View:
    return views.View(version=roster.version, members=roster.members, leaving=roster.leaving)


async def _answer_to(link: links.Link, roster: gateways.Roster) -> gateways.Roster | None:
    future: asyncio.Future[gateways.Roster | None] = asyncio.get_running_loop().create_future()

    def answered(header: messages.Header | None, _body: Body) -> None:
        if not future.done():
            future.set_result(header if isinstance(header, gateways.Roster) else None)

    link.ask(roster, b"", answered)
    return await future
