"""Functions that change hands: taken over from another gateway, or given to one.

Taking over finds the function's pods, has their agents adopt this gateway, fills the fleets with
their idle environments, and counts those that still run something for a former owner. Pods of
versions that are not current are adopted, too, and drained. Giving is the other half: see
`Fleet.leave`.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from inglenook.capacity import concurrency
from inglenook.model import function
from inglenook.routing.invocation import Event, Outcome
from inglenook.wire import messages
from inglenook_gateway.dispatch import elsewhere, fleet, invocation, link, pods
from inglenook_gateway.dispatch.environment import Environment

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

logger = logging.getLogger(__name__)

_ADOPT_TIMEOUT_S = 2.0
"""How long an agent may take to say what it has. It is asked nothing that takes time."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """An invocation that was admitted and has not begun: for the function's new owner."""

    version: messages.VersionId
    spec: function.Spec
    event: Event
    """It waits no longer than it would have here."""
    outcome: asyncio.Future[Outcome]
    """What its caller awaits; may be cancelled."""


HandBack = Callable[[Returned], None]


def returned(
    version: messages.VersionId, spec: function.Spec, invoked: invocation.Invocation
) -> Returned:
    """Return what its new owner is to have of an invocation."""
    event = msgspec.structs.replace(invoked.event, waits_until=invoked.waits_until)
    return Returned(version=version, spec=spec, event=event, outcome=invoked.outcome)


class Handover:
    """The functions that come and go, and what is left of both."""

    def __init__(
        self,
        ledger: concurrency.Ledger,
        fleets: dict[messages.VersionId, fleet.Fleet],
        make: Callable[[messages.VersionId, function.Spec], fleet.Fleet],
        remote: pods.Remote | None,
    ) -> None:
        """`fleets` are those of the dispatcher: relinquished ones are taken out of it."""
        self._ledger = ledger
        self._fleets = fleets
        self._make = make
        self._remote = remote
        self.leaving: list[fleet.Fleet] = []
        self._old: dict[str, Old] = {}
        """Pods of versions that are not current any more, by name."""

    async def survey(self) -> None:
        """Learn what all pods run."""
        if self._remote is not None:
            await self._remote.census.take()

    def found(self) -> set[str]:
        """Return the functions that pods run, as far as is known."""
        return set() if self._remote is None else self._remote.census.functions()

    async def take_over(self, function_name: str) -> None:
        """Adopt all pods of a function that are not this gateway's yet."""
        if self._remote is None:
            return
        known = {
            name for each in self._fleets.values() for name in each.pod_names
        } | self._old.keys()
        found = await self._remote.census.of(function_name, known)
        answers = [self._adopt(pod, what.version, self._remote) for pod, what in found]
        if answers:
            _, late = await asyncio.wait(answers, timeout=_ADOPT_TIMEOUT_S)
            if late:
                logger.warning(
                    "pods were not taken over in time",
                    extra={"function": function_name, "n": len(late)},
                )

    def _adopt(
        self, pod: pods.Pod, version: messages.VersionId, remote: pods.Remote
    ) -> "asyncio.Future[bool]":
        spec = remote.current(version)
        if spec is not None:
            return self._make(version, spec).adopt(pod)
        old = self._old[pod.name] = Old(pod, version, self._ledger, self._old_gone)
        return old.adopt()

    def _old_gone(self, name: str) -> None:
        self._old.pop(name, None)

    def relinquish(self, function_name: str, hand_back: HandBack) -> None:
        """Let the fleets of a function leave."""
        for version in [each for each in self._fleets if each.function_name == function_name]:
            leaving = self._fleets.pop(version)
            self.leaving.append(leaving)
            leaving.leave(_Returning(leaving, self._ledger, hand_back))

    def reap(self) -> None:
        """Forget what has left; give up agents that stay silent."""
        for each in self.leaving:
            each.reap()
        for each in [each for each in self.leaving if each.is_unused]:
            self.leaving.remove(each)
            each.let_go()

    def close(self) -> None:
        """Count nothing any more that runs for others."""
        for each in (*self._fleets.values(), *self.leaving):
            each.forget_elsewhere()
        for old in list(self._old.values()):
            old.let_go()


class _Returning:
    """Hand the invocations of one fleet back."""

    def __init__(self, of: fleet.Fleet, ledger: concurrency.Ledger, hand_back: HandBack) -> None:
        self._of = of
        self._ledger = ledger
        self._hand_back = hand_back

    def __call__(self, invoked: invocation.Invocation) -> None:
        self._ledger.release(invoked.function, invoked)
        self._hand_back(returned(self._of.id, self._of.spec, invoked))


class Old:
    """A pod of a version that is not current any more: it ends when what runs in it is done."""

    def __init__(
        self,
        pod: pods.Pod,
        version: messages.VersionId,
        ledger: concurrency.Ledger,
        closed: Callable[[str], None],
    ) -> None:
        self._version = version
        self._elsewhere = elsewhere.Elsewhere(version, ledger)
        self._closed = closed
        self._link = link.AgentLink(pod, self)

    def adopt(self) -> "asyncio.Future[bool]":
        """Become its owner; the future tells whether the agent agreed."""
        adopted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def answered(header: messages.Header | None, _body: "Body") -> None:
            if isinstance(header, messages.Adopted):
                for name in header.busy:
                    self._elsewhere.hold(Environment(self._link, name))
                self._link.ask(messages.Drain(), b"", self._drained)
            else:
                self._link.let_go("not adopted")
            if not adopted.done():
                adopted.set_result(isinstance(header, messages.Adopted))

        self._link.open()
        self._link.ask(messages.Adopt(id=self._version), b"", answered)
        return adopted

    def _drained(self, header: messages.Header | None, _body: "Body") -> None:
        if isinstance(header, messages.Refused) and self._elsewhere.is_counting:
            return  # it drains already, and says when that is done
        self._link.let_go("it has drained")

    def let_go(self) -> None:
        """Leave it to itself, and count nothing of it any more."""
        self._elsewhere.release_all()
        self._link.let_go("the gateway goes")

    def environment_gone(self, of: link.AgentLink, name: str) -> None:
        self._elsewhere.release(Environment(of, name))

    def environment_freed(self, of: link.AgentLink, name: str) -> None:
        self._elsewhere.release(Environment(of, name))

    def link_closed(self, of: link.AgentLink, reason: str) -> None:
        del reason
        self._elsewhere.release_all()
        self._closed(of.pod.name)
