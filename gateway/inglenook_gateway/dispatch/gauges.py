"""What runs, waits and stands ready on this gateway at the moment of a scrape."""

from collections import Counter
from collections.abc import Iterator, Mapping

from inglenook.capacity import concurrency
from inglenook.telemetry import metrics
from inglenook.telemetry.tally import Sample
from inglenook.wire import messages
from inglenook_gateway.dispatch import fleet


def samples(
    fleets: Mapping[messages.VersionId, fleet.Fleet],
    ledger: concurrency.Ledger,
    account_limit: int,
) -> Iterator[Sample]:
    """Return the figures of everything that this gateway owns."""
    idle = {version.function_name: 0 for version in fleets}
    for name, executions in (idle | ledger.executions).items():
        yield metrics.CONCURRENT_EXECUTIONS, (name,), executions
    yield metrics.UNRESERVED_EXECUTIONS, (), ledger.unreserved_executions
    yield metrics.CONCURRENCY_LIMIT, (), account_limit
    environments: Counter[tuple[str, str, str]] = Counter()
    waiting: Counter[tuple[str, str]] = Counter()
    for version, each in fleets.items():
        # Former generations of a version are shown together with the current one.
        labels = (version.function_name, version.version)
        pool = each.pool
        busy = len(pool.busy)
        environments[*labels, "busy"] += busy
        environments[*labels, "idle"] += pool.size - busy
        environments[*labels, "starting"] += pool.starting
        waiting[labels] += len(pool.waiting)
        if wanted := pool.provisioned.target:
            at_work = sum(environment in pool.provisioned for environment in pool.busy)
            yield metrics.PROVISIONED_EXECUTIONS, labels, at_work
            yield metrics.PROVISIONED_UTILIZATION, labels, at_work / wanted
    yield from ((metrics.ENVIRONMENTS, labels, count) for labels, count in environments.items())
    yield from ((metrics.WAITING, labels, count) for labels, count in waiting.items())
