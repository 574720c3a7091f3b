"""From none to many to none, as the calls come and go."""

from typing import TYPE_CHECKING

from support import declared
from support.kubernetes_cluster import Resources, at_once, invoke

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

SLOW = """
import os, time

def handler(event, context):
    time.sleep(event)
    return os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
"""
MANY = 6
LONG_S = 40
"""Longer than the slowest pod takes to come, so that no environment is there a second time."""
IDLE_TIMEOUT_S = 30
"""As in values.yaml."""


def test_pods_come_with_the_calls_and_go_with_them(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(declared.function(name, SLOW, timeout=2 * LONG_S))
    resources.until_ready(name)
    pods = resources.pods(f"inglenook.dev/function={name}")
    assert pods.until(lambda found: not found) == []

    environments = at_once(MANY, lambda _: invoke(api, name, LONG_S))
    assert len(set(environments)) == MANY
    found = pods.until(lambda found: len(found) == MANY)
    assert all(each.metadata.labels["inglenook.dev/version"] for each in found)

    # Warm ones are used again, one after the other: the last one first.
    again = {invoke(api, name, 0) for _ in range(5)}
    assert len(again) == 1
    assert again <= set(environments)

    assert pods.until(lambda found: not found, deadline_s=4 * IDLE_TIMEOUT_S + 60) == []
    assert invoke(api, name, 0) not in environments


def test_a_pod_gets_the_memory_that_its_function_asks_for(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(declared.function(name, SLOW, memorySize=1024))
    resources.until_ready(name)
    _ = invoke(api, name, 0)

    def has_room(pod: object) -> bool:
        statuses = pod.status.container_statuses or []  # type: ignore[attr-defined] # untyped
        [memory] = [s.resources.limits["memory"] for s in statuses if s.name == "function"]
        # A little more, for what is not the function's own.
        return bool(1024 <= int(memory.removesuffix("Mi")) < 1200)

    pods = resources.pods(f"inglenook.dev/function={name}")
    [pod] = pods.until(lambda found: [has_room(each) for each in found] == [True])
    assert pod.metadata.labels["inglenook.dev/state"] == "specialised"


def test_the_pool_is_full_again_after_a_burst(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    pool = resources.pods("inglenook.dev/pool=python3.11,inglenook.dev/state=pooled")

    def is_full(found: list[object]) -> bool:
        ready = [
            each
            for each in found
            if {c.type: c.status for c in each.status.conditions or ()}.get("Ready")  # type: ignore[attr-defined] # untyped
            == "True"
        ]
        return len(ready) >= 2

    _ = pool.until(is_full)
    resources.apply(declared.function(name, SLOW, timeout=30))
    resources.until_ready(name)
    _ = at_once(4, lambda _: invoke(api, name, 1))
    _ = pool.until(is_full)
