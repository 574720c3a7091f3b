"""The environments of one version that change hands: adopted from one gateway, left to another.

What was adopted and still runs something for the former owner counts here until it is done. What
is left stays where it is, for the new owner to adopt; who waits for an environment is handed back.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from inglenook.aio import clock
from inglenook.capacity import environments
from inglenook.wire import messages
from inglenook_gateway.dispatch import elsewhere, invocation, leases, link, pods, running
from inglenook_gateway.dispatch.environment import Environment

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

HandBack = Callable[[invocation.Invocation], None]


class Succession:
    """What one fleet takes over, and gives up."""

    def __init__(
        self,
        version: messages.VersionId,
        pool: environments.Environments[invocation.Invocation, Environment],
        *,
        pods_of: leases.Leases,
        runs: running.Running,
        counted: elsewhere.Elsewhere,
        time: clock.Clock,
        silence_s: float,
    ) -> None:
        """`silence_s` is how long what was adopted busy may take."""
        self._version = version
        self._pool = pool
        self._leases = pods_of
        self._running = runs
        self._elsewhere = counted
        self._clock = time
        self._silence_s = silence_s
        self.hand_back: HandBack | None = None
        """To whom invocations go that find no environment, once the fleet has left."""

    def adopt(self, pod: pods.Pod) -> asyncio.Future[bool]:
        """Take over a pod that runs this version; the future tells whether its agent agreed."""
        adopted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        taken = self._leases.adopt(pod)

        def answered(header: messages.Header | None, _body: "Body") -> None:
            # Here and not in who waits for it: `Freed` may be right behind.
            if isinstance(header, messages.Adopted):
                self._adopted(taken, header.environments, header.busy)
            else:
                taken.let_go("not adopted")
            if not adopted.done():
                adopted.set_result(isinstance(header, messages.Adopted))

        taken.ask(messages.Adopt(id=self._version), b"", answered)
        return adopted

    def _adopted(self, taken: link.AgentLink, names: Sequence[str], busy: Sequence[str]) -> None:
        taken.takes_starts = True
        taken.held = len(names)
        self._leases.adopted(taken, has_started=len(names) > len(busy))
        now = self._clock.monotonic()
        for environment in [Environment(taken, name) for name in names]:
            if environment.name in busy:
                self._pool.adopt_busy(environment)
                self._elsewhere.hold(environment, now + self._silence_s)
            else:
                self._running.go_on_with(environment, self._pool.adopt(environment, now))

    def freed(self, environment: Environment) -> None:
        """Learn that an environment has done what it ran for a former owner."""
        self._elsewhere.release(environment)
        self._running.rested(environment)

    def give_up_overdue(self, now: float) -> None:
        """End the pods of adopted environments that must have been done long ago."""
        for environment in self._elsewhere.overdue(now):
            environment.link.end("silent past the function's timeout")

    def leave(self, hand_back: HandBack) -> None:
        """Give the function to another gateway: who waits is handed back, now or as it comes to it.

        What runs is answered here, and counts until then. To be called once.
        """
        self.hand_back = hand_back
        self._leases.stop()
        for invoked in self._pool.waiting:
            self._pool.abandon(invoked)
            hand_back(invoked)
        self.let_go()

    def let_go(self) -> None:
        """Leave what runs nothing to the new owner."""
        self._elsewhere.release_all()
        self._pool.let_go()
        at_work = {environment.link for environment in self._pool.busy}
        for each in self._leases.links:
            if each not in at_work:
                each.let_go("another gateway owns the function")
