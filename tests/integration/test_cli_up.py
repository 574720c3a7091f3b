"""`inglenook up` as a person starts it, stops it and gets it wrong."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import platform_process
import pytest

UP = [sys.executable, "-m", "inglenook_local", "up"]


def ends(*arguments: str, variables: dict[str, str] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [*UP, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, **(variables or {})},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, " ".join(done.stderr.split())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_how_to_reach_it_and_ends_well_when_asked_to(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [*UP, "--port", "0", "--data", str(tmp_path), "--region", "eu-west-3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(number)
        assert process.wait(20) == 0
    exports = dict(
        line.split(maxsplit=1)[1].split("=", 1)
        for line in said.splitlines()
        if line.startswith("  export ")
    )
    assert exports.keys() == {
        "AWS_ENDPOINT_URL_LAMBDA",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    }
    assert exports["AWS_DEFAULT_REGION"] == "eu-west-3"
    assert exports["AWS_ENDPOINT_URL_LAMBDA"] in said.splitlines()[0]


def test_scripts_get_one_line_of_json_once_it_serves(tmp_path: Path) -> None:
    command = [*UP, "--port", "0", "--data", str(tmp_path / "d"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["pid"] == process.pid
        assert said["data"] == str(tmp_path / "d")
        assert said["environment"]["AWS_ENDPOINT_URL_LAMBDA"] == said["endpoint"]
        url = f"{said['endpoint']}/2015-03-31/functions/"
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert json.load(answer)["Functions"] == []
        process.terminate()
        assert process.stdout.read() == ""
        assert process.wait(20) == 0


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = ends("--port", str(port), "--data", str(tmp_path))
    assert code == 5
    assert f"port {port} on 127.0.0.1 is in use" in said


def test_a_data_folder_in_use_is_named(tmp_path: Path) -> None:
    with platform_process.running(tmp_path) as platform:
        code, said = ends("--port", "0", "--data", str(tmp_path))
        assert code == 5
        assert f"{tmp_path} is in use by process {platform.process.pid}" in said


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = ends("--port", "0", "--data", str(tmp_path / "file" / "data"))
    assert code == 5
    assert str(tmp_path / "file") in said


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    bad = {"INGLENOOK_AGENT_SPARES": "some"}
    code, said = ends("--port", "0", "--data", str(tmp_path), variables=bad)
    assert code == 5
    assert "INGLENOOK_AGENT_SPARES='some'" in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--region", "Paris"], "a region looks like"),
        (["--account", "12"], "an account is twelve digits"),
        (["--port", "70000"], "65535"),
        (["--runtime", "python3.12"], "NAME=PATH"),
    ],
)
def test_arguments_that_make_no_sense_are_a_matter_of_usage(
    arguments: list[str], complaint: str
) -> None:
    code, said = ends(*arguments)
    assert code == 2
    assert complaint in said


def test_a_store_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").mkdir()
    code, said = ends("--port", "0", "--data", str(tmp_path))
    assert code == 5
    assert f"{tmp_path}/state.sqlite failed" in said
