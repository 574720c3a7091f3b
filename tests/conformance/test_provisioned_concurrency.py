"""Provisioned environments: warm before ready, used first, and kept."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from platform_process import create
from support import provisioning
from support.provisioning import get, invoke, put, ready, second, settled, soon

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = [
    pytest.mark.aws("dg/provisioned-concurrency.html"),
    pytest.mark.slow_on_aws("environments are provisioned"),
]

AHEAD = "provisioned-concurrency"
ON_DEMAND = "on-demand"


def together(
    client: "LambdaClient", name: str, qualifier: str, calls: int, sleep_s: float = 0.5
) -> list[dict[str, Any]]:
    """Invoke so often at once that each call needs an environment of its own."""
    begin = threading.Barrier(calls)

    def call() -> dict[str, Any]:
        begin.wait()
        return invoke(client, name, qualifier, sleep=sleep_s)

    with ThreadPoolExecutor(calls) as pool:
        return [one.result() for one in [pool.submit(call) for _ in range(calls)]]


def kinds(answers: list[dict[str, Any]]) -> list[str]:
    return sorted(answer["kind"] for answer in answers)


@pytest.mark.parametrize("qualifier", ["1", "live"])
def test_init_has_run_before_the_first_call(
    client: "LambdaClient", name: str, qualifier: str
) -> None:
    provisioning.function(client, name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    ready(client, name, qualifier, 1)
    began = time.monotonic()
    soon(lambda: time.monotonic() - began > 0.3)
    answer = invoke(client, name, qualifier)
    assert answer["calls"] == 1
    assert answer["age"] > 0.3
    assert answer["kind"] == AHEAD


@pytest.mark.aws("dg/configuration-envvars.html")
def test_an_environment_knows_how_it_was_initialised(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    assert invoke(client, name, "1")["kind"] == ON_DEMAND
    ready(client, name, "1", 1)
    assert invoke(client, name, "1")["kind"] == AHEAD
    assert invoke(client, name, "$LATEST")["kind"] == ON_DEMAND


def test_as_many_calls_at_once_as_are_provisioned_are_warm(
    client: "LambdaClient", name: str
) -> None:
    provisioning.function(client, name)
    ready(client, name, "1", 4)
    answers = together(client, name, "1", 4)
    assert kinds(answers) == [AHEAD] * 4
    assert {answer["calls"] for answer in answers} == {1}
    assert len({answer["process"] for answer in answers}) == 4


def test_what_is_beyond_spills_over(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    ready(client, name, "1", 2)
    answers = together(client, name, "1", 5)
    assert kinds(answers) == [ON_DEMAND] * 3 + [AHEAD] * 2


def test_after_a_spill_the_provisioned_ones_are_used_first(
    client: "LambdaClient", name: str
) -> None:
    provisioning.function(client, name)
    ready(client, name, "1", 1)
    together(client, name, "1", 3)
    assert {invoke(client, name, "1")["kind"] for _ in range(5)} == {AHEAD}


def test_functions_can_be_invoked_while_it_is_allocated(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    put(client, name, "1", 3)
    assert invoke(client, name, "1")["code"] == 1
    assert settled(client, name, "1")["Status"] == "READY"


def test_an_environment_that_was_started_for_a_caller_is_none_of_them(
    client: "LambdaClient", name: str
) -> None:
    provisioning.function(client, name)
    before = invoke(client, name, "1")
    ready(client, name, "1", 1)
    after = invoke(client, name, "1")
    assert (before["kind"], after["kind"]) == (ON_DEMAND, AHEAD)
    assert before["process"] != after["process"]


@pytest.mark.parametrize("how", ["times out", "exits"])
def test_one_that_is_lost_is_replaced(client: "LambdaClient", name: str, how: str) -> None:
    provisioning.function(client, name, Timeout=1)
    ready(client, name, "1", 1)
    event: dict[str, object] = {"sleep": 5} if how == "times out" else {"exit": True}
    assert "errorType" in invoke(client, name, "1", **event)
    shown = settled(client, name, "1")
    assert (shown["Status"], shown["AvailableProvisionedConcurrentExecutions"]) == ("READY", 1)
    answer = invoke(client, name, "1")
    assert (answer["kind"], answer["calls"]) == (AHEAD, 1)


def test_one_whose_handler_fails_is_kept(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    ready(client, name, "1", 1)
    first = invoke(client, name, "1")
    assert "errorType" in invoke(client, name, "1", sleep="a word")
    assert invoke(client, name, "1")["process"] == first["process"]


def test_an_init_that_fails_is_the_reason(client: "LambdaClient", name: str) -> None:
    create(client, name, "raise RuntimeError('not today')\n")
    provisioning.publish(client, name)
    put(client, name, "1", 2)
    shown = settled(client, name, "1")
    assert shown["Status"] == "FAILED"
    assert shown["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert shown["AvailableProvisionedConcurrentExecutions"] == 0
    listed = client.list_provisioned_concurrency_configs(FunctionName=name)
    assert listed["ProvisionedConcurrencyConfigs"][0]["Status"] == "FAILED"


@pytest.mark.ours("its init knocks at a port of this machine")
def test_an_init_that_mends_itself_becomes_ready(client: "LambdaClient", name: str) -> None:
    door = provisioning.Door()
    try:
        create(client, name, door.source())
        provisioning.publish(client, name)
        put(client, name, "1", 1)
        assert settled(client, name, "1")["Status"] == "FAILED"
        door.open()
        soon(lambda: get(client, name, "1")["Status"] == "READY")
        assert "StatusReason" not in get(client, name, "1")
    finally:
        door.close()


def test_after_it_is_deleted_calls_are_on_demand(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    ready(client, name, "1", 2)
    assert invoke(client, name, "1")["kind"] == AHEAD
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    assert invoke(client, name, "1")["kind"] == ON_DEMAND


def test_what_is_busy_when_it_is_deleted_finishes(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    ready(client, name, "1", 1)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(invoke, client, name, "1", sleep=1)
        began = time.monotonic()
        soon(lambda: time.monotonic() - began > 0.3)
        client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
        assert call.result()["kind"] == AHEAD
    assert invoke(client, name, "1")["kind"] == ON_DEMAND


def test_fewer_are_kept_when_fewer_are_asked_for(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    ready(client, name, "1", 3)
    ready(client, name, "1", 1)
    assert kinds(together(client, name, "1", 3)) == [ON_DEMAND, ON_DEMAND, AHEAD]


# Aliases


@pytest.mark.aws("dg/configuration-aliases.html")
def test_an_aliass_environments_serve_its_version(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    ready(client, name, "live", 1)
    answer = invoke(client, name, "live")
    assert (answer["version"], answer["kind"]) == ("1", AHEAD)


@pytest.mark.aws("api/API_UpdateAlias.html")
def test_they_move_with_the_alias(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    second(client, name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    ready(client, name, "live", 2)
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    shown = settled(client, name, "live")
    assert (shown["Status"], shown["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 2)
    answers = together(client, name, "live", 2)
    assert kinds(answers) == [AHEAD, AHEAD]
    assert {answer["code"] for answer in answers} == {2}
    assert invoke(client, name, "1")["kind"] == ON_DEMAND


@pytest.mark.aws("api/API_UpdateAlias.html")
def test_what_an_alias_moves_to_may_not_be_able_to_start(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    second(client, name, "raise RuntimeError('never')\n")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    ready(client, name, "live", 1)
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert settled(client, name, "live")["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert settled(client, name, "live")["Status"] == "READY"
    assert invoke(client, name, "live")["kind"] == AHEAD


@pytest.mark.aws(
    "model:ProvisionedConcurrencyConfigListItem.AllocatedProvisionedConcurrentExecutions"
)
def test_with_weights_both_versions_have_their_share(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    second(client, name)
    client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}},
    )
    shown = ready(client, name, "live", 4)
    assert shown["AllocatedProvisionedConcurrentExecutions"] == 4
    assert kinds(together(client, name, "1", 4)) == [ON_DEMAND] + [AHEAD] * 3
    assert kinds(together(client, name, "2", 2)) == [ON_DEMAND, AHEAD]


@pytest.mark.aws("api/API_UpdateAlias.html")
def test_without_weights_again_one_version_has_all(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    second(client, name)
    client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    ready(client, name, "live", 2)
    client.update_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="2",
        RoutingConfig={"AdditionalVersionWeights": {}},
    )
    assert settled(client, name, "live")["Status"] == "READY"
    assert kinds(together(client, name, "2", 2)) == [AHEAD, AHEAD]
    assert invoke(client, name, "1")["kind"] == ON_DEMAND


def test_two_aliases_of_one_version_have_both_of_theirs(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    for alias in ("blue", "green"):
        client.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
    ready(client, name, "blue", 2)
    shown = ready(client, name, "green", 1)
    assert shown["AvailableProvisionedConcurrentExecutions"] == 1
    assert kinds(together(client, name, "green", 4)) == [ON_DEMAND] + [AHEAD] * 3


# Concurrency


@pytest.mark.aws("dg/lambda-concurrency.html")
def test_all_of_a_reservation_provisioned_leaves_none_to_the_unpublished_version(
    client: "LambdaClient", name: str
) -> None:
    provisioning.function(client, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    ready(client, name, "1", 2)
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        client.invoke(FunctionName=name)
    reason = caught.value.response["Reason"]
    assert reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert invoke(client, name, "1")["kind"] == AHEAD


@pytest.mark.aws("dg/lambda-concurrency.html")
def test_beyond_a_reservation_nothing_spills_over(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    ready(client, name, "1", 1)

    def call(_: int) -> str:
        try:
            return str(invoke(client, name, "1", sleep=1)["kind"])
        except client.exceptions.TooManyRequestsException:
            return "throttled"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(call, range(4)))
    throttled = answers.count("throttled")
    assert (throttled, answers.count(AHEAD), answers.count(ON_DEMAND)) == (2, 1, 1)


# The platform's own life


@pytest.mark.ours("AWS has no data folder that one could start again over")
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_they_are_warmed_again_when_the_platform_starts_again(tmp_path: Path, how: str) -> None:
    with platform_process.running(tmp_path) as platform:
        client = platform.client()
        provisioning.function(client, "f")
        client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
        before = ready(client, "f", "live", 2)
        platform.kill() if how == "kill" else platform.stop()
    with platform_process.running(tmp_path) as platform:
        client = platform.client()
        assert settled(client, "f", "live") == before
        answers = together(client, "f", "live", 2)
        assert kinds(answers) == [AHEAD, AHEAD]


@pytest.mark.ours("nobody waits for ten minutes")
def test_idle_ones_outlive_those_on_demand(tmp_path: Path) -> None:
    with platform_process.running(
        tmp_path, variables={"INGLENOOK_GATEWAY_ENVIRONMENT_IDLE_TIMEOUT_S": "0"}
    ) as platform:
        client = platform.client()
        provisioning.function(client, "f")
        ready(client, "f", "1", 1)
        first = invoke(client, "f", "1")
        latest = invoke(client, "f", "$LATEST")["process"]
        soon(lambda: invoke(client, "f", "$LATEST")["process"] != latest)
        assert invoke(client, "f", "1")["process"] == first["process"]
