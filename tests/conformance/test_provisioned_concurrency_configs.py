"""The operations on provisioned concurrency: what they answer, and what they refuse."""

import re
from typing import TYPE_CHECKING

import pytest
from platform_process import create, refused
from support import provisioning
from support.provisioning import named, unreserved

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_PutProvisionedConcurrencyConfig.html")

NOT_FOUND = (
    404,
    "ProvisionedConcurrencyConfigNotFoundException",
    "No Provisioned Concurrency Config found for this function",
)
LATEST = "The function resource provided must be an alias or a published version."
# What is answered


def test_a_put_is_accepted_before_anything_is_allocated(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    answer = provisioning.put(client, name, "1", 2)
    modified = answer.pop("LastModified")
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 202
    assert answer == {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", modified)


@pytest.mark.slow_on_aws("environments are provisioned")
@pytest.mark.aws("api/API_GetProvisionedConcurrencyConfig.html")
@pytest.mark.parametrize("qualifier", ["1", "live"])
def test_it_is_ready_once_all_is_allocated(
    client: "LambdaClient", name: str, qualifier: str
) -> None:
    named(client, name, "live")
    modified = provisioning.put(client, name, qualifier, 3)["LastModified"]
    assert provisioning.settled(client, name, qualifier) == {
        "RequestedProvisionedConcurrentExecutions": 3,
        "AllocatedProvisionedConcurrentExecutions": 3,
        "AvailableProvisionedConcurrentExecutions": 3,
        "Status": "READY",
        "LastModified": modified,
    }


@pytest.mark.slow_on_aws("environments are provisioned")
def test_a_second_put_replaces_the_first(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    provisioning.ready(client, name, "1", 1)
    answer = provisioning.put(client, name, "1", 3)
    assert answer["Status"] == "IN_PROGRESS"
    assert answer["RequestedProvisionedConcurrentExecutions"] == 3
    shown = provisioning.settled(client, name, "1")
    assert shown["AvailableProvisionedConcurrentExecutions"] == 3
    shown = provisioning.ready(client, name, "1", 2)
    assert shown["AllocatedProvisionedConcurrentExecutions"] == 2


@pytest.mark.aws("model:PutProvisionedConcurrencyConfigRequest.FunctionName")
@pytest.mark.parametrize("form", ["arn", "partial"])
def test_a_function_may_be_named_by_its_arn(client: "LambdaClient", name: str, form: str) -> None:
    provisioning.function(client, name)
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    account = arn.split(":")[4]
    given = arn if form == "arn" else f"{account}:function:{name}"
    provisioning.put(client, given, "1", 1)
    assert provisioning.get(client, name, "1")["RequestedProvisionedConcurrentExecutions"] == 1


@pytest.mark.aws("api/API_GetProvisionedConcurrencyConfig.html")
@pytest.mark.parametrize("qualifier", ["1", "live"])
def test_what_was_never_put_is_not_found(client: "LambdaClient", name: str, qualifier: str) -> None:
    named(client, name, "live")
    shown = refused(
        client.get_provisioned_concurrency_config, FunctionName=name, Qualifier=qualifier
    )
    assert shown == NOT_FOUND


@pytest.mark.aws("api/API_DeleteProvisionedConcurrencyConfig.html")
def test_what_was_deleted_is_not_found(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    provisioning.put(client, name, "1", 1)
    deleted = client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    shown = refused(client.get_provisioned_concurrency_config, FunctionName=name, Qualifier="1")
    assert shown == NOT_FOUND


@pytest.mark.aws("api/API_DeleteProvisionedConcurrencyConfig.html")
def test_what_is_not_there_can_be_deleted(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    deleted = client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204


# Listing


@pytest.mark.slow_on_aws("environments are provisioned")
@pytest.mark.aws("api/API_ListProvisionedConcurrencyConfigs.html")
def test_a_listing_names_each_by_its_arn(client: "LambdaClient", name: str) -> None:
    named(client, name, "blue", "green")
    for alias in ("green", "blue"):
        provisioning.ready(client, name, alias, 1)
    listed = client.list_provisioned_concurrency_configs(FunctionName=name)
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    configs = sorted(listed["ProvisionedConcurrencyConfigs"], key=lambda one: one["FunctionArn"])
    assert [one["FunctionArn"] for one in configs] == [f"{arn}:blue", f"{arn}:green"]
    assert configs[0] | {"FunctionArn": ""} == provisioning.get(client, name, "blue") | {
        "FunctionArn": ""
    }
    assert "NextMarker" not in listed


@pytest.mark.aws("api/API_ListProvisionedConcurrencyConfigs.html")
def test_a_function_without_any_has_an_empty_listing(client: "LambdaClient", name: str) -> None:
    create(client, name, provisioning.source())
    listed = client.list_provisioned_concurrency_configs(FunctionName=name)
    assert listed["ProvisionedConcurrencyConfigs"] == []


@pytest.mark.aws("model:ListProvisionedConcurrencyConfigsRequest.MaxItems")
def test_a_listing_comes_in_pages(client: "LambdaClient", name: str) -> None:
    aliases = [f"a{number}" for number in range(5)]
    named(client, name, *aliases)
    for alias in aliases:
        provisioning.put(client, name, alias, 1)
    first = client.list_provisioned_concurrency_configs(FunctionName=name, MaxItems=2)
    assert len(first["ProvisionedConcurrencyConfigs"]) == 2
    assert first["NextMarker"]
    pages = client.get_paginator("list_provisioned_concurrency_configs").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 2}
    )
    found = [one["FunctionArn"] for page in pages for one in page["ProvisionedConcurrencyConfigs"]]
    assert sorted(arn.split(":")[-1] for arn in found) == aliases


@pytest.mark.aws("api/API_ListProvisionedConcurrencyConfigs.html")
def test_an_unknown_function_has_no_listing(client: "LambdaClient") -> None:
    status, code, message = refused(
        client.list_provisioned_concurrency_configs, FunctionName="there-is-no-such"
    )
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message.startswith("Function not found: arn:")


# What is refused


def test_the_unpublished_version_cannot_have_any(client: "LambdaClient", name: str) -> None:
    create(client, name, provisioning.source())
    assert refused(
        client.put_provisioned_concurrency_config,
        FunctionName=name,
        Qualifier="$LATEST",
        ProvisionedConcurrentExecutions=1,
    ) == (
        400,
        "InvalidParameterValueException",
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
    )


def test_an_alias_of_the_unpublished_version_cannot_have_any(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, provisioning.source())
    client.create_alias(FunctionName=name, Name="dev", FunctionVersion="$LATEST")
    status, code, message = refused(
        client.put_provisioned_concurrency_config,
        FunctionName=name,
        Qualifier="dev",
        ProvisionedConcurrentExecutions=1,
    )
    assert (status, code) == (400, "InvalidParameterValueException")
    assert "unpublished function versions" in message


@pytest.mark.aws("api/API_GetProvisionedConcurrencyConfig.html")
@pytest.mark.parametrize("verb", ["get", "delete"])
def test_the_unpublished_version_is_not_even_looked_at(
    client: "LambdaClient", name: str, verb: str
) -> None:
    create(client, name, provisioning.source())
    call = getattr(client, f"{verb}_provisioned_concurrency_config")
    shown = refused(call, FunctionName=name, Qualifier="$LATEST")
    assert shown == (400, "InvalidParameterValueException", LATEST)


@pytest.mark.parametrize("verb", ["put", "get", "delete"])
@pytest.mark.parametrize(
    ("qualifier", "text"),
    [("99", "Function not found: {arn}:99"), ("nobody", "Cannot find alias arn: {arn}:nobody")],
)
def test_what_does_not_exist_has_none(
    client: "LambdaClient", name: str, verb: str, qualifier: str, text: str
) -> None:
    create(client, name, provisioning.source())
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    members: dict[str, object] = {"FunctionName": name, "Qualifier": qualifier}
    if verb == "put":
        members["ProvisionedConcurrentExecutions"] = 1
    shown = refused(getattr(client, f"{verb}_provisioned_concurrency_config"), **members)
    assert shown == (404, "ResourceNotFoundException", text.format(arn=arn))


@pytest.mark.parametrize("verb", ["put", "get", "delete"])
def test_an_unknown_function_has_none(client: "LambdaClient", verb: str) -> None:
    members: dict[str, object] = {"FunctionName": "there-is-no-such", "Qualifier": "1"}
    if verb == "put":
        members["ProvisionedConcurrentExecutions"] = 1
    shown = refused(getattr(client, f"{verb}_provisioned_concurrency_config"), **members)
    assert shown[:2] == (404, "ResourceNotFoundException")


@pytest.mark.aws("model:PutProvisionedConcurrencyConfigRequest.ProvisionedConcurrentExecutions")
@pytest.mark.parametrize("count", [0, -1])
def test_at_least_one_must_be_asked_for(
    unchecked: "LambdaClient", client: "LambdaClient", name: str, count: int
) -> None:
    provisioning.function(client, name)
    status, code, message = refused(
        unchecked.put_provisioned_concurrency_config,
        FunctionName=name,
        Qualifier="1",
        ProvisionedConcurrentExecutions=count,
    )
    assert (status, code) == (400, "ValidationException")
    assert f"Value '{count}' at 'provisionedConcurrentExecutions'" in message
    assert "greater than or equal to 1" in message


def test_a_version_that_has_some_leaves_none_for_its_aliases(
    client: "LambdaClient", name: str
) -> None:
    named(client, name, "live")
    provisioning.put(client, name, "1", 1)
    assert refused(
        client.put_provisioned_concurrency_config,
        FunctionName=name,
        Qualifier="live",
        ProvisionedConcurrentExecutions=1,
    ) == (
        409,
        "ResourceConflictException",
        (
            "Alias can't be used for Provisioned Concurrency configuration on an already "
            "Provisioned version"
        ),
    )


def test_an_alias_that_has_some_leaves_none_for_its_version(
    client: "LambdaClient", name: str
) -> None:
    named(client, name, "live")
    provisioning.put(client, name, "live", 1)
    assert refused(
        client.put_provisioned_concurrency_config,
        FunctionName=name,
        Qualifier="1",
        ProvisionedConcurrentExecutions=1,
    ) == (
        409,
        "ResourceConflictException",
        "Version is pointed by a Provisioned Concurrency alias",
    )


@pytest.mark.aws("api/API_UpdateAlias.html")
def test_an_alias_that_has_some_cannot_move_to_the_unpublished_version(
    client: "LambdaClient", name: str
) -> None:
    named(client, name, "live")
    provisioning.put(client, name, "live", 1)
    status, code, message = refused(
        client.update_alias, FunctionName=name, Name="live", FunctionVersion="$LATEST"
    )
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message == "Invalid alias configuration for Provisioned Concurrency"


# Going with what it belongs to


@pytest.mark.aws("api/API_DeleteAlias.html")
def test_it_goes_with_its_alias(client: "LambdaClient", name: str) -> None:
    named(client, name, "live")
    provisioning.put(client, name, "live", 1)
    client.delete_alias(FunctionName=name, Name="live")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    shown = refused(client.get_provisioned_concurrency_config, FunctionName=name, Qualifier="live")
    assert shown == NOT_FOUND


@pytest.mark.slow_on_aws("environments are provisioned")
@pytest.mark.aws("api/API_DeleteFunction.html")
def test_it_goes_with_its_version(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    provisioning.ready(client, name, "1", 1)
    client.delete_function(FunctionName=name, Qualifier="1")
    listed = client.list_provisioned_concurrency_configs(FunctionName=name)
    assert listed["ProvisionedConcurrencyConfigs"] == []


@pytest.mark.slow_on_aws("environments are provisioned")
@pytest.mark.aws("api/API_DeleteFunction.html")
def test_it_goes_with_its_function(client: "LambdaClient", name: str) -> None:
    provisioning.function(client, name)
    before = unreserved(client)
    provisioning.ready(client, name, "1", 2)
    client.delete_function(FunctionName=name)
    assert unreserved(client) == before
    provisioning.function(client, name)
    shown = refused(client.get_provisioned_concurrency_config, FunctionName=name, Qualifier="1")
    assert shown == NOT_FOUND
