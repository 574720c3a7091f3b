"""The account's limit is exact over all gateways, whoever owns the functions."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support import declared
from support.kubernetes_cluster import Resources, client, invoke
from support.witness import VISIT, Witness

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.timeout(600)

UNRESERVED = 100
"""The fewest that Lambda lets functions leave to the others."""
FUNCTIONS = 8
CALLS_EACH = 16
"""All in one pod, to be kind to small clusters."""


@pytest.fixture
def functions(name: str, resources: Resources, api: "LambdaClient") -> Iterator[list[str]]:
    """Functions without a reservation, beside one that has reserved all but a hundred."""
    resources.apply(declared.function(name, declared.saying("idle")))
    resources.until_ready(name)
    limit = api.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    _ = api.put_function_concurrency(
        FunctionName=name, ReservedConcurrentExecutions=limit - UNRESERVED
    )
    names = [f"{name}-{index}" for index in range(FUNCTIONS)]
    spec = {"timeout": 240, "environmentsPerPod": CALLS_EACH}
    resources.apply(*(declared.function(each, VISIT, **spec) for each in names))
    for each in names:
        resources.until_ready(each)
    yield names
    _ = api.delete_function_concurrency(FunctionName=name)


def test_a_hundred_run_and_never_more(
    functions: list[str], endpoints: list[str], witness: Witness
) -> None:
    refused: list[str] = []
    calls = FUNCTIONS * CALLS_EACH

    def call(index: int) -> bool:
        api = apis[index % len(apis)]
        try:
            _ = invoke(
                api, functions[index % len(functions)], {"at": witness.address, "how": "stays"}
            )
        except api.exceptions.TooManyRequestsException as error:
            refused.append(error.response["Reason"])
            return False
        return True

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(calls) as pool:
        apis = [client(each, connections=calls) for each in endpoints]
        for each in apis:
            _ = stack.callback(each.close)
        calling = [pool.submit(call, index) for index in range(calls)]
        try:
            witness.until(UNRESERVED, attempts=3)
        finally:
            witness.open()
        answered = sum(each.result() for each in calling)
    seen = witness.seen()
    assert seen.here == 0
    assert seen.most == UNRESERVED
    assert set(refused) <= {"ConcurrentInvocationLimitExceeded"}
    assert answered + len(refused) == calls
    assert answered >= UNRESERVED
