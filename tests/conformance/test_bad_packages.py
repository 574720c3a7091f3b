"""Packages and functions that cannot be: AWS's error, and nothing half made.

dg/gettingstarted-limits.html has the sizes; what a zip may hold is what can be unpacked safely.
"""

import concurrent.futures
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import platform_process
import pytest
from platform_process import ROLE, RUNTIME, create, package, refused, wait_updated
from support import bad_zips

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("model:FunctionCode.ZipFile")

ECHO = "def handler(event, context):\n    return event\n"


@pytest.mark.parametrize(("make", "text"), bad_zips.cases())
def test_a_package_that_cannot_be_unpacked_makes_no_function(
    client: "LambdaClient", name: str, make: Callable[[], bytes], text: str
) -> None:
    assert refused(
        client.create_function, FunctionName=name, Runtime=RUNTIME, Role=ROLE,
        Handler="app.handler", Code={"ZipFile": make()},
    ) == (400, "InvalidParameterValueException", text)  # fmt: skip
    assert refused(client.get_function, FunctionName=name)[0] == 404


@pytest.mark.aws("model:UpdateFunctionCodeRequest.ZipFile")
@pytest.mark.parametrize("kind", bad_zips.REFUSED)
def test_an_update_with_a_bad_package_changes_nothing(
    client: "LambdaClient", name: str, kind: str
) -> None:
    make, text = bad_zips.REFUSED[kind]
    create(client, name, ECHO)
    before = client.get_function_configuration(FunctionName=name)
    assert refused(
        client.update_function_code, FunctionName=name, ZipFile=make(), Publish=True
    ) == (400, "InvalidParameterValueException", text)
    after = client.get_function_configuration(FunctionName=name)
    assert after | {"ResponseMetadata": None} == before | {"ResponseMetadata": None}  # type: ignore[operator]
    assert len(client.list_versions_by_function(FunctionName=name)["Versions"]) == 1
    assert client.invoke(FunctionName=name, Payload=b"7")["Payload"].read() == b"7"


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_package_over_fifty_megabytes_zipped_is_too_large(
    client: "LambdaClient", name: str
) -> None:
    status, error, message = refused(
        client.create_function, FunctionName=name, Runtime=RUNTIME, Role=ROLE,
        Handler="app.handler", Code={"ZipFile": bytes(52_428_801)},
    )  # fmt: skip
    assert (status, error) == (413, "RequestEntityTooLargeException")
    assert message == "Zipped size must be smaller than 52428800 bytes"


@pytest.mark.aws("model:CreateFunctionRequest.Handler")
@pytest.mark.parametrize(
    ("handler", "layout"),
    [
        ("pkg/app.handler", {"pkg/app.py": ECHO}),
        ("pkg.app.handler", {"pkg/app.py": ECHO, "pkg/__init__.py": ""}),
        ("deep/er/app.handler", {"deep/er/app.py": ECHO}),
    ],
)
def test_a_handler_may_lie_in_a_folder(
    client: "LambdaClient", name: str, handler: str, layout: dict[str, str]
) -> None:
    create(client, name, package(layout), Handler=handler)
    assert client.invoke(FunctionName=name, Payload=b'"in"')["Payload"].read() == b'"in"'


@pytest.mark.aws("dg/python-handler.html")
@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        ("app/handler", "Runtime.MalformedHandlerName"),
        ("app", "Runtime.MalformedHandlerName"),
        ("app.", "Runtime.HandlerNotFound"),
        # AWS's runtime client makes dots of the slashes, and a relative import of them.
        ("../app.handler", "TypeError"),
        ("/etc/passwd.handler", "TypeError"),
        ("app.handler.more", "Runtime.ImportModuleError"),
    ],
)
def test_a_handler_that_leads_nowhere_is_the_functions_error(
    client: "LambdaClient", name: str, handler: str, error_type: str
) -> None:
    create(client, name, ECHO, Handler=handler)
    response = client.invoke(FunctionName=name)
    assert response["FunctionError"] == "Unhandled"
    assert json.loads(response["Payload"].read())["errorType"] == error_type


@pytest.mark.aws("model:CreateFunctionRequest.Handler")
@pytest.mark.parametrize("handler", ["app handler", "app.handler\n", "a" * 129])
def test_a_handler_that_is_no_handler_is_refused(
    client: "LambdaClient", name: str, handler: str
) -> None:
    status, error, message = refused(
        client.create_function, FunctionName=name, Runtime=RUNTIME, Role=ROLE,
        Handler=handler, Code={"ZipFile": package(ECHO)},
    )  # fmt: skip
    assert (status, error) == (400, "ValidationException")
    assert "at 'handler' failed to satisfy constraint" in message


@pytest.mark.aws("api/API_UpdateFunctionCode.html")
def test_of_many_updates_at_once_each_is_done_whole_or_refused(
    client: "LambdaClient", hasty: "LambdaClient", name: str
) -> None:
    create(client, name, "def handler(event, context):\n    return -1\n")

    def update(number: int) -> int | None:
        source = f"def handler(event, context):\n    return {number}\n"
        try:
            hasty.update_function_code(FunctionName=name, ZipFile=package(source))
        except hasty.exceptions.ResourceConflictException:
            return None
        return number

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = {number for number in pool.map(update, range(64)) if number is not None}
    wait_updated(client, name)
    assert done
    assert json.loads(client.invoke(FunctionName=name)["Payload"].read()) in done


@pytest.mark.aws("api/API_CreateFunction.html")
def test_of_many_creations_of_one_name_one_succeeds(client: "LambdaClient", name: str) -> None:
    def make(number: int) -> int | None:
        source = f"def handler(event, context):\n    return {number}\n"
        try:
            client.create_function(
                FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler",
                Code={"ZipFile": package(source)},
            )  # fmt: skip
        except client.exceptions.ResourceConflictException:
            return None
        return number

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        made = [number for number in pool.map(make, range(32)) if number is not None]
    assert len(made) == 1
    platform_process.wait_active(client, name)
    assert json.loads(client.invoke(FunctionName=name)["Payload"].read()) == made[0]
