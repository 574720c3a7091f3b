"""Limits of concurrency and of rates: dg/lambda-concurrency.html."""

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import platform_process
import pytest
from platform_process import create, refused
from support import provisioning
from support.guests import PRESENT, Guests, soon

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/lambda-concurrency.html")

RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT = "ConcurrentInvocationLimitExceeded"
ECHO = "def handler(event, context):\n    return event\n"


@pytest.fixture
def guests() -> Iterator[Guests]:
    came = Guests()
    yield came
    came.close()


def answer(client: "LambdaClient", name: str, payload: object, qualifier: str = "$LATEST") -> str:
    """Invoke, and say how it ended."""
    try:
        client.invoke(FunctionName=name, Qualifier=qualifier, Payload=json.dumps(payload).encode())[
            "Payload"
        ].read()
    except botocore.exceptions.ClientError as error:
        return str(error.response["Reason"])  # type: ignore[typeddict-item]
    return "ran"


def answers(client: "LambdaClient", guests: Guests, calls: list[tuple[str, str]]) -> list[str]:
    """Call functions, each by name and qualifier, all at once; say how each ended."""
    with ThreadPoolExecutor(len(calls)) as pool:
        made = [
            pool.submit(answer, client, name, guests.port, qualifier) for name, qualifier in calls
        ]
        soon(lambda: guests.now + sum(one.done() for one in made) == len(calls))
        guests.let_go()
        return sorted(one.result() for one in made)


def throttled(client: "LambdaClient", name: str) -> dict[str, Any]:
    with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
        client.invoke(FunctionName=name)
    return dict(caught.value.response)


@pytest.mark.aws("model:TooManyRequestsException")
def test_a_throttle_has_a_reason_and_says_when_to_come_again(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, ECHO)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    response = throttled(client, name)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert (response["Reason"], response["Type"]) == (RESERVED, "User")
    assert response["message"] == "Rate Exceeded."
    assert int(response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) >= 1
    client.delete_function_concurrency(FunctionName=name)
    assert answer(client, name, 1) == "ran"


@pytest.mark.ours("the function calls back to this machine")
@pytest.mark.parametrize("reserved", [1, 2, 5])
def test_as_many_run_at_once_as_are_reserved(
    client: "LambdaClient", name: str, guests: Guests, reserved: int
) -> None:
    create(client, name, PRESENT, Timeout=60)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    calls = [(name, "$LATEST")] * (reserved + 3)
    assert answers(client, guests, calls) == [RESERVED] * 3 + ["ran"] * reserved
    assert guests.most == reserved


@pytest.mark.ours("the function calls back to this machine")
def test_all_versions_share_what_is_reserved(
    client: "LambdaClient", name: str, guests: Guests
) -> None:
    create(client, name, PRESENT, Timeout=60)
    provisioning.publish(client, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)
    calls = [(name, "$LATEST"), (name, "1")] * 3
    assert answers(client, guests, calls) == [RESERVED] * 3 + ["ran"] * 3


@pytest.mark.aws("api/API_PutFunctionConcurrency.html")
def test_no_more_is_reserved_than_leaves_a_part_for_the_others(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, ECHO)
    left = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    status, code, message = refused(
        client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=left
    )
    assert (status, code) == (400, "InvalidParameterValueException")
    assert "below its minimum value of" in message
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName=name)


@pytest.mark.ours("it takes nearly all of the account")
def test_what_a_function_has_reserved_does_not_count_against_what_replaces_it(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, ECHO)
    left = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    for reserved in (left - 100, left - 101, left - 100):
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
        shown = client.get_function_concurrency(FunctionName=name)
        assert shown["ReservedConcurrentExecutions"] == reserved


# With an account of its own


@contextlib.contextmanager
def account(folder: Path, **gateway: object) -> "Iterator[LambdaClient]":
    variables = {f"INGLENOOK_GATEWAY_{key.upper()}": str(value) for key, value in gateway.items()}
    with (
        platform_process.running(folder, variables=variables) as platform,
        contextlib.closing(platform.client()) as client,
    ):
        yield client


@pytest.mark.ours("it fills up the account")
def test_what_is_provisioned_is_set_aside_from_the_account(tmp_path: Path, guests: Guests) -> None:
    with account(tmp_path, account_concurrency=110) as client:
        create(client, "warm", PRESENT, Timeout=60)
        provisioning.publish(client, "warm")
        create(client, "other", PRESENT, Timeout=60)
        provisioning.ready(client, "warm", "1", 4)
        others = [("other", "$LATEST")] * 107
        assert answers(client, guests, others) == [ACCOUNT] + ["ran"] * 106
        # Used or not; and beyond it, the version takes of what is left.
        mixed = [("warm", "1")] * 6 + [("other", "$LATEST")] * 104
        assert answers(client, guests, mixed) == ["ran"] * 110
        assert guests.most == 110


@pytest.mark.ours("an option of the platform's")
def test_with_the_rate_limit_a_reservation_of_one_has_ten_requests_a_second(
    tmp_path: Path,
) -> None:
    with account(tmp_path, request_rate_limit="true") as client:
        create(client, "f", ECHO)
        client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
        answer(client, "f", 1)

        refused: list[dict[str, Any]] = []

        def is_throttled() -> bool:
            try:
                client.invoke(FunctionName="f")["Payload"].read()
            except client.exceptions.TooManyRequestsException as error:
                refused.append(dict(error.response))
                return True
            return False

        soon(is_throttled)
        response = refused[0]
        assert response["Reason"] == "ReservedFunctionInvocationRateLimitExceeded"
        assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
        soon(lambda: not is_throttled())


@pytest.mark.ours("an option of the platform's")
def test_with_the_rate_limit_more_than_ten_requests_a_second_scale_out(tmp_path: Path) -> None:
    with account(tmp_path, request_rate_limit="true") as client:
        create(client, "f", provisioning.source())
        seen = set[str]()

        def has_scaled() -> bool:
            seen.add(provisioning.invoke(client, "f", "$LATEST")["process"])
            return len(seen) > 1

        soon(has_scaled)


@pytest.mark.ours("an option of the platform's")
def test_without_the_rate_limit_one_environment_takes_all_it_can(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, provisioning.source())
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    calls = [provisioning.invoke(client, name, "$LATEST")["calls"] for _ in range(50)]
    assert calls == list(range(1, 51))
