"""What this gateway owns, and which of it it may run already.

A function is *mine* if the view says so; it is *held* once the other gateways have let go of it and
its pods have been taken over. Only what is held is run here. What all pods run is asked once for
all functions, as soon as all agree on the view, and not when the first invocation comes. With the
view that gives a function to
another it is let go of at once: nothing more is admitted, what was waiting is handed back, what
runs ends where it is.

A gateway is *settled* in a view once it has taken over all of its functions that pods run: then
what runs of them is counted.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from inglenook import errors
from inglenook.aio import tasks
from inglenook.model import function
from inglenook.routing import invocation
from inglenook.wire import messages
from inglenook_cluster.peers import agreement, links, membership, views

logger = logging.getLogger(__name__)

_TAKE_OVER_TIMEOUT_S = 10.0


class NotOwnerError(Exception):
    """Another gateway owns the function."""


class Returned(Protocol):
    """An invocation that was admitted here and has not begun."""

    @property
    def version(self) -> messages.VersionId: ...
    @property
    def spec(self) -> function.Spec: ...
    @property
    def event(self) -> invocation.Event: ...
    @property
    def outcome(self) -> asyncio.Future[invocation.Outcome]:
        """What its caller awaits; whoever gets it resolves it."""
        ...


class Local(Protocol):
    """What a gateway's dispatcher does about owning functions."""

    async def survey(self) -> None:
        """Learn what all pods run, so that the functions of others can be taken over."""

    def found(self) -> Iterable[str]:
        """Return the functions that pods run, as far as is known."""
        ...

    async def take_over(self, function_name: str) -> None:
        """Adopt what runs a function already, and count it, before anything is admitted."""

    def relinquish(self, function_name: str, hand_back: Callable[[Returned], None]) -> None:
        """Hand back what waits, and leave what runs to the next owner."""

    def on_moved(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with a function of which an agent says that another gateway owns it."""


class Ownership:
    """The functions of one gateway. Belongs to one event loop; to be closed."""

    def __init__(
        self, *, name: str, known: membership.Membership, to: links.Links, local: Local
    ) -> None:
        self._name = name
        self._links = to
        self._local = local
        self.agreement = agreement.Agreement(name, known, to)
        self.view = views.View()
        """What is gone by; without this gateway once it leaves, unless it is alone."""
        self.held: set[str] = set()
        """The functions that may be run here; for look-ups only."""
        self._taking: dict[str, asyncio.Task[None]] = {}
        self._surveying: asyncio.Task[None] | None = None
        self._surveyed: frozenset[str] | None = None
        """The gateways at the time of the last survey: of what they owned, it knows all."""
        self.is_settled = False
        self._settling: asyncio.Task[None] | None = None
        self._observers: list[Callable[[str], None]] = []
        self._on_settled: list[Callable[[], None]] = []
        self._hand_back: Callable[[Returned], None] = _lost
        self.is_leaving = False
        self._membership = known
        self._tasks = tasks.Tasks()
        known.subscribe(lambda _old, _new: self._keep_to_view())
        local.on_moved(self.doubt)
        self._keep_to_view()

    def hand_back_to(self, callback: Callable[[Returned], None]) -> None:
        """Give `callback` what the dispatcher hands back."""
        self._hand_back = callback

    def observe(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with each function that is held from now on, or is not any more."""
        self._observers.append(callback)

    def observe_settled(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever this gateway is settled in a view."""
        self._on_settled.append(callback)

    def is_mine(self, function_name: str) -> bool:
        """Whether the view gives a function to this gateway."""
        return self.view.owners.of(function_name) == self._name

    def claim(self, function_name: str) -> bool:
        """Return whether a function is held; if it is mine and not held yet, see to it."""
        if function_name in self.held:
            return True
        if self.is_mine(function_name) and not self.is_leaving:
            _ = self._take(function_name)
        return False

    async def hold(self, function_name: str) -> None:
        """Return once a function is held. Raises NotOwnerError if, or as soon as, it is not mine.

        Whatever cannot be taken over in time is run all the same: demand does not wait for ever.
        """
        while function_name not in self.held:
            if not self.is_mine(function_name):
                raise NotOwnerError(function_name)
            await asyncio.wait([self._take(function_name)])

    def doubt(self, function_name: str) -> None:
        """Learn that another gateway acts as the owner: let go, and begin anew if it is mine."""
        self.is_settled = False
        self._let_go(function_name)
        self._surveyed = None
        self._seek()

    def leave(self) -> None:
        """Own nothing from now on, if anybody else can."""
        self.is_leaving = True
        self._keep_to_view()

    async def close(self) -> None:
        """Take nothing over any more."""
        await self.agreement.close()
        await self._tasks.close()

    def _keep_to_view(self) -> None:
        view = self._membership.view
        if self.is_leaving and view.members.keys() - {self._name}:
            others = {name: at for name, at in view.members.items() if name != self._name}
            view = views.View(version=view.version, members=others, leaving=view.leaving)
        self.view = view
        self.is_settled = False
        self._links.keep(view.reachable)
        for function_name in [*self.held, *self._taking]:
            if not self.is_mine(function_name):
                self._let_go(function_name)
        if view.version:
            self._seek()

    def _seek(self) -> None:
        """Agree with the others on the view, and learn what may have come to this gateway."""
        self.agreement.seek()
        if self._surveying is not None:
            self._surveying.cancel()
        if self._settling is not None:
            self._settling.cancel()
        self._surveying = self._tasks.start(self._survey(), name="ask what the pods run")
        self._settling = self._tasks.start(
            self._settle(self._surveying), name="take over what the pods run"
        )

    async def _survey(self) -> None:
        await self.agreement.reached()
        members = frozenset(self.view.members)
        if self._name not in members:
            self._surveyed = None
            return
        # Who joins only takes. Nothing comes to this gateway while all that there were are there.
        if self._surveyed is not None and self._surveyed <= members:
            self._surveyed = members
            return
        try:
            async with asyncio.timeout(_TAKE_OVER_TIMEOUT_S):
                await self._local.survey()
        except Exception as error:  # noqa: BLE001 - labels say most of it
            logger.warning("not all pods could be asked what they run", extra={"why": repr(error)})
        self._surveyed = members

    async def _settle(self, surveying: asyncio.Task[None]) -> None:
        await asyncio.wait([surveying])
        if self._name in self._membership.view.members and self._name not in self.view.members:
            return  # It leaves, and until the others see it so nobody takes its functions over.
        taking = [self._take(each) for each in self._local.found() if self._is_due(each)]
        if taking:
            await asyncio.wait(taking)
        self.is_settled = True
        for callback in self._on_settled:
            callback()

    def _is_due(self, function_name: str) -> bool:
        return self.is_mine(function_name) and function_name not in self.held

    def _let_go(self, function_name: str) -> None:
        taking = self._taking.pop(function_name, None)
        if taking is not None:
            taking.cancel()
        elif function_name not in self.held:
            return
        self.held.discard(function_name)
        self._local.relinquish(function_name, self._hand_back)
        self._tell(function_name)

    def _take(self, function_name: str) -> asyncio.Task[None]:
        taking = self._taking.get(function_name)
        if taking is None:
            taking = self._taking[function_name] = self._tasks.start(
                self._take_over(function_name), name=f"take over {function_name}"
            )
        return taking

    async def _take_over(self, function_name: str) -> None:
        await self.agreement.reached()
        while self._surveying is not None and not self._surveying.done():
            await asyncio.wait([self._surveying])
        try:
            async with asyncio.timeout(_TAKE_OVER_TIMEOUT_S):
                await self._local.take_over(function_name)
        except Exception as error:  # noqa: BLE001 - what cannot be found is not waited for
            logger.warning(
                "not all of a function's environments could be taken over",
                extra={"function": function_name, "why": repr(error)},
            )
        # No await since the last view: it would have cancelled this.
        del self._taking[function_name]
        self.held.add(function_name)
        self._tell(function_name)

    def _tell(self, function_name: str) -> None:
        for callback in self._observers:
            callback(function_name)


def _lost(returned: Returned) -> None:
    if not returned.outcome.done():
        returned.outcome.set_exception(errors.ServiceError("Another gateway owns the function."))
