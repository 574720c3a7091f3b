"""Event invoke configs: dg/invocation-async-configuring.html."""

from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_PutFunctionEventInvokeConfig.html")

CODE = "def handler(event, context):\n    return event\n"
NO_DESTINATIONS: dict[str, Any] = {"OnSuccess": {}, "OnFailure": {}}


def qualified(client: "LambdaClient", name: str) -> str:
    """Make a function with version 1 and the alias `live`; return its ARN."""
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return arn(client, name)


def arn(client: "LambdaClient", name: str) -> str:
    return client.get_function_configuration(FunctionName=name)["FunctionArn"]


def of(answer: Any) -> dict[str, Any]:
    """Return a config as it was answered, without what differs from call to call."""
    return {
        key: value
        for key, value in answer.items()
        if key not in ("ResponseMetadata", "LastModified", "FunctionArn")
    }


def test_a_config_shows_the_latest_version_in_its_arn(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    made = client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    assert made["FunctionArn"] == f"{arn(client, name)}:$LATEST"
    assert of(made) == {"MaximumRetryAttempts": 1, "DestinationConfig": NO_DESTINATIONS}
    read = client.get_function_event_invoke_config(FunctionName=name)
    assert (of(read), read["FunctionArn"]) == (of(made), made["FunctionArn"])
    assert read["LastModified"] == made["LastModified"]


@pytest.mark.parametrize(
    "members",
    [
        {"MaximumRetryAttempts": 0},
        {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60},
        {"MaximumEventAgeInSeconds": 21_600},
    ],
)
def test_only_what_was_set_is_shown(
    client: "LambdaClient", name: str, members: dict[str, int]
) -> None:
    create(client, name, CODE)
    made = client.put_function_event_invoke_config(FunctionName=name, **members)  # type: ignore[arg-type]
    assert of(made) == members | {"DestinationConfig": NO_DESTINATIONS}


def test_putting_again_resets_what_is_not_said(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=2, MaximumEventAgeInSeconds=60
    )
    made = client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    assert "MaximumEventAgeInSeconds" not in made
    assert made["MaximumRetryAttempts"] == 0


@pytest.mark.aws("api/API_UpdateFunctionEventInvokeConfig.html")
def test_updating_keeps_what_is_not_said(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    other = f"{name[:54]}-other"
    create(client, other, CODE)
    target = arn(client, other)
    client.put_function_event_invoke_config(
        FunctionName=name, MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": target}},
    )  # fmt: skip
    client.delete_function(FunctionName=other)
    changed = client.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    expected = {
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": 60,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": target}},
    }
    assert of(changed) == expected
    assert of(client.get_function_event_invoke_config(FunctionName=name)) == expected


@pytest.mark.aws("api/API_UpdateFunctionEventInvokeConfig.html")
def test_a_change_moves_the_time_of_the_last(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    made = client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    changed = client.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    assert changed["LastModified"] > made["LastModified"]


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ({"Qualifier": "$LATEST"}, "$LATEST"),
        ({"Qualifier": "1"}, "1"),
        ({"Qualifier": "live"}, "live"),
        ({"FunctionName": "{name}:live"}, "live"),
        ({"FunctionName": "{name}:1", "Qualifier": "1"}, "1"),
        ({"FunctionName": "{arn}:live"}, "live"),
        ({"FunctionName": "{arn}", "Qualifier": "live"}, "live"),
    ],
)
def test_each_qualifier_has_its_own(
    client: "LambdaClient", name: str, form: dict[str, str], shown: str
) -> None:
    whole = qualified(client, name)
    request: Any = {"FunctionName": name} | {
        key: value.format(name=name, arn=whole) for key, value in form.items()
    }
    made = client.put_function_event_invoke_config(MaximumRetryAttempts=1, **request)
    assert made["FunctionArn"] == f"{whole}:{shown}"
    listed = client.list_function_event_invoke_configs(FunctionName=name)
    assert [one["FunctionArn"] for one in listed["FunctionEventInvokeConfigs"]] == [
        f"{whole}:{shown}"
    ]


def test_two_qualifiers_may_not_differ(client: "LambdaClient", name: str) -> None:
    qualified(client, name)
    assert refused(
        client.put_function_event_invoke_config,
        FunctionName=f"{name}:1", Qualifier="live", MaximumRetryAttempts=1,
    ) == (
        400, "InvalidParameterValueException",
        "The derived qualifier from the function name does not match the specified qualifier.",
    )  # fmt: skip


@pytest.mark.parametrize("operation", ["put", "update"])
def test_something_has_to_be_said(client: "LambdaClient", name: str, operation: str) -> None:
    # Before the function is looked for: there is none.
    call = getattr(client, f"{operation}_function_event_invoke_config")
    assert refused(call, FunctionName=name) == (
        400, "InvalidParameterValueException",
        "You must specify at least one of error handling or destination setting.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("member", "value", "constraint"),
    [
        ("MaximumRetryAttempts", 3, "less than or equal to 2"),
        ("MaximumRetryAttempts", -1, "greater than or equal to 0"),
        ("MaximumEventAgeInSeconds", 59, "greater than or equal to 60"),
        ("MaximumEventAgeInSeconds", 21_601, "less than or equal to 21600"),
    ],
)
@pytest.mark.aws("model:PutFunctionEventInvokeConfigRequest")
def test_retries_and_age_have_limits(
    unchecked: "LambdaClient", name: str, member: str, value: int, constraint: str
) -> None:
    status, error, message = refused(
        unchecked.put_function_event_invoke_config, FunctionName=name, **{member: value}
    )
    assert (status, error) == (400, "ValidationException")
    assert f"Value '{value}' at '{member[0].lower()}{member[1:]}'" in message
    assert constraint in message


@pytest.mark.parametrize("operation", ["put", "update"])
def test_a_function_that_is_not_there_is_given_none(
    client: "LambdaClient", name: str, operation: str
) -> None:
    call = getattr(client, f"{operation}_function_event_invoke_config")
    expected = (404, "ResourceNotFoundException", "The function doesn't exist.")
    assert refused(call, FunctionName=name, MaximumRetryAttempts=1) == expected
    create(client, name, CODE)
    for qualifier in ("7", "gone"):
        request = {"FunctionName": name, "Qualifier": qualifier, "MaximumRetryAttempts": 1}
        assert refused(call, **request) == expected


@pytest.mark.parametrize("operation", ["get", "update", "delete"])
@pytest.mark.parametrize("qualifier", [None, "1", "live"])
@pytest.mark.aws("api/API_GetFunctionEventInvokeConfig.html")
def test_no_config_is_not_found(
    client: "LambdaClient", name: str, operation: str, qualifier: str | None
) -> None:
    whole = qualified(client, name)
    request: dict[str, Any] = {"FunctionName": name}
    request |= {"Qualifier": qualifier} if qualifier else {}
    request |= {"MaximumRetryAttempts": 1} if operation == "update" else {}
    call = getattr(client, f"{operation}_function_event_invoke_config")
    assert refused(call, **request) == (
        404, "ResourceNotFoundException",
        f"The function {whole}:{qualifier or '$LATEST'} doesn't have an EventInvokeConfig",
    )  # fmt: skip


@pytest.mark.parametrize("operation", ["get", "delete"])
def test_a_function_that_is_not_there_has_none(
    client: "LambdaClient", name: str, operation: str
) -> None:
    call = getattr(client, f"{operation}_function_event_invoke_config")
    status, error, message = refused(call, FunctionName=name)
    assert (status, error) == (404, "ResourceNotFoundException")
    assert message.endswith(f":function:{name}:$LATEST doesn't have an EventInvokeConfig")


@pytest.mark.aws("api/API_DeleteFunctionEventInvokeConfig.html")
def test_deleting_one_leaves_the_others(client: "LambdaClient", name: str) -> None:
    whole = qualified(client, name)
    for qualifier in ("$LATEST", "1", "live"):
        client.put_function_event_invoke_config(
            FunctionName=name, Qualifier=qualifier, MaximumRetryAttempts=1
        )
    answer = client.delete_function_event_invoke_config(FunctionName=name, Qualifier="1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    listed = client.list_function_event_invoke_configs(FunctionName=name)
    arns = {one["FunctionArn"] for one in listed["FunctionEventInvokeConfigs"]}
    assert arns == {f"{whole}:$LATEST", f"{whole}:live"}


@pytest.mark.aws("api/API_ListFunctionEventInvokeConfigs.html")
def test_a_listing_is_empty_or_of_no_function(client: "LambdaClient", name: str) -> None:
    assert refused(client.list_function_event_invoke_configs, FunctionName=name) == (
        404, "ResourceNotFoundException", "The function doesn't exist.",
    )  # fmt: skip
    create(client, name, CODE)
    listed = client.list_function_event_invoke_configs(FunctionName=name)
    assert listed["FunctionEventInvokeConfigs"] == []
    assert "NextMarker" not in listed


@pytest.mark.aws("api/API_ListFunctionEventInvokeConfigs.html")
def test_listed_configs_are_whole(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    made = client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=300
    )
    listed = client.list_function_event_invoke_configs(FunctionName=name)
    expected = {key: value for key, value in made.items() if key != "ResponseMetadata"}
    assert listed["FunctionEventInvokeConfigs"] == [expected]


@pytest.mark.aws("api/API_DeleteAlias.html")
def test_an_alias_takes_its_config_along(client: "LambdaClient", name: str) -> None:
    qualified(client, name)
    client.put_function_event_invoke_config(
        FunctionName=name, Qualifier="live", MaximumRetryAttempts=1
    )
    client.delete_alias(FunctionName=name, Name="live")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    status, error, _ = refused(
        client.get_function_event_invoke_config, FunctionName=name, Qualifier="live"
    )
    assert (status, error) == (404, "ResourceNotFoundException")


@pytest.mark.aws("api/API_DeleteFunction.html")
def test_a_new_function_of_the_name_has_no_config(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    client.delete_function(FunctionName=name)
    create(client, name, CODE)
    assert refused(client.get_function_event_invoke_config, FunctionName=name)[0] == 404
