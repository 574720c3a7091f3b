"""The pods that a fleet has leased or adopted, each specialised in its version.

As many leases are under way as the environments that are wanted need pods, and not more than
`at_once`. Where nobody knows how many environments fit into a pod it is one at a time: single
flight, so that a thousand first calls take one pod. What fails for now is tried again after a
growing pause; what can never work is reported at once. A pod that another gateway was faster to
take costs nothing but the next one.
"""

import asyncio
import logging
import math
from functools import partial
from typing import TYPE_CHECKING, Protocol

from inglenook import errors
from inglenook.aio import tasks
from inglenook.capacity import estimates
from inglenook.capacity.estimates import Place
from inglenook.telemetry import watching
from inglenook.telemetry.watching import Phase
from inglenook.wire import messages
from inglenook.wire.messages import Refusal
from inglenook_gateway.dispatch import link, packages, patience, pods

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

logger = logging.getLogger(__name__)

_PERMANENT: dict[Refusal, type[errors.ApiError]] = {
    Refusal.CODE_UNAVAILABLE: errors.InvalidZipFileError,
    Refusal.RUNTIME_UNAVAILABLE: errors.InvalidRuntimeError,
}
_TAKEN = frozenset({Refusal.MOVED, Refusal.WRONG_VERSION, Refusal.DRAINING})
"""What the agent of a pod says to `Specialise` that somebody else has, or nobody any more."""


class Tenant(Protocol):
    """Whose pods they are."""

    def wanted(self) -> tuple[int, int]:
        """Return how many more environments callers wait for, and how many are to be ahead."""

    def go_on(self) -> None:
        """Ask `with_room` again: it is worth it."""

    def impossible(self, error: errors.ApiError) -> None:
        """Learn of an error that no other pod would mend."""

    def moved(self) -> None:
        """Learn that another gateway owns a pod of this version."""

    def gone(self, of: link.AgentLink, name: str) -> None:
        """Learn that an environment has ended on its own."""

    def freed(self, of: link.AgentLink, name: str) -> None:
        """Learn that an environment has done what it ran for a former owner."""

    def lost(self, of: link.AgentLink) -> None:
        """Learn that a pod is gone."""


class Leases:
    """The pods of one version."""

    def __init__(  # noqa: PLR0913 - wiring
        self,
        specialise: messages.Specialise,
        wanted: pods.Wanted,
        *,
        supply: pods.Pods,
        sent: packages.Packages | None,
        background: tasks.Tasks,
        timeout_s: float,
        at_once: int,
        times: estimates.StartTimes,
        tenant: Tenant,
        watch: watching.Watch,
    ) -> None:
        """`sent` has the packages for pods that do not find them where they are.

        What getting a pod takes is told to `times`.
        """
        self._specialise = specialise
        self._wanted = wanted
        self._supply = supply
        self._sent = sent
        self._background = background
        self._timeout_s = timeout_s
        self._at_once = at_once
        self._times = times
        self._tenant = tenant
        self._watch = watch
        self._links: list[link.AgentLink] = []
        self._seeking: dict[asyncio.Task[None], tuple[bool, float]] = {}
        """The leases for which there is no pod yet: whether nobody waits for it, since when."""
        self._specialising = 0
        self.patience = patience.Patience(specialise.id.function_name, tenant.go_on)
        """When to try again."""
        self._is_closed = False

    @property
    def is_leasing(self) -> bool:
        """Whether a pod is on its way."""
        return bool(self._seeking or self._specialising)

    @property
    def links(self) -> list[link.AgentLink]:
        """The pods that there are."""
        return list(self._links)

    def with_room(self) -> link.AgentLink | None:
        """Return a pod that can take one more environment, or see to it that there will be one."""
        found = self._room()
        if found is not None:
            return found
        if not self.patience.is_pausing and not self._is_closed:
            self._lease_more()
        return None

    def _room(self) -> link.AgentLink | None:
        return next((each for each in reversed(self._links) if each.has_room), None)

    def start_s(self) -> float | None:
        """Return how long it takes until there is one more environment, if that is known."""
        if self._room() is not None:
            return self._times.expected_s(Place.ROOM, 0.0)
        place = Place.FREE if self._supply.has_free(self._wanted) else Place.NONE
        now = self._watch.now()
        _, first = next(iter(self._seeking.values()), (False, now))
        return self._times.expected_s(place, now - first)

    def refused(self, by: link.AgentLink, refused: messages.Refused) -> None:
        """Learn that a pod does not start an environment, or is not specialised."""
        if refused.reason in (Refusal.FULL, Refusal.DRAINING):
            by.takes_starts = False
        elif refused.reason is Refusal.MOVED:
            by.takes_starts = False
            self._tenant.moved()
        elif (permanent := _PERMANENT.get(refused.reason)) is not None:
            self._tenant.impossible(permanent(refused.message))
        else:
            self.patience.pause(f"{refused.reason.value}: {refused.message}")

    # Leasing

    def _pods_for(self, environments: int) -> int:
        """Return how many pods so many more environments need."""
        each = self._specialise.environments_max
        return min(1, environments) if each is None else math.ceil(environments / each)

    def _lease_more(self) -> None:
        waiting, ahead = self._tenant.wanted()
        needed = min(self._at_once, self._pods_for(waiting + ahead))
        for_callers = self._pods_for(waiting) - self._specialising
        for_callers -= sum(not is_ahead for is_ahead, _ in self._seeking.values())
        while len(self._seeking) + self._specialising < needed:
            is_ahead = for_callers <= 0
            for_callers -= 1
            task = self._background.start(
                self._lease(is_ahead=is_ahead),
                name=f"lease a pod for {self._specialise.id.function_name}",
            )
            self._seeking[task] = is_ahead, self._watch.now()
            # One that is cancelled before it has begun removes nothing itself.
            task.add_done_callback(lambda done: self._seeking.pop(done, None))

    async def _lease(self, *, is_ahead: bool) -> None:
        me = asyncio.current_task()
        try:
            async with asyncio.timeout(self._timeout_s):
                loaded = {} if self._sent is None else await self._sent.load(self._specialise)
                began = self._watch.now()
                place = Place.FREE if self._supply.has_free(self._wanted) else Place.NONE
                try:
                    pod = await self._supply.lease(self._wanted, is_ahead=is_ahead)
                except BaseException:
                    self._times.not_leased(place, self._watch.now() - began)
                    raise
                self._times.leased(place, self._watch.now() - began)
                self._watch.phase(Phase.LEASE, began)
        except errors.ApiError as error:
            self._seeking.pop(me, None)  # type: ignore[arg-type] # this runs in a task
            if error.is_retryable:
                self.patience.pause(repr(error))
            else:
                self._tenant.impossible(error)
        except Exception as error:  # noqa: BLE001 - the one place where leasing fails and backs off
            self._seeking.pop(me, None)  # type: ignore[arg-type]
            self.patience.pause(repr(error))
        else:
            self._seeking.pop(me, None)  # type: ignore[arg-type]
            await self._take(pod, loaded)

    async def _take(self, pod: pods.Pod, loaded: dict[str, bytes]) -> None:
        if pod.give_back is not None and (self._is_closed or not any(self._tenant.wanted())):
            pod.give_back()
            return
        # Still leasing until the pod is specialised: no further one is wanted for the same.
        leased = self._linked(pod)
        self._specialising += 1
        began = self._watch.now()
        leased.open()
        if not pod.is_local:
            await packages.send(leased, loaded)
        leased.ask(self._specialise, b"", partial(self._specialised, leased, began))

    def _linked(self, pod: pods.Pod) -> link.AgentLink:
        made = link.AgentLink(pod, self, self._specialise.environments_max)
        self._links.append(made)
        return made

    def _specialised(
        self, leased: link.AgentLink, began: float, header: messages.Header | None, _body: "Body"
    ) -> None:
        self._specialising -= 1
        if isinstance(header, messages.Specialised):
            self._watch.phase(Phase.SPECIALISE, began)
            self._times.specialise.add(self._watch.now() - began)
            leased.takes_starts = True
            leased.pod.specialised(self._wanted)
        elif not isinstance(header, messages.Refused):
            self.patience.pause("the agent was lost while it was specialised")
        elif header.reason in _TAKEN and not leased.pod.is_local:
            self._forget(leased)
            leased.let_go("another has taken it")
        elif header.reason in _PERMANENT and leased.pod.give_back is not None:
            # Nothing has run in it: a function that cannot run must not use up pods.
            self._forget(leased)
            leased.pod.give_back()
            self.refused(leased, header)
        else:
            self.refused(leased, header)
            leased.end("not specialised")
        self._tenant.go_on()

    def seek_less(self) -> None:
        """Seek no pods that nobody needs any more."""
        if not self._seeking:
            return
        waiting, ahead = self._tenant.wanted()
        surplus = len(self._seeking) + self._specialising - self._pods_for(waiting + ahead)
        for task in sorted(self._seeking, key=self._seeking.__getitem__, reverse=True):
            if surplus <= 0:
                break
            surplus -= 1
            del self._seeking[task]
            task.cancel()

    def trim(self) -> None:
        """Seek no pods that nobody needs any more, and end those that are left empty."""
        self.seek_less()
        waiting, ahead = self._tenant.wanted()
        if not waiting + ahead:
            for each in self.links:
                if not each.held and each.takes_starts and not each.pod.is_local:
                    self._forget(each)
                    each.end("it has no environment any more")

    def adopt(self, pod: pods.Pod) -> link.AgentLink:
        """Take a pod that is specialised already; it is to be asked to be adopted."""
        adopted = self._linked(pod)
        adopted.open()
        return adopted

    def adopted(self, taken: link.AgentLink, *, has_started: bool) -> None:
        """Learn that it was; its former gateway may not have come to saying what it is."""
        taken.pod.specialised(self._wanted)
        if has_started:
            taken.started()

    # What links say (`link.Holder`).

    def environment_gone(self, of: link.AgentLink, name: str) -> None:
        self._tenant.gone(of, name)

    def environment_freed(self, of: link.AgentLink, name: str) -> None:
        of.started()
        self._tenant.freed(of, name)

    def link_closed(self, of: link.AgentLink, reason: str) -> None:
        logger.debug("agent closed", extra={"why": reason})
        self._forget(of)
        self._tenant.lost(of)

    def _forget(self, gone: link.AgentLink) -> None:
        self._links = [each for each in self._links if each is not gone]

    # The end

    def stop(self) -> None:
        """Lease no more; what there is stays."""
        self._is_closed = True
        self.patience.stop()
        for task in list(self._seeking):
            task.cancel()

    def close(self) -> None:
        """End all pods of this version, and lease no more."""
        self.stop()
        for each in self.links:
            each.end("the gateway needs this version no more")

    def let_go(self) -> None:
        """Leave the pods that can do without this gateway to another, and lease no more."""
        self.stop()
        for each in self.links:
            each.let_go("the gateway goes")
