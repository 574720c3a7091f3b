import dataclasses
import json

import pytest

from inglenook.wire import messages
from inglenook_cluster import labels
from inglenook_gateway.cluster import demand, labelling, pod_objects, podmap, turns
from inglenook_gateway.dispatch import pods

POOL = "python3.11"


def seen(name: str, **changes: object) -> podmap.Seen:
    pod = podmap.Seen(name=name, uid=f"uid-{name}", pool=POOL, address="10.0.0.1")
    return dataclasses.replace(pod, **changes)  # type: ignore[arg-type]


def filled(gateway: str, count: int) -> podmap.PodMap:
    pods_known = podmap.PodMap(gateway)
    for n in range(count):
        pods_known.put(seen(f"p{n}"))
    return pods_known


def names(found: list[podmap.Seen]) -> list[str]:
    return [each.name for each in found]


def test_gateways_prefer_free_pods_in_orders_of_their_own() -> None:
    one, two = filled("gateway-1", 20), filled("gateway-2", 20)
    assert sorted(names(one.free(POOL))) == sorted(names(two.free(POOL)))
    assert names(one.free(POOL)) == names(filled("gateway-1", 20).free(POOL))
    assert not set(names(one.free(POOL))[:3]) & set(names(two.free(POOL))[:3])


@pytest.mark.parametrize(
    "change",
    [
        {"is_ready": False},
        {"is_pooled": False},
        {"is_ending": True},
        {"address": None},
    ],
)
def test_what_cannot_be_used_is_not_free(change: dict[str, object]) -> None:
    pods_known = filled("g", 1)
    assert pods_known.is_free("p0")
    pods_known.put(seen("p0", **change))
    assert pods_known.free(POOL) == []
    assert not pods_known.is_free("p0")


def test_a_pod_whose_agent_says_that_it_has_started_is_free_before_the_watch_says_so() -> None:
    pods_known = podmap.PodMap("g")
    pods_known.put(seen("p0", is_ready=False))
    assert (names(pods_known.free(POOL)), names(pods_known.coming(POOL))) == ([], ["p0"])
    pods_known.start("p0")
    pods_known.put(seen("p0", is_ready=False))
    assert (names(pods_known.free(POOL)), names(pods_known.coming(POOL))) == (["p0"], [])
    assert (pods_known.is_free("p0"), pods_known.is_coming("p0")) == (True, False)
    pods_known.put(seen("p0"))
    pods_known.put(seen("p0", is_ready=False))
    assert names(pods_known.coming(POOL)) == ["p0"]


@pytest.mark.parametrize("change", [{"is_pooled": False}, {"is_ending": True}])
def test_a_pod_that_has_started_and_is_not_to_be_had_any_more_is_not_free(
    change: dict[str, object],
) -> None:
    pods_known = podmap.PodMap("g")
    pods_known.put(seen("p0", is_ready=False))
    pods_known.start("p0")
    pods_known.put(seen("p0", is_ready=False, **change))
    assert (pods_known.free(POOL), pods_known.coming(POOL)) == ([], [])
    pods_known.drop("p0", "uid-p0")
    pods_known.put(seen("p0", is_ready=False))
    assert names(pods_known.coming(POOL)) == ["p0"]


def test_a_pod_that_was_taken_stays_taken_whatever_its_labels_say_yet() -> None:
    pods_known = filled("g", 2)
    pods_known.take("p0")
    pods_known.put(seen("p0"))
    assert names(pods_known.free(POOL)) == ["p1"]
    pods_known.give_back("p0")
    assert pods_known.free_count(POOL) == 2


def test_a_pod_that_is_not_reached_is_tried_again_but_not_one_that_was_taken() -> None:
    pods_known = filled("g", 2)
    pods_known.miss("p0")
    pods_known.take("p1")
    pods_known.miss("p1")
    assert pods_known.free(POOL) == []
    pods_known.retry("p0")
    pods_known.retry("p1")
    assert names(pods_known.free(POOL)) == ["p0"]


def test_another_pod_of_the_same_name_is_another() -> None:
    pods_known = filled("g", 1)
    pods_known.take("p0")
    pods_known.put(seen("p0", uid="another"))
    assert pods_known.is_free("p0")
    pods_known.drop("p0", "uid-p0")
    assert pods_known.is_free("p0")
    pods_known.drop("p0", "another")
    assert not pods_known.has_any(POOL)


def test_a_list_forgets_what_is_gone() -> None:
    pods_known = filled("g", 3)
    pods_known.replace([seen("p1"), seen("p7")])
    assert sorted(names(pods_known.free(POOL))) == ["p1", "p7"]


def test_pods_of_a_function_are_known_by_labels_or_by_what_their_agents_say() -> None:
    pods_known = filled("g", 3)
    pods_known.put(seen("p0", is_pooled=False, function="f"))
    pods_known.runs("p1", "f")
    assert sorted(names(pods_known.of("f"))) == ["p0", "p1"]
    assert names(pods_known.doubtful()) == ["p2"]
    assert names(pods_known.free(POOL)) == ["p2"]


def pod_object(name: str, phase: str = "Running", **meta: object) -> dict[str, object]:
    return {
        "metadata": {
            "name": name, "uid": f"uid-{name}", "resourceVersion": "7",
            "labels": {labels.POOL: POOL, labels.STATE: labels.POOLED},
            "ownerReferences": [{"of": "no interest"}], **meta,
        },
        "spec": {"containers": []},
        "status": {
            "phase": phase, "podIP": "10.0.0.9",
            "conditions": [{"type": "Ready", "status": "True", "reason": "x"}],
        },
    }  # fmt: skip


def line(kind: str, pod: dict[str, object]) -> bytes:
    return json.dumps({"type": kind, "object": pod}).encode()


def test_pods_are_read_from_lists_and_events() -> None:
    pods_known = podmap.PodMap("g")
    reader = pod_objects.Reader(pods_known)
    listed = {
        "metadata": {"resourceVersion": "5"},
        "items": [pod_object("a"), pod_object("ended", phase="Succeeded")],
    }
    reader.replace(json.dumps(listed).encode())
    assert reader.resume_from == "5"
    assert pods_known.free(POOL) == [seen("a", address="10.0.0.9")]
    reader.apply(line("ADDED", pod_object("b", deletionTimestamp="2026-01-01T00:00:00Z")))
    assert reader.resume_from == "7"
    assert not pods_known.is_free("b")
    reader.apply(
        line("MODIFIED", pod_object("a", labels={}, annotations={labels.FUNCTION_NAME: "f"}))
    )
    assert names(pods_known.of("f")) == ["a"]
    reader.apply(line("MODIFIED", pod_object("a", phase="Failed")))
    assert pods_known.of("f") == []
    reader.apply(line("BOOKMARK", {"metadata": {"resourceVersion": "9"}}))
    assert reader.resume_from == "9"
    with pytest.raises(pod_objects.GoneError):
        reader.apply(line("ERROR", {"code": 410}))


@pytest.mark.parametrize(
    ("message", "lacking"),
    [
        ("0/2 nodes are available: 2 Too many pods. preemption: not helpful.", 1),
        ("0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.", 1),
        ("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.", 0),
    ],
)
def test_pods_that_wait_for_room_are_counted_and_no_others(message: str, lacking: int) -> None:
    pods_known = podmap.PodMap("g")
    reader = pod_objects.Reader(pods_known)
    waits = pod_object("a", phase="Pending")
    unscheduled = {"type": "PodScheduled", "status": "False", "message": message}
    waits["status"] = {"phase": "Pending", "conditions": [unscheduled]}
    reader.apply(line("ADDED", waits))
    reader.apply(line("ADDED", pod_object("b")))
    assert pods_known.lacking() == lacking
    reader.apply(line("MODIFIED", pod_object("a")))
    assert pods_known.lacking() == 0


def test_labels_hold_what_they_can_and_annotations_the_truth() -> None:
    wanted = pods.Wanted(
        version=messages.VersionId(
            function_name="My_Function", function_uid="u", version="$LATEST", generation=1
        ),
        runtime=POOL, memory_mb=256, environments_max=2,
    )  # fmt: skip
    assert labelling.patch(wanted, "my-function." + "x" * 80) == {
        "metadata": {
            "labels": {
                labels.STATE: "specialised",
                labels.FUNCTION: "my-function." + "x" * 51,
                labels.VERSION: "LATEST",
            },
            "annotations": {
                labels.FUNCTION_NAME: "My_Function",
                labels.MEMORY_MB: "256",
                labels.ENVIRONMENTS_MAX: "2",
            },
        }
    }


def test_turns_are_taken_in_order_and_those_ahead_of_demand_come_last() -> None:
    queue = turns.Turns()
    ahead = queue.new(POOL, is_ahead=True)
    first, second = (queue.new(POOL, is_ahead=False) for _ in range(2))
    for each in (ahead, second, first, first):
        queue.join(each)
    assert queue.waiting() == {POOL: 3}
    assert [queue.before(each) for each in (first, second, ahead)] == [0, 1, 2]
    queue.wake(POOL, 2)
    assert [each.news.is_set() for each in (first, second, ahead)] == [True, True, False]
    queue.leave(first)
    queue.leave(first)
    assert queue.before(ahead) == 1
    queue.leave(second)
    queue.leave(ahead)
    assert queue.waiting() == {}


def test_demand_is_told_when_it_changes_and_again_while_it_lasts() -> None:
    pool = demand.Demand()
    assert pool.news({}, 0.0) == {}
    assert pool.news({POOL: 3}, 0.0) == {POOL: (3, 0)}
    pool.said(POOL, (3, 0), 0.0)
    assert pool.news({POOL: 3}, 5.0) == {}
    assert pool.news({POOL: 3}, 10.0) == {POOL: (3, 0)}
    pool.leased(POOL, 11.0)
    assert pool.news({}, 11.0) == {POOL: (0, 1)}
    pool.said(POOL, (0, 1), 11.0)
    assert pool.news({}, 70.0) == {}
    assert pool.news({}, 71.0) == {POOL: (0, 0)}
    pool.said(POOL, (0, 0), 71.0)
    assert pool.news({}, 99.0) == {}
