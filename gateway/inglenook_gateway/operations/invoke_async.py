"""InvokeAsync: the deprecated way to call for an asynchronous invocation.

As Invoke with the type `Event`, but the payload may be smaller, and trace headers are not passed
on.

Source: api/API_InvokeAsync.html.
"""

import random
from collections.abc import Sequence

from aiohttp import web

from inglenook.aio import clock
from inglenook.catalog import targets
from inglenook.model import account
from inglenook.telemetry import traces
from inglenook_gateway.operations import event_intake, invoke


class InvokeAsync:
    """Serve InvokeAsync for the functions in a catalog."""

    def __init__(
        self,
        *,
        aims: targets.Targets,
        intake: event_intake.EventIntake,
        owner: account.Account,
        time: clock.Clock,
        rng: random.Random,
    ) -> None:
        self._aims = aims
        self._intake = intake
        self._owner = owner
        self._clock = time
        self._rng = rng

    async def handle(
        self, request: web.BaseRequest, labels: Sequence[str], request_id: str
    ) -> web.StreamResponse:
        """Answer one request; `labels` holds the decoded function name of its path."""
        ref = self._owner.ref(labels[0])
        target, payload = await invoke.aim(self._aims, ref, request, "InvokeAsync")
        trace_id = traces.header(self._clock.now(), self._rng)
        await self._intake.accept(target, ref, payload, request_id, trace_id)
        return web.json_response({"Status": 202}, status=202)
