"""Environments that are ready before anybody calls, asked for through either door."""

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import declared
from support.kubernetes_cluster import Resources, at_once, invoke

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

AHEAD, ON_DEMAND = "provisioned-concurrency", "on-demand"
SOURCE = """
import os
import time

BORN = time.monotonic()
CALLS = 0

def handler(event, context):
    global CALLS
    CALLS += 1
    time.sleep(event or 0)
    return {
        "kind": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
        "age": time.monotonic() - BORN,
        "calls": CALLS,
    }
"""
LONG_S = 20
"""Longer than the slowest pod takes to come, so that no environment is there a second time."""
_READY_S = 90


def provisioned(name: str, qualifier: str, count: int) -> declared.Manifest:
    spec = {
        "functionName": name,
        "qualifier": qualifier,
        "provisionedConcurrentExecutions": count,
    }
    return declared.manifest("ProvisionedConcurrency", f"{name}.{qualifier}", spec)


def publish(resources: Resources, name: str) -> None:
    """Make a function with version 1 and an alias of it."""
    resources.apply(declared.function(name, SOURCE, timeout=60))
    resources.until_ready(name)
    resources.apply(declared.version(name, 1), declared.alias(name, "live", "1"))
    resources.until("version", f"{name}.1", "condition=Ready")
    resources.until("alias", f"{name}.live", "condition=Accepted")


def until_ready(api: "LambdaClient", name: str, qualifier: str) -> dict[str, Any]:
    """Ask the API until it says that all are ready."""
    until = time.monotonic() + _READY_S
    while True:
        shown = api.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        if shown["Status"] == "READY":
            return dict(shown)
        assert time.monotonic() < until, shown


def kinds(answers: list[dict[str, Any]]) -> list[str]:
    return sorted(each["kind"] for each in answers)


def test_what_kubectl_asks_for_is_warm_before_it_is_ready_and_the_rest_spills_over(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    publish(resources, name)
    resources.apply(provisioned(name, "live", 2))
    resources.until("provisionedconcurrency", f"{name}.live", "jsonpath={.status.state}=READY")
    ready_at = time.monotonic()
    shown = api.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    assert shown["Status"] == "READY"
    assert shown["AvailableProvisionedConcurrentExecutions"] == 2
    resources.pods(f"inglenook.dev/function={name},inglenook.dev/version=1").until(
        lambda found: len(found) == 2
    )

    since_s = time.monotonic() - ready_at
    first = at_once(2, lambda _: invoke(api, name, 1, Qualifier="live"))
    assert kinds(first) == [AHEAD, AHEAD]
    assert [each["calls"] for each in first] == [1, 1]
    assert all(each["age"] > since_s for each in first)

    # Two more than there are: those start as they do without.
    beyond = at_once(4, lambda _: invoke(api, name, LONG_S, Qualifier="live"))
    assert kinds(beyond) == [ON_DEMAND, ON_DEMAND, AHEAD, AHEAD]
    # $LATEST has none.
    assert invoke(api, name)["kind"] == ON_DEMAND

    # Deleted through one door, it is gone for the other.
    resources.delete("provisionedconcurrency", f"{name}.live")
    with pytest.raises(api.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        _ = api.get_provisioned_concurrency_config(FunctionName=name, Qualifier="live")


def test_what_the_api_asks_for_is_a_resource_that_says_how_far_it_is(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    publish(resources, name)
    _ = api.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    shown = until_ready(api, name, "1")
    assert shown["RequestedProvisionedConcurrentExecutions"] == 1
    resource = "provisionedconcurrency", f"{name}.1"
    resources.until(*resource, "jsonpath={.spec.provisionedConcurrentExecutions}=1")
    resources.until(*resource, "jsonpath={.status.state}=READY")
    resources.until(*resource, "condition=Ready")
    assert resources.get(*resource)["status"]["available"] == 1
    # By the alias, too, for it means this version.
    answer = api.invoke(FunctionName=name, Qualifier="live", Payload=b"0")
    read = json.loads(answer["Payload"].read())
    assert (read["kind"], read["calls"]) == (AHEAD, 1)

    _ = api.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    resources.until(*resource, "delete")
    assert not resources.exists(*resource)
    assert invoke(api, name, Qualifier="1")["kind"] == ON_DEMAND


def test_the_environments_go_with_their_function(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    publish(resources, name)
    resources.apply(provisioned(name, "1", 1))
    _ = until_ready_after_apply(resources, api, name)
    resources.delete("function", name)
    resources.until("provisionedconcurrency", f"{name}.1", "delete")
    assert resources.pods(f"inglenook.dev/function={name}").until(lambda found: not found) == []


def until_ready_after_apply(resources: Resources, api: "LambdaClient", name: str) -> dict[str, Any]:
    resources.until("provisionedconcurrency", f"{name}.1", "condition=Accepted")
    return until_ready(api, name, "1")
