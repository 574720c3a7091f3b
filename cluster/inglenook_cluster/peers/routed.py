"""An event on its way to whoever owns its function."""

import asyncio
import dataclasses

from inglenook import errors
from inglenook.catalog.catalog import Catalog
from inglenook.model import function
from inglenook.routing import invocation
from inglenook.wire import messages
from inglenook.wire.connection import Body
from inglenook_cluster.peers import links, words


@dataclasses.dataclass(slots=True)
class Routed:
    """One event, and who waits for its outcome."""

    version: messages.VersionId
    spec: function.Spec
    event: invocation.Event
    until: float
    """On the monotonic clock: when waiting for somebody who takes it ends."""
    outcome: "asyncio.Future[invocation.Outcome]"

    def succeed(self, outcome: invocation.Outcome) -> None:
        """Tell who waits, if anybody does and has not been told."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def fail(self, error: Exception) -> None:
        """Do the same with an error."""
        if not self.outcome.done():
            self.outcome.set_exception(error)

    def aim_anew(self, known: Catalog) -> None:
        """Learn what is meant by now: what was meant may have changed, and the owner knows it.

        Raises ResourceNotFoundError.
        """
        version = self.version
        target = known.target(version.function_name, version.version)
        if target is None or target.id.function_uid != version.function_uid:
            raise errors.ResourceNotFoundError(f"Function not found: {self.event.arn}")
        self.version, self.spec = target.id, target.spec

    async def ask(self, link: links.Link) -> tuple[messages.Header | None, Body]:
        """Give it to an owner, and wait for the answer."""
        answer: asyncio.Future[tuple[messages.Header | None, Body]] = (
            asyncio.get_running_loop().create_future()
        )

        def answered(header: messages.Header | None, body: Body) -> None:
            if not answer.done():
                answer.set_result((header, body))

        link.ask(
            words.forward(self.version, self.event),
            self.event.payload,
            answered,
            self.event.on_chunk,
        )
        return await answer

    def settle(self, header: messages.Header | None, body: Body) -> bool:
        """Take an owner's answer; return False if it has begun nothing."""
        match header:
            case messages.Result():
                self.succeed(invocation.Outcome(header, body))
            case messages.Failed():
                self.fail(words.error(header))
            case messages.Refused():
                return False
            case _:
                self.fail(
                    errors.ServiceError("The gateway that ran the function was lost meanwhile.")
                )
        return True
