"""How much may be provisioned: of what is reserved, and of what the account has."""

import re
from typing import TYPE_CHECKING

import pytest
from platform_process import refused
from support import provisioning
from support.provisioning import named, unreserved

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_PutProvisionedConcurrencyConfig.html")

ABOVE_RESERVED = (
    400,
    "InvalidParameterValueException",
    (
        "Requested Provisioned Concurrency should not be greater than the "
        "reservedConcurrentExecution for function"
    ),
)


def account_limit(client: "LambdaClient") -> int:
    return client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]


@pytest.mark.aws("dg/configuration-concurrency.html")
@pytest.mark.parametrize(("reserved", "requested"), [(2, 3), (0, 1)])
def test_no_more_than_what_is_reserved(
    client: "LambdaClient", name: str, reserved: int, requested: int
) -> None:
    provisioning.function(client, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    shown = refused(
        client.put_provisioned_concurrency_config,
        FunctionName=name,
        Qualifier="1",
        ProvisionedConcurrentExecutions=requested,
    )
    assert shown == ABOVE_RESERVED


@pytest.mark.aws("dg/configuration-concurrency.html")
def test_all_qualifiers_together_have_no_more_than_what_is_reserved(
    client: "LambdaClient", name: str
) -> None:
    named(client, name, "blue", "green")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)
    provisioning.put(client, name, "blue", 2)
    shown = refused(
        client.put_provisioned_concurrency_config,
        FunctionName=name,
        Qualifier="green",
        ProvisionedConcurrentExecutions=2,
    )
    assert shown == ABOVE_RESERVED
    # What it has already does not count against what replaces it.
    provisioning.put(client, name, "blue", 3)


@pytest.mark.aws("api/API_PutFunctionConcurrency.html")
def test_no_less_is_reserved_than_what_is_provisioned(client: "LambdaClient", name: str) -> None:
    named(client, name, "blue", "green")
    provisioning.put(client, name, "blue", 1)
    provisioning.put(client, name, "green", 1)
    status, code, message = refused(
        client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=1
    )
    assert (status, code) == (400, "InvalidParameterValueException")
    assert "should not be lower than function's total provisioned concurrency [2]" in message
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)


@pytest.mark.aws("dg/provisioned-concurrency.html")
def test_no_more_than_what_the_account_has(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    status, code, message = refused(
        client.put_provisioned_concurrency_config,
        FunctionName=name,
        Qualifier="1",
        ProvisionedConcurrentExecutions=account_limit(client) + 1,
    )
    assert (status, code) == (400, "InvalidParameterValueException")
    assert re.fullmatch(
        r"Specified ConcurrentExecutions for function is greater than account's unreserved "
        r"concurrency \[\d+\]\.",
        message,
    )


@pytest.mark.aws("dg/provisioned-concurrency.html")
def test_a_part_of_the_account_stays_with_the_others(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    status, code, message = refused(
        client.put_provisioned_concurrency_config,
        FunctionName=name,
        Qualifier="1",
        ProvisionedConcurrentExecutions=unreserved(client) - 1,
    )
    assert (status, code) == (400, "InvalidParameterValueException")
    assert re.search(r"UnreservedConcurrentExecution below its minimum value of \[\d+\]", message)


@pytest.mark.ours("alone in its account")
@pytest.mark.aws("api/API_GetAccountSettings.html")
def test_what_is_provisioned_is_not_left_to_the_others(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    before = unreserved(client)
    provisioning.put(client, name, "1", 2)
    assert unreserved(client) == before - 2
    # Of what is reserved, it takes nothing more away.
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    assert unreserved(client) == before - 5
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    client.delete_function_concurrency(FunctionName=name)
    assert unreserved(client) == before
