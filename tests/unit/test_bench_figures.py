"""What the benchmarks make of single measurements."""

import threading

import pytest

from measuring import figures, pods
from measuring.figures import Answer, Place

GATEWAY = """# TYPE inglenook_cold_start_phase_seconds histogram
inglenook_cold_start_phase_seconds_bucket{{le="+Inf",phase="lease"}} {count}
inglenook_cold_start_phase_seconds_count{{phase="lease"}} {count}
inglenook_cold_start_phase_seconds_sum{{phase="lease"}} {total}
"""


def test_quantiles_are_of_the_ordered_values() -> None:
    found = figures.quantiles(float(n) for n in reversed(range(1, 101)))
    assert found == {"n": 100, "p50_ms": 50.5, "p99_ms": 100.0, "max_ms": 100.0}


def test_of_nothing_there_is_only_the_count() -> None:
    assert figures.quantiles([]) == {"n": 0}


def test_calls_that_failed_are_counted_and_not_among_the_times() -> None:
    answers = [Answer(took_ms=2.0), Answer(took_ms=9000.0, failure="500 ServiceException")]
    assert figures.of_answers(answers) == {
        "n": 1,
        "p50_ms": 2.0,
        "p99_ms": 2.0,
        "max_ms": 2.0,
        "failed": 1,
        "failed: 500 ServiceException": 1,
    }


@pytest.mark.parametrize(
    ("pod", "environment", "expected"),
    [
        ("a", "1", Place.WARM),
        ("a", "3", Place.SAME_POD),
        ("b", "3", Place.OTHER_POD),
    ],
)
def test_an_answer_tells_where_its_call_ran(pod: str, environment: str, expected: Place) -> None:
    before = [{"pod": "a", "environment": "1"}, {"pod": "a", "environment": "2"}]
    assert figures.place(before, {"pod": pod, "environment": environment}) is expected


def test_the_first_call_of_all_runs_in_another_pod() -> None:
    assert figures.place([], {"pod": "a", "environment": "1"}) is Place.OTHER_POD


def test_a_phase_is_what_all_gateways_have_added_meanwhile() -> None:
    before = [GATEWAY.format(count=10.0, total=5.0), GATEWAY.format(count=0.0, total=0.0)]
    after = [GATEWAY.format(count=12.0, total=5.25), GATEWAY.format(count=2.0, total=0.15)]
    assert figures.phases(before, after) == {"lease_mean_ms": pytest.approx(100.0)}


def test_a_phase_that_nobody_has_gone_through_is_left_out() -> None:
    page = [GATEWAY.format(count=10.0, total=5.0)]
    assert figures.phases(page, page) == {}


def summary(*, cpu_ns: int, resident: int) -> dict[str, object]:
    read = {
        "name": "gateway",
        "cpu": {"time": "2026-11-21T20:42:06Z", "usageCoreNanoSeconds": cpu_ns},
        "memory": {"workingSetBytes": 2 * resident, "rssBytes": resident},
    }
    pod = {"podRef": {"namespace": "inglenook", "name": "gateway-1"}}
    return {"pods": [{**pod, "containers": [read, {"name": "just-begun"}]}]}


def test_what_a_container_takes_is_read_of_the_kubelets_summary() -> None:
    [(key, use)] = figures.uses([summary(cpu_ns=5, resident=7)]).items()
    assert key == ("inglenook", "gateway-1", "gateway")
    assert (use.cpu_ns, use.resident, use.working_set) == (5, 7, 14)


def test_what_a_part_takes_is_each_containers_on_average() -> None:
    def use(cpu_ns: int, resident: int) -> figures.Use:
        [found] = figures.uses([summary(cpu_ns=cpu_ns, resident=resident)]).values()
        return found

    mib = figures.MIB
    taken = [
        (use(0, 0), use(30_000_000, 10 * mib), 30.0),
        (use(0, 0), use(90_000_000, 30 * mib), 30.0),
    ]
    assert figures.of_uses(taken) == {
        "n": 2,
        "resident_mib": 20.0,
        "working_set_mib": 40.0,
        "cpu_millicores": pytest.approx(2.0),
    }


def event(what: str, name: str, state: str, *, function: str = "", ready: str = "True") -> str:
    return f"{what}|{name}|python3.11|{state}|{function}|{ready}|\n"


def test_a_pool_is_filled_when_all_that_are_to_wait_are_ready() -> None:
    watched = pods.Pods()

    def holds(least: int) -> bool:
        try:
            watched.until("full", lambda now: pods.is_filled(now, "python3.11", least), seconds=0)
        except TimeoutError:
            return False
        return True

    watched.read_all(iter([event("ADDED", "a", "pooled"), event("ADDED", "b", "pooled")]))
    assert holds(2)
    assert not holds(3)
    watched.read_all(iter([event("ADDED", "c", "pooled", ready="")]))
    assert not holds(2)
    watched.read_all(iter([event("DELETED", "c", "pooled")]))
    assert holds(2)
    watched.read_all(iter([event("MODIFIED", "a", "specialised", function="f")]))
    assert not holds(2)


def test_who_waits_for_a_pod_hears_of_it() -> None:
    watched = pods.Pods()
    waiting = threading.Thread(target=watched.until_taken, args=("f",), kwargs={"seconds": 30})
    waiting.start()
    watched.read_all(iter([event("MODIFIED", "a", "specialised", function="f")]))
    waiting.join(30)
    assert not waiting.is_alive()
    watched.read_all(iter([event("DELETED", "a", "specialised", function="f")]))
    watched.until_left("f", seconds=0)


def test_waiting_ends_with_the_watch() -> None:
    watched = pods.Pods()
    watched.read_all(iter([]))
    with pytest.raises(TimeoutError, match="f has a pod"):
        watched.until_taken("f", seconds=30)
