"""Nodes without room: what is idle goes sooner, so that what is called can run."""

import json
import math
from typing import TYPE_CHECKING

from kubernetes.utils.quantity import parse_quantity
from support import declared, scraping
from support.kubernetes_cluster import Resources, invoke, kubectl

from inglenook.model import limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_lambda import LambdaClient

RUNTIME = "python3.14"
"""In name; any that the platform under test has no Runtime for."""


def test_a_function_whose_pod_finds_no_room_gets_that_of_one_that_is_idle(
    resources: Resources, new_name: "Callable[[], str]", api: "LambdaClient"
) -> None:
    node = json.loads(kubectl("get", "nodes", "--output=json"))["items"][0]
    most_mb = int(parse_quantity(node["status"]["allocatable"]["memory"])) >> 20
    # Two such pods are more than the node has.
    environments = math.ceil(0.55 * most_mb / limits.MEMORY_MB_MAX)
    memory_mb = math.ceil(0.55 * most_mb / environments)
    large = {"memory": f"{memory_mb * environments}Mi"}
    assert not resources.exists("runtime.inglenook.dev", RUNTIME)
    resources.apply(
        declared.manifest(
            "Runtime",
            RUNTIME,
            {
                "image": resources.get("runtime.inglenook.dev", "python3.11")["spec"]["image"],
                "pool": {"min": 0, "max": 0},
                "resources": {"requests": large, "limits": large},
                "nodeSelector": {"kubernetes.io/hostname": node["metadata"]["name"]},
            },
        )
    )
    names = [new_name(), new_name()]
    for name in names:
        resources.apply(
            declared.function(
                name,
                declared.saying(name),
                runtime=RUNTIME,
                memorySize=memory_mb,
                environmentsPerPod=environments,
            )
        )
        resources.until_ready(name)
    for name in (*names, names[0]):
        assert invoke(api, name) == name
        of_runtime = f"inglenook.dev/pool={RUNTIME},inglenook.dev/function"
        of_other = f"{of_runtime},inglenook.dev/function!={name}"
        assert resources.pods(of_other).until(lambda found: not found) == []
    samples = scraping.part("gateway")
    given_up = "inglenook_environments_given_up_total"
    assert scraping.total(samples, given_up, function_name=names[0]) == 1
    assert scraping.total(samples, given_up, function_name=names[1]) == 1
