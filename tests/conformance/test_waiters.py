"""Every waiter of the SDK ends, on success and on failure.

The waiters are botocore's own, out of its data; boto3 and the aws CLI run the same.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore
import botocore.exceptions
import botocore.session
import platform_process
import pytest
from platform_process import ROLE, RUNTIME, package
from support import aws_cli

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/functions-states.html")

CODE = "def handler(event, context):\n    return event\n"
OFTEN = {"Delay": 0.05, "MaxAttempts": 400}


def made(client: "LambdaClient", name: str, **members: Any) -> None:
    """Create a function without waiting for it."""
    arguments: dict[str, Any] = {
        "FunctionName": name, "Runtime": RUNTIME, "Role": ROLE, "Handler": "app.handler",
        "Code": {"ZipFile": package(CODE)},
    } | members  # fmt: skip
    client.create_function(**arguments)


def lacking(client: "LambdaClient", name: str) -> str:
    """Return a runtime that this machine does not have."""
    for runtime in ("dotnet8", "ruby3.4", "java25"):
        probe = f"{name[:50]}-{runtime.replace('.', '-')}"
        made(client, probe, Runtime=runtime)
        try:
            platform_process.wait_active(client, probe)
        except botocore.exceptions.WaiterError:
            return runtime
        finally:
            client.delete_function(FunctionName=probe)
    pytest.skip("every runtime is installed here")


def wait(client: "LambdaClient", waiter: str, name: str, **members: Any) -> None:
    snake = botocore.xform_name(waiter)
    config = OFTEN | members.pop("config", {})
    client.get_waiter(snake).wait(FunctionName=name, WaiterConfig=config, **members)  # type: ignore[call-overload]


CREATED = ("FunctionActive", "FunctionActiveV2", "FunctionExists")
UPDATED = ("FunctionUpdated", "FunctionUpdatedV2")


def test_every_waiter_of_the_sdk_is_here() -> None:
    loader = botocore.session.get_session().get_component("data_loader")
    known = loader.load_service_model("lambda", "waiters-2")["waiters"]
    assert {*CREATED, *UPDATED, "PublishedVersionActive"} == set(known)


@pytest.mark.parametrize("waiter", CREATED)
def test_waiting_for_a_new_function(client: "LambdaClient", name: str, waiter: str) -> None:
    made(client, name)
    wait(client, waiter, name)
    if waiter != "FunctionExists":
        assert client.get_function_configuration(FunctionName=name)["State"] == "Active"


def test_waiting_begins_before_the_function_exists(client: "LambdaClient", name: str) -> None:
    waiting = threading.Thread(target=wait, args=(client, "FunctionExists", name))
    waiting.start()
    made(client, name)
    waiting.join(timeout=30)
    assert not waiting.is_alive()


@pytest.mark.parametrize("waiter", UPDATED)
@pytest.mark.aws("api/API_UpdateFunctionCode.html")
def test_waiting_for_an_update(client: "LambdaClient", name: str, waiter: str) -> None:
    platform_process.create(client, name, CODE)
    client.update_function_code(FunctionName=name, ZipFile=package(CODE + "# new\n"))
    wait(client, waiter, name)
    found = client.get_function_configuration(FunctionName=name)
    assert found["LastUpdateStatus"] == "Successful"


@pytest.mark.aws("dg/configuration-versions.html")
def test_waiting_for_a_published_version(client: "LambdaClient", name: str) -> None:
    made(client, name, Publish=True)
    wait(client, "PublishedVersionActive", name, Qualifier="1")
    found = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert found["State"] == "Active"


@pytest.mark.parametrize("waiter", ["FunctionActive", "FunctionActiveV2", "PublishedVersionActive"])
@pytest.mark.ours("AWS has every runtime")
def test_waiting_for_a_function_that_fails_ends(
    client: "LambdaClient", name: str, waiter: str
) -> None:
    made(client, name, Runtime=lacking(client, name), Publish=True)
    members = {"Qualifier": "1"} if waiter == "PublishedVersionActive" else {}
    with pytest.raises(botocore.exceptions.WaiterError, match="terminal failure state"):
        wait(client, waiter, name, **members)
    found = client.get_function_configuration(FunctionName=name, **members)  # type: ignore[arg-type]
    assert (found["State"], found["StateReasonCode"]) == ("Failed", "InvalidRuntime")


@pytest.mark.parametrize("waiter", UPDATED)
@pytest.mark.ours("AWS has every runtime")
def test_waiting_for_an_update_that_fails_ends(
    client: "LambdaClient", name: str, waiter: str
) -> None:
    runtime = lacking(client, name)
    platform_process.create(client, name, CODE)
    client.update_function_configuration(FunctionName=name, Runtime=runtime)  # type: ignore[arg-type]
    with pytest.raises(botocore.exceptions.WaiterError, match="terminal failure state"):
        wait(client, waiter, name)


def test_waiting_for_a_function_that_never_comes_ends(client: "LambdaClient", name: str) -> None:
    with pytest.raises(botocore.exceptions.WaiterError, match="Max attempts exceeded"):
        wait(client, "FunctionExists", name, config={"MaxAttempts": 3})


@pytest.mark.parametrize("waiter", [*CREATED[:2], *UPDATED, "PublishedVersionActive"])
@pytest.mark.aws("model:ResourceNotFoundException")
def test_waiting_on_no_function_ends_at_once(
    client: "LambdaClient", name: str, waiter: str
) -> None:
    with pytest.raises(botocore.exceptions.WaiterError, match="ResourceNotFoundException"):
        wait(client, waiter, name)


@aws_cli.installed
@pytest.mark.parametrize("waiter", ["function-exists", "function-active-v2", "function-updated-v2"])
def test_the_cli_waits(client: "LambdaClient", name: str, tmp_path: Path, waiter: str) -> None:
    made(client, name)
    assert aws_cli.Cli(client, tmp_path)("wait", waiter, "--function-name", name) is None


@aws_cli.installed
@pytest.mark.ours("AWS has every runtime")
def test_the_cli_stops_waiting_for_what_failed(
    client: "LambdaClient", name: str, tmp_path: Path
) -> None:
    made(client, name, Runtime=lacking(client, name))
    message = aws_cli.Cli(client, tmp_path)(
        "wait", "function-active-v2", "--function-name", name, fails=True
    )
    assert "Waiter FunctionActiveV2 failed: Waiter encountered a terminal failure state" in message
