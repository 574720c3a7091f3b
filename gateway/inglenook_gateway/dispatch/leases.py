"""The pods that a fleet has leased, each specialised in its version.

One lease is under way at a time: single flight, so that a thousand first calls take one pod. What
fails for now is tried again after a growing pause; what can never work is reported at once.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from inglenook import errors
from inglenook.aio import backoff, tasks
from inglenook.wire import messages
from inglenook_gateway.dispatch import link, pods

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

logger = logging.getLogger(__name__)

_PAUSE_FIRST_S = 0.05
_PAUSE_MOST_S = 2.0

_PERMANENT: dict[messages.Refusal, type[errors.ApiError]] = {
    messages.Refusal.CODE_UNAVAILABLE: errors.InvalidZipFileError,
    messages.Refusal.RUNTIME_UNAVAILABLE: errors.InvalidRuntimeError,
}


class Leases:
    """The leased pods of one version.

    `go_on` is called whenever it is worth asking `with_room` again; `impossible` with an error that
    no other pod would mend; `gone` with an environment that ended on its own; `lost` with a pod.
    """

    def __init__(  # noqa: PLR0913 - wiring
        self,
        specialise: messages.Specialise,
        *,
        supply: pods.Pods,
        background: tasks.Tasks,
        timeout_s: float,
        go_on: Callable[[], None],
        impossible: Callable[[errors.ApiError], None],
        gone: Callable[[link.AgentLink, str], None],
        lost: Callable[[link.AgentLink], None],
    ) -> None:
        self._specialise = specialise
        self._supply = supply
        self._background = background
        self._timeout_s = timeout_s
        self._go_on = go_on
        self._impossible = impossible
        self._gone = gone
        self._lost = lost
        self._links: list[link.AgentLink] = []
        self.is_leasing = False
        self._backoff = backoff.Backoff(_PAUSE_FIRST_S, _PAUSE_MOST_S)
        self._resume: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def is_pausing(self) -> bool:
        """Whether nothing should be tried before `go_on` is called."""
        return self._resume is not None

    def with_room(self) -> link.AgentLink | None:
        """Return a pod that can take one more environment, or see to it that there will be one."""
        for each in self._links:
            if each.has_room:
                return each
        if not self.is_leasing and not self.is_pausing and not self._is_closed:
            self.is_leasing = True
            _ = self._background.start(
                self._lease(), name=f"lease a pod for {self._specialise.id.function_name}"
            )
        return None

    def started(self) -> None:
        """Learn that an environment has started, so that the next failure pauses briefly again."""
        self._backoff.reset()

    def refused(self, by: link.AgentLink, refused: messages.Refused) -> None:
        """Learn that a pod does not start an environment, or is not specialised."""
        if refused.reason in (messages.Refusal.FULL, messages.Refusal.DRAINING):
            by.has_room = False
        elif (permanent := _PERMANENT.get(refused.reason)) is not None:
            self._impossible(permanent(refused.message))
        else:
            self.pause(f"{refused.reason.value}: {refused.message}")

    def pause(self, why: str) -> None:
        """Try nothing for a while: longer each time, until something works."""
        if self._is_closed:
            return
        pause_s = self._backoff.next()
        logger.warning(
            "cannot start an environment; trying again",
            extra={
                "function": self._specialise.id.function_name,
                "pause_s": pause_s,
                "why": why,
            },
        )
        if self._resume is None:
            loop = asyncio.get_running_loop()
            self._resume = loop.call_later(pause_s, self._pause_over)

    def _pause_over(self) -> None:
        self._resume = None
        self._go_on()

    async def _lease(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = await self._supply.lease(self._specialise.runtime)
        except errors.ApiError as error:
            self.is_leasing = False
            self._impossible(error)
        except Exception as error:  # noqa: BLE001 - the one place where leasing fails and backs off
            self.is_leasing = False
            self.pause(repr(error))
        else:
            # Still leasing until the pod is specialised: no second one is wanted meanwhile.
            leased = link.AgentLink(connection, gone=self._environment_gone, closed=self._closed)
            self._links.append(leased)
            leased.open()
            leased.ask(self._specialise, b"", partial(self._specialised, leased))

    def _specialised(
        self, leased: link.AgentLink, header: messages.Header | None, _body: "Body"
    ) -> None:
        self.is_leasing = False
        if isinstance(header, messages.Specialised):
            leased.has_room = True
        else:
            if isinstance(header, messages.Refused):
                self.refused(leased, header)
            else:
                self.pause("the agent was lost while it was specialised")
            leased.close("not specialised")
        self._go_on()

    def _environment_gone(self, of: link.AgentLink, name: str) -> None:
        of.has_room = not of.is_closed
        self._gone(of, name)

    def _closed(self, of: link.AgentLink, reason: str) -> None:
        logger.debug("agent closed", extra={"why": reason})
        self._links = [each for each in self._links if each is not of]
        self._lost(of)

    def close(self) -> None:
        """End all pods of this version, and lease no more."""
        self._is_closed = True
        if self._resume is not None:
            self._resume.cancel()
        for each in list(self._links):
            each.close("the gateway needs this version no more")
