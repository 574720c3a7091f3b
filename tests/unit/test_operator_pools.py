"""What the operator decides about pools of pods: how many, which go, and how fast."""

import dataclasses

import pytest

from inglenook_operator.reconcile import demand, pace, pools
from inglenook_operator.reconcile.pods import Pod, State, Trouble
from inglenook_operator.resources.runtime import Pool

NOW = 1_000_000.0
TEMPLATE = "current"


def pod(name: str, **changes: object) -> Pod:
    ready = Pod(
        name=name,
        uid=f"uid-{name}",
        resource_version="1",
        pool="python3.11",
        state=State.POOLED,
        template=TEMPLATE,
        created=NOW - 100,
        is_ready=True,
        has_ended=False,
        has_failed=False,
        leaving_since=None,
        node="node0",
        function=None,
        function_name=None,
        memory_mb=None,
        environments_max=1,
        trouble=None,
    )
    return dataclasses.replace(ready, **changes)  # type: ignore[arg-type]


def planned(
    *pods: Pod,
    target: int = 2,
    keep: int = 0,
    at_once: int = 16,
    since: dict[str, float] | None = None,
    failures: pools.Failures | None = None,
) -> pools.Plan:
    return pools.plan(
        pods,
        aim=pools.Aim(target=target, keep=keep, at_once=at_once),
        template=TEMPLATE,
        retiring_since=since or {},
        failures=failures or pools.Failures(),
        now=NOW,
    )


def names(pods: tuple[Pod, ...]) -> list[str]:
    return [one.name for one in pods]


def test_an_empty_pool_is_filled() -> None:
    assert planned().create == 2


def test_pods_that_start_count_as_filling_the_pool() -> None:
    assert planned(pod("a"), pod("b", is_ready=False)) == pools.Plan()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": State.SPECIALISED},
        {"state": State.RETIRING},
        {"leaving_since": NOW},
        {"has_ended": True},
    ],
)
def test_pods_that_nobody_can_take_are_replaced(changes: dict[str, object]) -> None:
    assert planned(pod("a"), pod("b", **changes)).create == 1


def test_a_large_gap_is_filled_in_steps() -> None:
    plan = planned(target=40)
    assert 0 < plan.create < 40
    assert plan.again_s is not None


def test_pods_that_have_ended_are_deleted() -> None:
    plan = planned(pod("a"), pod("b"), pod("c", has_ended=True))
    assert names(plan.delete) == ["c"]
    assert plan.create == 0


def test_a_specialised_pod_is_deleted_only_once_it_has_ended() -> None:
    running = pod("a", state=State.SPECIALISED)
    ended = pod("b", state=State.SPECIALISED, has_ended=True)
    assert names(planned(running, ended, target=0).delete) == ["b"]


def test_of_too_many_pods_the_youngest_retire() -> None:
    plan = planned(pod("old"), pod("young", created=NOW), pod("older", created=NOW - 500))
    assert names(plan.retire) == ["young"]
    assert plan.delete == ()


def test_of_too_many_pods_those_that_are_not_ready_go_first() -> None:
    plan = planned(pod("a"), pod("b"), pod("c", is_ready=False, created=NOW - 500))
    assert names(plan.retire) == ["c"]
    assert plan.delete == ()
    nowhere = pod("c", is_ready=False, has_address=False)
    plan = planned(pod("a"), pod("b"), nowhere)
    assert names(plan.delete) == ["c"]
    assert plan.retire == ()


def test_a_retiring_pod_is_left_alone_until_every_gateway_has_heard() -> None:
    retiring = pod("c", state=State.RETIRING)
    plan = planned(pod("a"), pod("b"), retiring, since={"uid-c": NOW - 1})
    assert plan.delete == ()
    assert plan.again_s == pytest.approx(pools.RETIRE_S - 1)


def test_a_pod_that_has_retired_untaken_is_deleted() -> None:
    retiring = pod("c", state=State.RETIRING)
    plan = planned(pod("a"), pod("b"), retiring, since={"uid-c": NOW - pools.RETIRE_S})
    assert names(plan.delete) == ["c"]


def test_pods_of_an_old_template_stay_until_new_ones_are_ready() -> None:
    old = [pod("a", template="old"), pod("b", template="old", created=NOW - 50)]
    assert planned(*old) == pools.Plan(create=2)
    half = planned(*old, pod("c"), pod("d", is_ready=False))
    assert names(half.retire) == ["a"]
    assert half.create == 0


def test_pods_of_an_old_template_that_are_not_ready_go_at_once() -> None:
    plan = planned(pod("a", template="old", is_ready=False))
    assert names(plan.retire) == ["a"]
    assert plan.create == 2


def test_a_pool_that_is_not_wanted_any_more_is_emptied() -> None:
    plan = planned(pod("a"), pod("b", template="old"), target=0)
    assert sorted(names(plan.retire)) == ["a", "b"]
    assert plan.create == 0


def test_pods_that_end_by_themselves_are_replaced_more_and_more_slowly() -> None:
    waits = [pools.Failures(count=count, last=NOW).wait_s(NOW) for count in range(12)]
    assert waits[:3] == [0, 0, 0]
    assert waits[3:6] == [5, 10, 20]
    assert waits == sorted(waits)
    assert max(waits) == 300


def test_while_pods_fail_one_is_tried_at_a_time() -> None:
    failures = pools.Failures(count=5, last=NOW - 1)
    assert planned(failures=failures).create == 0
    assert planned(failures=failures).again_s == pytest.approx(19)
    assert planned(failures=pools.Failures(count=5, last=NOW - 20)).create == 1


def test_counts_are_of_live_pods() -> None:
    found = pools.counts(
        [
            pod("a"),
            pod("b", is_ready=False),
            pod("c", state=State.SPECIALISED),
            pod("d", state=State.SPECIALISED, has_ended=True),
            pod("e", leaving_since=NOW),
        ]
    )
    assert found == pools.Counts(pooled=1, starting=1, specialised=1)


def test_the_trouble_of_the_youngest_pod_of_the_template_is_told() -> None:
    troubles = [
        pod("a", is_ready=False, trouble=Trouble(reason="Old", message="")),
        pod("b", is_ready=False, created=NOW, trouble=Trouble(reason="New", message="")),
        pod("c", is_ready=False, template="old", trouble=Trouble(reason="No", message="")),
    ]
    found = pools.trouble(troubles, TEMPLATE, NOW)
    assert found is not None
    assert found.reason == "New"


def test_a_pod_that_is_stuck_for_no_known_reason_is_told_after_a_while() -> None:
    assert pools.trouble([pod("a", is_ready=False, created=NOW - 30)], TEMPLATE, NOW) is None
    found = pools.trouble([pod("a", is_ready=False, created=NOW - 90)], TEMPLATE, NOW)
    assert found is not None
    assert found.reason == "PodsStuck"


SIZE = Pool(min=2, max=10)


def test_without_demand_a_pool_has_its_least() -> None:
    assert demand.Demand().target(SIZE, waiting=0, now=NOW) == 2


def test_waiting_invocations_and_bursts_of_leases_make_a_pool_larger() -> None:
    one = demand.Demand()
    assert one.target(SIZE, waiting=3, now=NOW) == 3
    for _ in range(6):
        one.leased(NOW)
    assert one.target(SIZE, waiting=0, now=NOW) == 5
    assert one.target(SIZE, waiting=3, now=NOW) == 5


def test_a_pool_keeps_to_its_bounds_but_makes_one_for_who_waits() -> None:
    one = demand.Demand()
    for _ in range(100):
        one.leased(NOW)
    assert one.target(SIZE, waiting=0, now=NOW) == SIZE.max
    assert one.target(SIZE, waiting=30, now=NOW) == SIZE.max
    assert one.keep(SIZE, NOW) == SIZE.max
    assert demand.Demand().target(Pool(min=0, max=0), waiting=3, now=NOW) == 1
    assert demand.Demand().target(Pool(min=0, max=0), waiting=0, now=NOW) == 0


def test_leases_that_come_one_by_one_ask_for_little() -> None:
    one = demand.Demand()
    for second in range(0, 110, 11):
        one.leased(NOW + second)
    assert one.target(SIZE, waiting=0, now=NOW + 110) == 3


def test_leases_are_forgotten() -> None:
    one = demand.Demand()
    one.leased(NOW)
    assert one.target(SIZE, waiting=0, now=NOW + 121) == 2
    assert one.recent(NOW + 121) == 0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, 0),
        ({}, 0),
        ({"a": {"waiting": 3, "at": NOW}, "b": {"waiting": 2, "at": NOW - 5}}, 5),
        ({"a": {"waiting": 3, "at": NOW - 60}}, 0),
        ({"a": {"waiting": 3, "at": NOW, "pool": "python3.11--gvisor"}}, 0),
        ({"a": {"waiting": 3, "at": NOW, "pool": "python3.11"}}, 3),
        ({"a": {"waiting": "many"}, "b": 7}, 0),
    ],
)
def test_only_what_gateways_said_lately_of_the_pool_counts(said: object, expected: int) -> None:
    assert demand.waiting(said, NOW, pool="python3.11") == expected


def test_pods_that_a_former_leader_retired_are_deleted_in_their_time() -> None:
    retiring = pod("a", state=State.RETIRING)
    since = pools.unheard([retiring, pod("b")], {}, NOW)
    assert since == {retiring.uid: NOW}
    assert pools.unheard([retiring], since, NOW + 1) == {}
    later = pools.plan(
        [retiring],
        aim=pools.Aim(target=0, keep=0, at_once=4),
        template=TEMPLATE,
        retiring_since=since,
        failures=pools.Failures(),
        now=NOW + 60,
    )
    assert names(later.delete) == ["a"]


def test_no_more_pods_start_at_once_than_the_pace_allows() -> None:
    starting = [pod(f"s{n}", is_ready=False, created=NOW) for n in range(3)]
    assert planned(*starting, target=10, at_once=4).create == 1
    plan = planned(*starting, pod("s3", is_ready=False, created=NOW), target=10, at_once=4)
    assert (plan.create, plan.again_s) == (0, 1.0)


@pytest.mark.parametrize("changes", [{"created": NOW - 100}, {"is_cut_off": True}])
def test_pods_that_are_stuck_or_cut_off_hold_nobody_up(changes: dict[str, object]) -> None:
    stuck = [pod(f"s{n}", is_ready=False, **{"created": NOW, **changes}) for n in range(4)]
    assert planned(*stuck, target=10, at_once=4).create == 4


def test_the_pace_grows_with_what_becomes_ready_and_is_forgotten() -> None:
    one = pace.Pace()
    assert one.at_once(NOW) == pace.AT_FIRST
    for _ in range(4):
        one.became_ready(NOW)
    assert one.at_once(NOW) == 2 * pace.AT_FIRST
    for _ in range(100):
        one.became_ready(NOW + 1)
    assert one.at_once(NOW + 1) == 32
    assert one.at_once(NOW + 60) == pace.AT_FIRST


def test_pods_that_were_asked_for_a_moment_ago_are_kept() -> None:
    members = [pod("a"), pod("b"), pod("c", is_ready=False)]
    assert planned(*members, keep=3) == pools.Plan()
    assert names(planned(*members, keep=2).retire) == ["c"]
    assert planned(pod("a"), target=1, keep=3).create == 0


def test_the_largest_target_of_late_is_kept_within_the_bounds_of_now() -> None:
    one = demand.Demand()
    assert one.target(SIZE, waiting=8, now=NOW) == 8
    assert one.target(SIZE, waiting=3, now=NOW + 10) == 3
    assert one.target(SIZE, waiting=0, now=NOW + 20) == 2
    assert one.keep(SIZE, NOW + 20) == 8
    assert one.keep(Pool(min=2, max=5), NOW + 20) == 5
    assert one.keep(SIZE, NOW + 30) == 3
    assert one.keep(SIZE, NOW + 40) == 2
    assert one.keep(SIZE, NOW + 500) == 2
