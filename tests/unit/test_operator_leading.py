"""Who leads, what conditions say, what is known of the cluster, and in which order work is done."""

import asyncio
from typing import Any

import pytest

from inglenook_operator.cluster.index import Index, Key
from inglenook_operator.cluster.work import WorkQueue
from inglenook_operator.reconcile import conditions, leadership
from inglenook_operator.reconcile.conditions import Condition

TERMS = leadership.Terms(duration_s=4.0, renew_deadline_s=3.0, retry_s=1.0)


@pytest.mark.parametrize(
    ("holder", "now", "expected"),
    [
        (None, 0.0, True),
        ("me", 0.0, True),
        ("other", 0.0, False),
        ("other", 3.9, False),
        ("other", 4.0, True),
    ],
)
def test_a_lease_is_taken_when_it_is_free_or_has_run_out(
    holder: str | None, now: float, expected: bool
) -> None:
    seen = leadership.observed(None, holder=holder, version="1", now=0.0)
    assert leadership.may_take(seen, me="me", terms=TERMS, now=now) is expected


def test_a_renewal_is_seen_and_gives_the_lease_its_time_again() -> None:
    seen = leadership.observed(None, holder="other", version="1", now=0.0)
    assert leadership.observed(seen, holder="other", version="1", now=3.0).changed_at == 0.0
    renewed = leadership.observed(seen, holder="other", version="2", now=3.0)
    assert not leadership.may_take(renewed, me="me", terms=TERMS, now=6.9)


def test_a_leader_gives_up_before_anybody_else_may_lead() -> None:
    # It measures from before its request; others from when they saw what it wrote.
    assert leadership.still_leads(0.0, terms=TERMS, now=2.9)
    assert not leadership.still_leads(0.0, terms=TERMS, now=3.0)
    assert leadership.Terms().renew_deadline_s < leadership.Terms().duration_s


def test_a_condition_keeps_the_time_of_its_last_transition() -> None:
    def said(status: bool | None, now: float, before: list[dict[str, Any]]) -> dict[str, Any]:
        one = Condition(type="Accepted", status=status, reason="R", message=f"at {now}")
        (found,) = conditions.merged(before, [one], generation=3, now=now)
        return found

    first = said(False, 0.0, [])
    again = said(False, 60.0, [first])
    assert again["lastTransitionTime"] == first["lastTransitionTime"] == "1970-01-01T00:00:00Z"
    assert (again["message"], again["observedGeneration"]) == ("at 60.0", 3)
    assert said(True, 120.0, [again])["lastTransitionTime"] == "1970-01-01T00:02:00Z"
    assert said(None, 0.0, [])["status"] == "Unknown"


def test_conditions_of_others_stay() -> None:
    theirs = {"type": "Warm", "status": "True"}
    found = conditions.merged(
        [theirs], [Condition(type="Ready", status=True, reason="R")], generation=None, now=0.0
    )
    assert found[0] == theirs
    assert [one["type"] for one in found] == ["Warm", "Ready"]


def thing(name: str, version: int, uid: str = "u") -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": uid, "resourceVersion": str(version)}}


def watched() -> tuple[Index, list[tuple[str, Any, Any]]]:
    seen: list[tuple[str, Any, Any]] = []

    def changed(key: Key, before: Any, after: Any) -> None:
        seen.append((key.name, version(before), version(after)))

    return Index(changed), seen


def version(body: Any) -> str | None:
    return None if body is None else str(body["metadata"]["resourceVersion"])


def test_the_newest_version_stays_whatever_comes_later() -> None:
    index, seen = watched()
    for one in (9, 10, 9, 10):
        index.put("pods", thing("a", one))
    assert seen == [("a", None, "9"), ("a", "9", "10")]


def test_what_is_deleted_does_not_come_back_but_another_of_its_name_does() -> None:
    index, seen = watched()
    index.put("pods", thing("a", 1))
    index.remove("pods", thing("a", 2))
    index.put("pods", thing("a", 3))
    assert index.get("pods", "a") is None
    index.put("pods", thing("a", 4, uid="v"))
    index.remove("pods", thing("a", 3))
    assert version(index.get("pods", "a")) == "4"
    assert len(seen) == 3


def test_a_listing_tells_how_much_of_it_nobody_had_told() -> None:
    index, _ = watched()
    for name, uid in (("same", "1"), ("changed", "2"), ("gone", "3")):
        index.put("pods", thing(name, 1, uid))
    known = index.all("pods")
    # While the answer was on its way.
    index.put("pods", thing("came since", 9, "4"))
    listing = [thing("same", 1, "1"), thing("changed", 5, "2"), thing("new", 6, "5")]
    assert index.lags("pods", listing, known)
    assert index.listed("pods", listing, known) == 3
    assert {one["metadata"]["name"] for one in index.all("pods")} == {
        *("same", "changed", "new", "came since")
    }
    assert index.listed("pods", listing, known) == 0


class Work:
    """Records turns; each waits until it is let go."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.results: asyncio.Queue[float | Exception | None] = asyncio.Queue()

    async def __call__(self, name: str) -> float | None:
        self.begun.put_nowait(name)
        result = await self.results.get()
        if isinstance(result, Exception):
            raise result
        return result


async def test_a_name_has_one_turn_at_a_time_and_one_for_all_that_was_added_meanwhile() -> None:
    work = Work()
    queue = WorkQueue(work)
    queue.add("a")
    assert await work.begun.get() == "a"
    queue.add("a")
    queue.add("a")
    queue.add("b")
    assert await work.begun.get() == "b"
    assert work.begun.empty()
    work.results.put_nowait(None)
    work.results.put_nowait(None)
    assert await work.begun.get() == "a"
    await queue.close()


async def test_a_turn_that_fails_comes_again(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    queue = WorkQueue(work, retry_s=0.01)
    queue.add("a")
    for result in (ValueError("a bug"), 0.01, None):
        assert await work.begun.get() == "a"
        work.results.put_nowait(result)
    await queue.close()
    assert [record.message for record in caplog.records if record.exc_info] == [
        "reconciliation failed and is tried again"
    ]


async def test_a_closed_queue_begins_nothing() -> None:
    work = Work()
    queue = WorkQueue(work)
    await queue.close()
    queue.add("a")
    queue.add("b", after_s=0.01)
    await asyncio.sleep(0)
    assert work.begun.empty()
