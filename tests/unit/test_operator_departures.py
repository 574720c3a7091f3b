"""Pods whose node is gone, and those whose node is not."""

from typing import Any

import pytest

from inglenook_operator.reconcile import conditions, departures, pods
from inglenook_operator.reconcile.departures import Departure, Node
from inglenook_operator.reconcile.pods import Pod

NOW = conditions.timestamp("2026-11-21T12:00:00Z")


def pod(
    *,
    left_s: float | None = None,
    grace_s: int = 930,
    ready: str = "True",
    containers: str = "True",
    phase: str = "Running",
    node: str | None = "node0",
) -> Pod:
    metadata: dict[str, Any] = {
        "name": "p",
        "uid": "u",
        "resourceVersion": "1",
        "creationTimestamp": "2026-11-21T11:00:00Z",
    }
    if left_s is not None:
        metadata["deletionTimestamp"] = conditions.stamp(NOW - left_s + grace_s)
        metadata["deletionGracePeriodSeconds"] = grace_s
    said = [
        {"type": "Ready", "status": ready},
        {"type": "ContainersReady", "status": containers},
    ]
    return pods.view(
        {
            "metadata": metadata,
            "spec": {} if node is None else {"nodeName": node},
            "status": {"phase": phase, "conditions": said},
        }
    )


def node(ready: str | None) -> dict[str, Any]:
    said = [] if ready is None else [{"type": "Ready", "status": ready}]
    return {"status": {"conditions": [{"type": "DiskPressure", "status": "False"}, *said]}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, Node.GONE),
        (node("True"), Node.READY),
        (node("False"), Node.UNREADY),
        (node("Unknown"), Node.GONE),
        (node(None), Node.UNREADY),
        ({}, Node.UNREADY),
    ],
)
def test_a_node_is_gone_when_nobody_hears_of_it(
    body: dict[str, Any] | None, expected: Node
) -> None:
    assert departures.node(body) is expected


LATER = Departure(again_s=5.0)
FORCED = Departure(is_forced=True, again_s=5.0)
CUT_OFF = {"ready": "False", "containers": "True"}


@pytest.mark.parametrize(
    ("one", "of", "expected"),
    [
        # It has only just been deleted: whatever its node is.
        (pod(left_s=0.0), Node.GONE, Departure(again_s=1.5)),
        (pod(left_s=1.0), Node.GONE, Departure(again_s=0.5)),
        # It may take its time where somebody ends it, however long.
        (pod(left_s=2.0), Node.READY, LATER),
        (pod(left_s=900.0), Node.READY, LATER),
        (pod(left_s=10_000.0), Node.READY, LATER),
        (pod(left_s=10_000.0, ready="False"), Node.UNREADY, LATER),
        # Nobody ends it.
        (pod(left_s=2.0), Node.GONE, FORCED),
        (pod(left_s=2.0, **CUT_OFF), Node.GONE, FORCED),
        (pod(left_s=2.0, phase="Pending"), Node.GONE, FORCED),
        (pod(left_s=2.0, grace_s=0), Node.GONE, FORCED),
        (pod(left_s=2.0, node=None, phase="Pending"), None, FORCED),
        # It was not let go, but is on a node that is gone.
        (pod(**CUT_OFF), Node.GONE, Departure(is_deleted=True)),
        (pod(**CUT_OFF), Node.READY, LATER),
        (pod(**CUT_OFF), Node.UNREADY, LATER),
    ],
)
def test_only_who_is_ended_by_nobody_is_let_go_without_a_word(
    one: Pod, of: Node | None, expected: Departure
) -> None:
    assert departures.decide(one, of, NOW) == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (pod(), False),
        (pod(ready="False", containers="False"), False),
        (pod(**CUT_OFF), True),
        (pod(left_s=0.0), False),
        (pod(left_s=2.0), True),
        (pod(left_s=2.0, node=None), False),
    ],
)
def test_nodes_are_looked_at_only_for_pods_that_need_it(one: Pod, expected: bool) -> None:
    assert departures.needs_node(one, NOW) is expected
