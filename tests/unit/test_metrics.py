"""Names, labels and figures of the metrics."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, exposition, parser

from inglenook.aio import clock
from inglenook.telemetry import instruments, metrics, runs
from inglenook.telemetry.metric import Kind
from inglenook.telemetry.tally import Tally
from inglenook.wire import messages

ROOT = Path(__file__).resolve().parents[2]
UNBOUNDED = {"request_id", "trace_id", "environment", "url", "path", "client", "pod"}


def shown(tally: Tally) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What a scrape says, by name and labels."""
    registry = CollectorRegistry()
    registry.register(tally)
    text = exposition.generate_latest(registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(tally: Tally, name: str, **labels: str) -> float | None:
    return shown(tally).get((name, tuple(sorted(labels.items()))))


def version(name: str = "f", number: str = "$LATEST", generation: int = 1) -> messages.VersionId:
    return messages.VersionId(
        function_name=name, function_uid="u", version=number, generation=generation
    )


def result(duration_ms: float = 3.0, **members) -> messages.Result:
    return messages.Result(duration_ms=duration_ms, billed_ms=4, max_memory_mb=30, **members)


def test_every_metric_has_a_name_of_its_own():
    names = [name for metric in metrics.ALL for name in metric.series]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"inglenook_[a-z0-9_]+", name) for name in names)


def test_times_are_in_seconds_and_sizes_in_bytes():
    for metric in metrics.ALL:
        assert "_ms" not in metric.name
        assert "_mb" not in metric.name
        if metric.kind in (Kind.HISTOGRAM, Kind.SUMMARY):
            assert metric.name.endswith("_seconds")


def test_no_label_is_chosen_by_callers():
    assert not {label for metric in metrics.ALL for label in metric.labels} & UNBOUNDED


def test_every_metric_is_in_the_documentation():
    page = (ROOT / "docs" / "observability.md").read_text()
    missing = [each.name for each in metrics.ALL if f"`{min(each.series, key=len)}`" not in page]
    missing += [
        each.cloudwatch for each in metrics.ALL if each.cloudwatch and each.cloudwatch not in page
    ]
    assert missing == []


def test_nobody_else_names_a_metric():
    name = re.compile(r'"inglenook_(lambda|gateway|agent|queue|pool|cold|env)[a-z_]*"')
    others = [
        path.relative_to(ROOT)
        for folder in (
            "core",
            "cluster",
            "gateway",
            "worker",
            "operator",
            "local",
            "runtime-images",
        )
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "metrics.py"
        and (found := name.search(path.read_text()))
        and found[0].strip('"') not in {"inglenook_gateway", "inglenook_agent"}
    ]
    assert others == []


def test_an_invocation_counts_under_function_resource_and_version():
    tally = Tally()
    seen = runs.Runs(tally)
    of = {"function_name": "f", "resource": "f:live", "executed_version": "3"}
    run = seen.of(version(number="3"), "f:live", is_new=True)
    run.add(result())
    run.add(result(error="Runtime.ExitError", duration_ms=3000.0))
    assert value(tally, "inglenook_lambda_invocations_total", **of) == 2
    assert value(tally, "inglenook_lambda_errors_total", **of) == 1
    assert value(tally, "inglenook_lambda_duration_seconds_bucket", **of, le="0.005") == 1
    assert value(tally, "inglenook_lambda_duration_seconds_bucket", **of, le="10.0") == 2
    assert value(tally, "inglenook_lambda_duration_seconds_bucket", **of, le="+Inf") == 2
    assert value(tally, "inglenook_lambda_duration_seconds_count", **of) == 2
    assert value(tally, "inglenook_lambda_duration_seconds_sum", **of) == pytest.approx(3.003)
    assert value(tally, "inglenook_lambda_billed_duration_seconds_total", **of) == 0.008
    assert value(tally, "inglenook_lambda_max_memory_used_bytes", **of) == 30 * 1024 * 1024


def test_a_value_at_a_bound_belongs_to_its_bucket():
    tally = Tally()
    tally.observe(metrics.COLD_START_PHASE, 0.005, ("init",))
    name = "inglenook_cold_start_phase_seconds_bucket"
    assert value(tally, name, phase="init", le="0.005") == 1
    assert value(tally, name, phase="init", le="0.0025") == 0


def test_new_code_measures_its_memory_anew():
    tally = Tally()
    seen = runs.Runs(tally)
    seen.of(version(), "f", is_new=True).add(result())
    again = seen.of(version(generation=2), "f", is_new=True)
    assert again.max_memory_mb == 0
    again.add(result())
    of = {"function_name": "f", "resource": "f", "executed_version": "$LATEST"}
    assert value(tally, "inglenook_lambda_invocations_total", **of) == 2


def test_what_may_happen_is_shown_with_zeros_before_it_does():
    tally = Tally()
    seen = instruments.Instruments(tally=tally)
    watcher = seen.watcher(clock.SystemClock(), lambda: ["f"])
    of = {"function_name": "f", "resource": "f", "executed_version": "$LATEST"}
    assert value(tally, "inglenook_lambda_invocations_total", **of) == 0
    assert value(tally, "inglenook_platform_failures_total", function_name="f") == 0
    assert value(tally, "inglenook_init_duration_seconds_count", function_name="f") == 0
    assert value(tally, "inglenook_cold_start_phase_seconds_count", phase="wait") == 0
    watcher.failed("f")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
    watcher.watch(version(), is_traced=False).ran(arn, result())
    assert value(tally, "inglenook_lambda_invocations_total", **of) == 1
    assert value(tally, "inglenook_platform_failures_total", function_name="f") == 1


def test_a_function_that_is_gone_is_shown_once_more():
    tally = Tally()
    seen = runs.Runs(tally)
    seen.of(version(), "f", is_new=True).add(result())
    tally.count(metrics.THROTTLES, ("f", "f", "x"))
    tally.count(metrics.THROTTLES, ("g", "g", "x"))
    tally.observe(metrics.INIT_DURATION, 1.0, ("f",))
    seen.forget("f")
    tally.forget("f")
    assert {dict(labels)["function_name"] for _, labels in shown(tally)} == {"f", "g"}
    assert {dict(labels)["function_name"] for _, labels in shown(tally)} == {"g"}


def test_one_that_comes_back_stays():
    tally = Tally()
    seen = runs.Runs(tally)
    seen.of(version(), "f", is_new=True).add(result())
    seen.forget("f")
    seen.of(version(generation=2), "f", is_new=True).add(result())
    shown(tally)
    of = {"function_name": "f", "resource": "f", "executed_version": "$LATEST"}
    assert value(tally, "inglenook_lambda_invocations_total", **of) == 2


def test_what_can_be_asked_for_is_read_on_each_scrape():
    tally = Tally()
    now = {("f",): 1.0}
    tally.read(metrics.CONCURRENT_EXECUTIONS, lambda: now)
    assert value(tally, "inglenook_lambda_concurrent_executions", function_name="f") == 1
    now[("f",)] = 2.0
    assert value(tally, "inglenook_lambda_concurrent_executions", function_name="f") == 2


@pytest.mark.parametrize(
    ("arn", "resource"),
    [
        ("arn:aws:lambda:us-east-1:000000000000:function:f", "f"),
        ("arn:aws:lambda:us-east-1:000000000000:function:f:live", "f:live"),
        ("arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST", "f:$LATEST"),
    ],
)
def test_a_resource_is_what_was_asked_for(arn, resource):
    assert runs.resource(arn) == resource
