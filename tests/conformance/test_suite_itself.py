"""What the suite promises of its own cases: they wait, have sources, and names of their own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import ROLE, RUNTIME, create, package, wait_active, wait_updated
from support import settling, sources

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.ours("the suite, not the endpoint")

CODE = "def handler(event, context):\n    return 1\n"


def began(client: "LambdaClient", name: str) -> None:
    client.create_function(
        FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler",
        Code={"ZipFile": package(CODE)},
    )  # type: ignore[call-overload] # fmt: skip


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("invoke", {}),
        ("publish_version", {}),
        ("update_function_configuration", {"Timeout": 9}),
        ("create_alias", {"Name": "live", "FunctionVersion": "$LATEST"}),
    ],
)
def test_a_case_that_does_not_wait_for_a_creation_fails(
    client: "LambdaClient", name: str, operation: str, members: dict[str, Any]
) -> None:
    began(client, name)
    with pytest.raises(settling.HastyError, match="without having waited for its creation"):
        getattr(client, operation)(FunctionName=name, **members)
    wait_active(client, name)
    getattr(client, operation)(FunctionName=name, **members)


@pytest.mark.parametrize("form", ["{name}", "{arn}", "{arn}:$LATEST", "function:{name}"])
@pytest.mark.parametrize("operation", ["invoke", "publish_version"])
def test_a_case_that_does_not_wait_for_an_update_fails(
    client: "LambdaClient", name: str, operation: str, form: str
) -> None:
    create(client, name, CODE)
    arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    given = form.format(name=name, arn=arn)
    client.update_function_configuration(FunctionName=name, Timeout=9)
    with pytest.raises(settling.HastyError, match="without having waited for an update"):
        getattr(client, operation)(FunctionName=given)


def test_versions_and_other_functions_are_not_waited_for(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Timeout=9)
    client.invoke(FunctionName=name, Qualifier="1")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName=f"{name[:50]}-other")
    wait_updated(client, name)
    client.invoke(FunctionName=name)


def test_what_was_refused_or_only_tried_is_no_change(client: "LambdaClient", name: str) -> None:
    create(client, name, CODE)
    client.update_function_code(FunctionName=name, ZipFile=package(CODE), DryRun=True)
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.update_function_code(FunctionName=name, ZipFile=b"no zip")
    client.invoke(FunctionName=name)


def test_names_are_given_once_and_can_be_anythings(named: Callable[[str], str]) -> None:
    many = [named("a case [with-more, than/this]" * 4) for _ in range(3)]
    assert len(set(many)) == 3
    assert all(len(name) <= 60 and name.replace("-", "").isalnum() for name in many)


@pytest.mark.parametrize(
    "source",
    [
        "api/API_Invoke.html", "api/API_FunctionCode.html", "api/API_Operations.html",
        "dg/functions-states.html", "model:Weight", "model:AliasConfiguration.RoutingConfig",
    ],
)  # fmt: skip
def test_a_page_or_member_that_there_is_is_a_source(source: str) -> None:
    assert sources.fault(source) is None


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("api/API_Ignite.html", "no operation or shape Ignite"),
        ("model:Hearth", "no shape Hearth"),
        ("model:AliasConfiguration.Hearth", "AliasConfiguration has no member Hearth"),
        ("model:Weight.Value", "Weight has no member Value"),
        ("https://example.com/dg/functions-states.html", "neither"),
        ("dg/functions-states", "neither"),
    ],
)
def test_what_there_is_not_is_none(source: str, fault: str) -> None:
    assert fault in (sources.fault(source) or "")
