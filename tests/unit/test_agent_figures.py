"""The metrics of one agent."""

from inglenook.telemetry import agents, metrics
from inglenook.telemetry.tally import Tally
from inglenook.wire import messages


def samples(tally: Tally) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in tally.collect()
        for sample in family.samples
    }


def test_starts_and_invocations_count_by_how_they_went():
    tally = Tally()
    figures = agents.AgentFigures(tally)
    figures.answered(messages.Started(environment="e", init_ms=250.0))
    figures.answered(messages.Started(environment="e", init_ms=10.0, init_ok=False))
    figures.answered(messages.Result(billed_ms=1500, max_memory_mb=40))
    figures.answered(messages.Result(billed_ms=500, max_memory_mb=30, error="ValueError"))
    figures.answered(messages.Gone(environment="e"))
    found = samples(tally)
    name = metrics.AGENT_INIT.name
    assert found[f"{name}_sum", ("ok",)] == 0.25
    assert found[f"{name}_count", ("error",)] == 1
    assert found[f"{metrics.AGENT_INVOCATIONS.name}_total", ("ok",)] == 1
    assert found[f"{metrics.AGENT_INVOCATIONS.name}_total", ("error",)] == 1
    assert found[f"{metrics.AGENT_BILLED.name}_total", ()] == 2
    assert found[metrics.AGENT_MAX_MEMORY.name, ()] == 40 * 1024 * 1024
