"""What can be seen of a function from outside: its metrics, and its log."""

import json
import time
from typing import TYPE_CHECKING

import pytest
from support import declared, scraping
from support.kubernetes_cluster import Resources, kubectl

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

SOURCE = """
def handler(event, context):
    print(f"seen: {event}")
    if event == "bad":
        raise ValueError("as asked")
    return event
"""
_SCRAPED_S = 30


@pytest.fixture
def invoked(name: str, resources: Resources, api: "LambdaClient") -> list[str]:
    """A function that has run three times well and once badly; the ids of the requests."""
    resources.apply(declared.function(name, SOURCE))
    resources.until_ready(name)
    return [
        api.invoke(FunctionName=name, Payload=json.dumps(event).encode())["ResponseMetadata"][
            "RequestId"
        ]
        for event in ("first", "second", "third", "bad")
    ]


def test_gateways_count_as_cloudwatch_does(invoked: list[str], name: str) -> None:
    samples = scraping.part("gateway")
    ran = {"function_name": name, "resource": name, "executed_version": "$LATEST"}
    counted = {
        series: scraping.total(samples, f"inglenook_lambda_{series}", **ran)
        for series in ("invocations_total", "errors_total", "duration_seconds_count")
    }
    assert counted == {
        "invocations_total": len(invoked),
        "errors_total": 1,
        "duration_seconds_count": len(invoked),
    }
    duration_s = scraping.total(samples, "inglenook_lambda_duration_seconds_sum", **ran)
    assert duration_s is not None
    assert duration_s > 0
    own = {"function_name": name}
    assert scraping.total(samples, "inglenook_lambda_concurrent_executions", **own) == 0
    assert scraping.total(samples, "inglenook_environment_starts_total", **own) == 1
    assert scraping.total(samples, "inglenook_lambda_throttles_total", **own) in (None, 0)
    for phase in ("lease", "specialise", "start", "init", "wait"):
        assert scraping.total(samples, "inglenook_cold_start_phase_seconds_count", phase=phase)


def test_an_agent_counts_what_its_pod_has_run(
    invoked: list[str], name: str, resources: Resources
) -> None:
    [pod] = resources.pods(f"inglenook.dev/function={name}").until(lambda found: len(found) == 1)
    samples = scraping.pod(pod.metadata.name, resources.namespace, scraping.AGENT_PORT)
    series = "inglenook_agent_invocations_total"
    assert scraping.total(samples, series, result="ok") == len(invoked) - 1
    assert scraping.total(samples, series, result="error") == 1
    assert scraping.total(samples, "inglenook_agent_environments") == 1
    assert scraping.total(samples, "inglenook_agent_init_duration_seconds_count", result="ok") == 1


def test_the_operator_that_leads_tells_of_the_pools(invoked: list[str]) -> None:
    samples = scraping.part("operator")
    assert invoked
    assert scraping.total(samples, "inglenook_operator_leads") == 1
    assert scraping.total(samples, "inglenook_pool_pods", pool="python3.11", state="specialised")


def test_workers_tell_how_much_waits() -> None:
    assert scraping.total(scraping.part("worker"), "inglenook_queue_items") is not None


def test_a_functions_log_is_json_on_its_pods_standard_output(
    invoked: list[str], name: str, resources: Resources
) -> None:
    [pod] = resources.pods(f"inglenook.dev/function={name}").until(lambda found: len(found) == 1)
    told = log(pod.metadata.name, resources.namespace, until=f"REPORT RequestId: {invoked[-1]}")
    if not told:
        pytest.skip("kubectl logs shows nothing here: the nodes share one folder of logs")
    lines = [json.loads(line) for line in told.splitlines()]
    # The agent's own lines have a level; the function's have a log stream.
    of_function = [each for each in lines if "log_stream" in each]
    assert {(each["function"], each["version"]) for each in of_function} == {(name, "$LATEST")}
    assert {each["log_group"] for each in of_function} == {f"/aws/lambda/{name}"}
    printed = {
        each["message"]: each["request_id"]
        for each in of_function
        if each["message"].startswith("seen: ")
    }
    events = ("first", "second", "third", "bad")
    assert printed == {f"seen: {event}": id_ for event, id_ in zip(events, invoked, strict=True)}
    [error] = [each for each in of_function if "ValueError: as asked" in each["message"]]
    assert error["request_id"] == invoked[-1]
    assert "Traceback" in error["message"]


def log(pod: str, namespace: str, *, until: str) -> str:
    """Return what an agent has written, once it says `until`; whatever there is after a while."""
    ends = time.monotonic() + _SCRAPED_S
    while True:
        told = kubectl("logs", pod, "--namespace", namespace, "--container=agent")
        if until in told or not told or time.monotonic() > ends:
            return told
