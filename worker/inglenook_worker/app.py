"""The worker, wired: how its parts fit, whatever its queue and whoever runs its functions."""

import random
from collections.abc import Callable
from contextlib import AsyncExitStack

from inglenook import settings
from inglenook.aio import clock
from inglenook.catalog import targets
from inglenook.catalog.catalog import Catalog
from inglenook.events import queue, retrying
from inglenook.model import account
from inglenook.routing import invocation
from inglenook.telemetry import tally
from inglenook_worker import catalogued, deliveries, destinations, invocations, worker


def made(  # noqa: PLR0913 - wiring
    *,
    events: queue.Queue,
    known: Catalog,
    aims: targets.Targets,
    runner: invocation.Runner,
    owner: account.Account,
    tuned: settings.Settings,
    time: clock.Clock,
    rng: random.Random,
    died: Callable[[str], None],
    seen: tally.Tally,
    stack: AsyncExitStack,
) -> worker.Worker:
    """Return a worker that has not been started; `stack` closes what it sends records with."""
    pace = retrying.Pace(scale=tuned.worker.time_scale)
    targets = destinations.Destinations(tuned.aws, owner.region)
    stack.callback(targets.close)
    return worker.Worker(
        events=events,
        invocations=invocations.Invocations(
            events=events,
            functions=catalogued.CataloguedFunctions(
                known=known, aims=aims, runner=runner, owner=owner, time=time, rng=rng
            ),
            pace=pace,
            time=time,
            rng=rng,
            seen=seen,
        ),
        deliveries=deliveries.Deliveries(
            events=events, to=targets, pace=pace, time=time, rng=rng, seen=seen
        ),
        options=tuned.worker,
        time=time,
        died=died,
        seen=seen,
    )
