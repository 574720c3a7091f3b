"""What one node's loss takes with it: never all pods of a part."""

import json

import pytest
from support.kubernetes_cluster import PLATFORM, kubectl, nodes_of

RESTARTED = ("operator", "worker")
"""Not the gateways, to which other tests keep connections."""


def test_after_a_rollout_each_part_is_on_several_nodes() -> None:
    """While it lasts there is one more, wherever: those that go must not count for where it is."""
    nodes = json.loads(kubectl("get", "nodes", "--output=json"))["items"]
    if sum(not each["spec"].get("unschedulable", False) for each in nodes) < 2:
        pytest.skip("there is one node only")
    deployments = [f"deployment/inglenook-{part}" for part in RESTARTED]
    _ = kubectl("rollout", "restart", "--namespace", PLATFORM, *deployments)
    for each in deployments:
        _ = kubectl("rollout", "status", "--namespace", PLATFORM, each)
    for part in RESTARTED:
        assert len(nodes_of(part)) > 1, part
