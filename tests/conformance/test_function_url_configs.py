"""Function URLs' configurations: dg/urls-configuration.html and the API's reference."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, refused
from support import url_calls

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_CreateFunctionUrlConfig.html")

CODE = "def handler(event, context):\n    return context.function_version\n"
EVERYTHING = {
    "AllowCredentials": True,
    "AllowHeaders": ["Content-Type", "X-Custom-Header"],
    "AllowMethods": ["GET", "POST"],
    "AllowOrigins": ["https://www.example.com", "http://localhost:60905"],
    "ExposeHeaders": ["Date"],
    "MaxAge": 300,
}
NO_RESOURCE = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
NO_FUNCTION = (404, "ResourceNotFoundException", "Function does not exist")


@pytest.fixture(scope="module")
def shared(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[str]:
    """A function without a URL, with version 1 and the alias `live`."""
    name = named("url-configs-of-nobody")
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    yield name
    client.delete_function(FunctionName=name)


def plain(answer: Any) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def arn(client: "LambdaClient", name: str) -> str:
    return client.get_function_configuration(FunctionName=name)["FunctionArn"]


def test_a_url_is_created_with_what_was_given(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    created = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert set(plain(created)) == {"FunctionUrl", "FunctionArn", "AuthType", "CreationTime"}
    assert created["AuthType"] == "NONE"
    assert created["FunctionArn"] == arn(client, name)


@pytest.mark.aws("dg/urls-configuration.html")
def test_its_address_has_an_id_and_the_region(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    url = client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    region = re.escape(client.meta.region_name)
    assert re.fullmatch(rf"https?://[a-z0-9]{{32}}\.lambda-url\.{region}\.[a-z.:0-9]+/", url)


@pytest.mark.aws("model:Timestamp")
def test_times_are_iso_8601(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.create_function_url_config(FunctionName=name, AuthType="NONE")
    shown = client.get_function_url_config(FunctionName=name)
    for member in (shown["CreationTime"], shown["LastModifiedTime"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z", member)


@pytest.mark.aws("model:CreateFunctionUrlConfigResponse.InvokeMode")
@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
def test_an_invoke_mode_is_shown_if_it_was_given(
    client: "LambdaClient", name: str, mode: Any
) -> None:
    create(client, name, CODE)
    created = client.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode=mode)
    assert created["InvokeMode"] == mode
    assert client.get_function_url_config(FunctionName=name)["InvokeMode"] == mode


@pytest.mark.aws("api/API_GetFunctionUrlConfig.html")
def test_get_shows_what_create_leaves_out(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    created = plain(client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM"))
    shown = plain(client.get_function_url_config(FunctionName=name))
    assert shown == created | {
        "InvokeMode": "BUFFERED",
        "LastModifiedTime": created["CreationTime"],
    }


@pytest.mark.aws("model:Cors")
def test_cors_settings_come_back_as_they_were_given(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    created = client.create_function_url_config(
        FunctionName=name,
        AuthType="NONE",
        Cors=EVERYTHING,  # type: ignore[arg-type]
    )
    assert created["Cors"] == EVERYTHING
    assert client.get_function_url_config(FunctionName=name)["Cors"] == EVERYTHING


@pytest.mark.aws("model:Cors")
def test_cors_settings_that_were_not_given_are_not_shown(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    created = client.create_function_url_config(
        FunctionName=name, AuthType="NONE", Cors={"AllowOrigins": ["*"], "AllowCredentials": False}
    )
    assert created["Cors"] == {"AllowOrigins": ["*"], "AllowCredentials": False}


def test_a_second_url_is_a_conflict(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.create_function_url_config(FunctionName=name, AuthType="NONE")
    status, code, message = refused(
        client.create_function_url_config, FunctionName=name, AuthType="NONE"
    )
    assert (status, code) == (409, "ResourceConflictException")
    assert message == (
        f"Failed to create function url config for [functionArn = {arn(client, name)}]. "
        "Error message:  FunctionUrlConfig exists for this Lambda function"
    )


@pytest.mark.aws("dg/urls-configuration.html")
def test_an_alias_has_a_url_of_its_own(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    first = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    second = client.create_function_url_config(
        FunctionName=name, Qualifier="live", AuthType="AWS_IAM"
    )
    assert second["FunctionArn"] == f"{first['FunctionArn']}:live"
    assert second["FunctionUrl"] != first["FunctionUrl"]
    conflict = refused(
        client.create_function_url_config,
        FunctionName=f"{name}:live",
        AuthType="NONE",
    )
    assert f"[functionArn = {second['FunctionArn']}]" in conflict[2]
    shown = client.get_function_url_config(FunctionName=name, Qualifier="live")
    assert shown["AuthType"] == "AWS_IAM"
    assert client.get_function_url_config(FunctionName=name)["AuthType"] == "NONE"


@pytest.mark.aws("model:FunctionUrlQualifier")
@pytest.mark.parametrize("qualifier", ["1", "$LATEST"])
@pytest.mark.parametrize(
    "operation", ["create_function_url_config", "get_function_url_config",
                  "update_function_url_config", "delete_function_url_config"],
)  # fmt: skip
def test_only_aliases_are_qualifiers(
    client: "LambdaClient", shared: str, operation: str, qualifier: str
) -> None:
    more = {"AuthType": "NONE"} if operation.startswith("create") else {}
    status, code, message = refused(
        getattr(client, operation), FunctionName=shared, Qualifier=qualifier, **more
    )
    assert (status, code) == (400, "ValidationException")
    assert f"Value '{qualifier}' at 'qualifier' failed to satisfy constraint" in message


@pytest.mark.aws("model:FunctionUrlFunctionName")
def test_a_version_in_the_name_is_not_valid_either(client: "LambdaClient", shared: str) -> None:
    status, code, message = refused(client.get_function_url_config, FunctionName=f"{shared}:1")
    assert (status, code) == (400, "ValidationException")
    assert f"Value '{shared}:1' at 'functionName'" in message


@pytest.mark.parametrize(
    ("operation", "more", "expected"),
    [
        ("create_function_url_config", {"AuthType": "NONE"}, NO_FUNCTION),
        ("update_function_url_config", {"AuthType": "NONE"}, NO_FUNCTION),
        ("get_function_url_config", {}, NO_RESOURCE),
        ("delete_function_url_config", {}, NO_RESOURCE),
        ("list_function_url_configs", {}, NO_FUNCTION),
    ],
)
def test_a_function_that_does_not_exist_has_no_url(
    client: "LambdaClient", operation: str, more: dict[str, str], expected: tuple[int, str, str]
) -> None:
    assert refused(getattr(client, operation), FunctionName="nobody-at-all", **more) == expected


@pytest.mark.parametrize(
    ("operation", "more", "expected"),
    [
        ("create_function_url_config", {"AuthType": "NONE"}, NO_FUNCTION),
        ("update_function_url_config", {"AuthType": "NONE"}, NO_FUNCTION),
        ("get_function_url_config", {}, NO_RESOURCE),
        ("delete_function_url_config", {}, NO_RESOURCE),
    ],
)
def test_an_alias_that_does_not_exist_has_no_url(
    client: "LambdaClient",
    shared: str,
    operation: str,
    more: dict[str, str],
    expected: tuple[int, str, str],
) -> None:
    assert (
        refused(getattr(client, operation), FunctionName=shared, Qualifier="nope", **more)
        == expected
    )


@pytest.mark.parametrize("qualifier", [{}, {"Qualifier": "live"}])
@pytest.mark.parametrize(
    "operation",
    ["get_function_url_config", "update_function_url_config", "delete_function_url_config"],
)
def test_a_url_that_does_not_exist_is_not_found(
    client: "LambdaClient", shared: str, operation: str, qualifier: dict[str, str]
) -> None:
    assert refused(getattr(client, operation), FunctionName=shared, **qualifier) == NO_RESOURCE


@pytest.mark.parametrize(
    ("member", "given", "path"),
    [
        ("AuthType", "PUBLIC", "authType"),
        ("InvokeMode", "UNKNOWN", "invokeMode"),
        ("Cors", {"MaxAge": 86401}, "cors.maxAge"),
        ("Cors", {"AllowOrigins": ["https://x.org"] * 101}, "cors.allowOrigins"),
        ("Cors", {"AllowMethods": ["OPTIONS"]}, "cors.allowMethods"),
        ("Cors", {"AllowMethods": ["GET"] * 7}, "cors.allowMethods"),
        ("Cors", {"AllowHeaders": ["x" * 1025]}, "cors.allowHeaders"),
        ("Cors", {"ExposeHeaders": ["x"] * 101}, "cors.exposeHeaders"),
    ],
)
def test_settings_that_the_model_does_not_allow_are_refused(
    client: "LambdaClient", shared: str, member: str, given: object, path: str
) -> None:
    arguments = {"FunctionName": shared, "AuthType": "NONE"} | {member: given}
    status, code, message = refused(client.create_function_url_config, **arguments)
    assert (status, code) == (400, "ValidationException")
    assert f"at '{path}' failed to satisfy constraint: Member must " in message


@pytest.mark.aws("api/API_UpdateFunctionUrlConfig.html")
def test_an_update_changes_what_it_names_and_nothing_else(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, CODE)
    created = client.create_function_url_config(
        FunctionName=name,
        AuthType="NONE",
        Cors=EVERYTHING,  # type: ignore[arg-type]
    )
    updated = plain(client.update_function_url_config(FunctionName=name, AuthType="AWS_IAM"))
    assert updated.pop("LastModifiedTime") > created["CreationTime"]
    assert updated == plain(created) | {"AuthType": "AWS_IAM"}
    cors = client.update_function_url_config(FunctionName=name, Cors={"MaxAge": 7})
    assert cors["Cors"] == {"MaxAge": 7}
    assert cors["AuthType"] == "AWS_IAM"


@pytest.mark.aws("model:UpdateFunctionUrlConfigResponse.InvokeMode")
def test_an_update_shows_the_mode_that_was_ever_given(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert "InvokeMode" not in client.update_function_url_config(
        FunctionName=name, AuthType="AWS_IAM"
    )
    streamed = client.update_function_url_config(FunctionName=name, InvokeMode="RESPONSE_STREAM")
    assert streamed["InvokeMode"] == "RESPONSE_STREAM"
    assert client.update_function_url_config(FunctionName=name)["InvokeMode"] == "RESPONSE_STREAM"


@pytest.mark.aws("api/API_UpdateFunctionUrlConfig.html")
def test_empty_cors_settings_take_them_away(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.create_function_url_config(FunctionName=name, AuthType="NONE", Cors={"MaxAge": 7})
    client.update_function_url_config(FunctionName=name, Cors={})
    assert not client.get_function_url_config(FunctionName=name).get("Cors")


@pytest.mark.aws("api/API_DeleteFunctionUrlConfig.html")
def test_a_deleted_url_is_gone_and_its_address_never_comes_back(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, CODE)
    first = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    deleted = client.delete_function_url_config(FunctionName=name)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(client.get_function_url_config, FunctionName=name) == NO_RESOURCE
    second = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert second["FunctionUrl"] != first["FunctionUrl"]


@pytest.mark.aws("dg/urls-configuration.html")
def test_a_function_made_anew_has_no_url(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.create_function_url_config(FunctionName=name, AuthType="NONE")
    client.delete_function(FunctionName=name)
    create(client, name, CODE)
    assert refused(client.get_function_url_config, FunctionName=name) == NO_RESOURCE
    assert client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"] == []


@pytest.mark.aws("api/API_ListFunctionUrlConfigs.html")
def test_a_list_has_pages_and_ends(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    made = {client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]}
    for alias in ("a", "b"):
        client.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
        made.add(
            client.create_function_url_config(FunctionName=name, Qualifier=alias, AuthType="NONE")[
                "FunctionUrl"
            ]
        )
    whole = client.list_function_url_configs(FunctionName=name)
    assert {one["FunctionUrl"] for one in whole["FunctionUrlConfigs"]} == made
    assert all("InvokeMode" in one for one in whole["FunctionUrlConfigs"])
    assert "NextMarker" not in whole
    pages = client.get_paginator("list_function_url_configs").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 1}
    )
    seen = [[one["FunctionUrl"] for one in page["FunctionUrlConfigs"]] for page in pages]
    assert [len(page) for page in seen] == [1, 1, 1]
    assert {url for page in seen for url in page} == made


@pytest.mark.aws("dg/configuration-aliases.html")
def test_a_deleted_alias_takes_its_url_along(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    url = url_calls.publish(client, name, Qualifier="live")
    assert url_calls.call(url).body == b"1"
    client.delete_alias(FunctionName=name, Name="live")
    assert url_calls.call(url).status == 403
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert (
        refused(client.get_function_url_config, FunctionName=name, Qualifier="live") == NO_RESOURCE
    )
