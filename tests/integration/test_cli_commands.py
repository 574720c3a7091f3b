"""`inglenook invoke`, `logs` and `ls` against a platform in its own process."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import platform_process
import pytest

CODE = """
def handler(event, context):
    print("seen", event.get("n"))
    if event.get("fail"):
        raise ValueError("as asked")
    return {"n": event.get("n"), "version": context.function_version}
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[platform_process.Platform]:
    with platform_process.running(tmp_path_factory.mktemp("platform")) as running:
        client = running.client()
        platform_process.create(client, "echo", CODE)
        client.publish_version(FunctionName="echo")
        client.create_alias(FunctionName="echo", Name="live", FunctionVersion="1")
        yield running


def run(
    platform: platform_process.Platform | None, *arguments: str, stdin: str = ""
) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "inglenook_local", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=platform.environment if platform else dict(os.environ),
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_invoke_prints_the_answer_and_nothing_else(platform: platform_process.Platform) -> None:
    code, out, err = run(platform, "invoke", "echo", "--payload", '{"n": 1}')
    assert (code, json.loads(out), err) == (0, {"n": 1, "version": "$LATEST"}, "")


def test_invoke_takes_the_event_from_a_file_or_from_standard_input(
    platform: platform_process.Platform, tmp_path: Path
) -> None:
    event = tmp_path / "event.json"
    event.write_text('{"n": 2}')
    assert json.loads(run(platform, "invoke", "echo", "-p", f"@{event}")[1])["n"] == 2
    assert json.loads(run(platform, "invoke", "echo", "-p", "-", stdin='{"n": 3}')[1])["n"] == 3
    code, _, err = run(platform, "invoke", "echo", "-p", "@/not/there")
    assert (code, "/not/there" in err) == (2, True)


@pytest.mark.parametrize("arguments", [["echo", "-q", "live"], ["echo:live"]])
def test_invoke_takes_a_qualifier(
    platform: platform_process.Platform, arguments: list[str]
) -> None:
    assert json.loads(run(platform, "invoke", *arguments)[1])["version"] == "1"


def test_tail_goes_to_standard_error(platform: platform_process.Platform) -> None:
    code, out, err = run(platform, "invoke", "echo", "-p", '{"n": 4}', "--tail")
    assert code == 0
    assert json.loads(out)["n"] == 4
    assert "seen 4\n" in err
    assert err.startswith("START RequestId")


def test_a_function_that_fails_ends_the_command_with_1(
    platform: platform_process.Platform,
) -> None:
    code, out, _ = run(platform, "invoke", "echo", "-p", '{"fail": true}')
    assert (code, json.loads(out)["errorMessage"]) == (1, "as asked")
    code, out, _ = run(platform, "invoke", "echo", "-p", '{"fail": true, "n": 5}', "--json")
    answer = json.loads(out)
    assert (code, answer["functionError"]) == (1, "Unhandled")
    assert (answer["statusCode"], answer["executedVersion"]) == (200, "$LATEST")
    assert answer["payload"]["errorType"] == "ValueError"
    assert f"START RequestId: {answer['requestId']}" in answer["log"]
    assert "seen 5\n" in answer["log"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["invoke", "nobody"], "ResourceNotFoundException: Function not found: arn:aws:lambda:"),
        (["invoke", "echo", "-p", "{"], "InvalidRequestContentException: "),
        (["invoke", "echo", "-q", "9"], "ResourceNotFoundException: "),
        (["logs", "nobody"], "ResourceNotFoundException: "),
    ],
)
def test_what_the_platform_refuses_ends_with_3_and_its_reason(
    platform: platform_process.Platform, arguments: list[str], complaint: str
) -> None:
    code, out, err = run(platform, *arguments)
    assert (code, out) == (3, "")
    assert err.startswith(f"inglenook: {complaint}")


@pytest.mark.parametrize("command", [["ls"], ["invoke", "echo"], ["logs", "echo", "-f"]])
def test_nobody_there_is_said_with_what_to_do(command: list[str]) -> None:
    with socket.socket() as reserved:  # bound, never listening: a connection is refused
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        code, out, err = run(None, *command, "--endpoint", url)
    assert (code, out) == (4, "")
    assert f"nothing answers at {url}; start it with `inglenook up`" in err


def test_ls_shows_what_there_is(platform: platform_process.Platform) -> None:
    code, out, _ = run(platform, "ls")
    heading, echo = out.splitlines()
    assert code == 0
    assert heading.split() == ["Name", "Runtime", "Memory", "Versions", "State", "Last", "modified"]
    assert echo.split()[:6] == ["echo", platform_process.RUNTIME, "128", "MB", "1", "Active"]
    row = json.loads(run(platform, "ls", "--json")[1])
    assert row.pop("lastModified")
    assert row == {
        "name": "echo",
        "runtime": platform_process.RUNTIME,
        "memoryMb": 128,
        "versions": ["1"],
        "state": "Active",
    }


def test_logs_show_what_a_function_printed(platform: platform_process.Platform) -> None:
    run(platform, "invoke", "echo", "-p", '{"n": "for the log"}')
    code, out, _ = run(platform, "logs", "echo", "--since", "10m")
    assert code == 0
    assert "Z seen for the log\n" in out
    entries = [json.loads(line) for line in run(platform, "logs", "echo", "--json")[1].splitlines()]
    assert "seen for the log\n" in [entry["message"] for entry in entries]
    assert run(platform, "logs", "/aws/lambda/echo", "--json")[1].splitlines()
    code, _, err = run(platform, "logs", "echo", "--since", "yesterday")
    assert (code, "10m" in err) == (2, True)


# A shell starts background jobs with SIGINT ignored, and whatever they start inherits it.
WITH_CTRL_C = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from inglenook_local.cli import main; main()"
)


def test_logs_go_on_as_the_function_does_until_ctrl_c(
    platform: platform_process.Platform,
) -> None:
    run(platform, "invoke", "echo", "-p", '{"n": "past"}')
    command = [sys.executable, "-c", WITH_CTRL_C, "logs", "echo", "-f"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=platform.environment
    ) as following:
        assert following.stdout is not None
        assert following.stderr is not None
        try:
            for wanted in ("seen past\n", "seen live\n"):
                while not (line := following.stdout.readline()).endswith(wanted):
                    assert line
                run(platform, "invoke", "echo", "-p", '{"n": "live"}')
            following.send_signal(signal.SIGINT)
            assert following.wait(10) == 130
            assert following.stderr.read() == ""
        finally:
            following.kill()


def test_the_log_of_a_deleted_function_can_still_be_read(
    platform: platform_process.Platform,
) -> None:
    client = platform.client()
    platform_process.create(client, "brief", CODE)
    run(platform, "invoke", "brief", "-p", '{"n": "brief"}')
    client.delete_function(FunctionName="brief")
    code, out, _ = run(platform, "logs", "brief")
    assert (code, "seen brief\n" in out) == (0, True)


def test_the_small_commands_load_no_sdk_and_no_server() -> None:
    script = (
        "import sys\n"
        "from inglenook_local.cli import commands, invoke, ls, show_logs\n"
        "print(*{'aiohttp', 'botocore', 'boto3', 'asyncio', 'rich.table'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.split() == []
