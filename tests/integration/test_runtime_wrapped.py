"""Wrappers and shared libraries, on every Python we can find."""

import http.server
import json
import os
import resource
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration import runtime_driver
from integration.test_runtime_spawner import VERSIONS, interpreter
from support import shared_objects

from inglenook_agent.supervisor import libraries

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")

LOAD = """
import ctypes, os
def handler(event, context):
    ctypes.CDLL(event)
    return len(os.listdir("/proc/self/fd"))
"""
SERVE = """
import os, sys
def handler(event, context):
    print("seen", context.client_context.custom)
    return [event, os.environ["MINE"], list(sys.version_info[:2]), context.aws_request_id]
"""


class RuntimeApi(http.server.ThreadingHTTPServer):
    """Gives one event and keeps what is said about it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.events = 1
        self.told = threading.Event()
        self.path = ""
        self.body = b""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RuntimeApi

    def do_GET(self) -> None:
        if not self.server.events:
            self.close_connection = True
            return
        self.server.events -= 1
        context = json.dumps({"custom": "ö"}, ensure_ascii=False).encode().decode("latin-1")
        self._answer(
            b'{"k": 1}',
            {
                "Lambda-Runtime-Aws-Request-Id": "id-1",
                "Lambda-Runtime-Deadline-Ms": "1",
                "Lambda-Runtime-Client-Context": context,
            },
        )

    def do_POST(self) -> None:
        self.server.path = self.path
        self.server.body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b'{"status":"OK"}', {})
        self.server.told.set()

    def _answer(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base has it
        pass


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    server = RuntimeApi()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def python(version: str) -> str:
    found = interpreter(version)
    if found is None:
        pytest.skip(f"no Python {version} here")
    return found


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrapped_function_serves(
    version: str, sandbox: bool, tmp_path: Path, api: RuntimeApi
) -> None:
    (tmp_path / "app.py").write_text(SERVE)
    wrapper = tmp_path / "wrapper"
    wrapper.write_text('#!/bin/sh\nexport MINE=yes\nexec "$@"\n')
    wrapper.chmod(0o755)
    variables = {
        **runtime_driver.VARIABLES,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_address[1]}",
        "_HANDLER": "app.handler",
    }
    del variables["PYTHONPATH"]
    with runtime_driver.spawner(python(version)) as running:
        child = running.fork()
        child.tell(
            mode="wrapper",
            argv=["/var/task/wrapper"],
            variables=variables,
            task_dir=str(tmp_path),
            sandbox=sandbox,
        )
        assert api.told.wait(runtime_driver.DEADLINE_S), child.printed()
        assert api.path == "/2018-06-01/runtime/invocation/id-1/response"
        told = json.loads(api.body)
        assert told == [{"k": 1}, "yes", [3, int(version[2:])], "id-1"]
        status, output = child.ended()
        assert (status, output.plain, output.records) == (0, "seen ö\n".encode(), [])


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize("version", VERSIONS)
def test_shared_libraries_of_the_package_and_of_layers_are_found(
    version: str, sandbox: bool, tmp_path: Path
) -> None:
    content = shared_objects.content()
    task, opt = tmp_path / "task", tmp_path / "opt"
    for folder in (task / "lib", opt / "lib"):
        folder.mkdir(parents=True)
        (folder / f"lib{folder.parent.name}.so").write_bytes(content)
    (task / "app.py").write_text(LOAD)
    variables = {**runtime_driver.VARIABLES, "LD_LIBRARY_PATH": "/lib64:/var/task/lib:/opt/lib"}
    with libraries.slots(runtime_driver.PACKAGE) as slots:
        options = {"environment": libraries.variables(slots), "slots": slots}
        with runtime_driver.spawner(python(version), **options) as running:
            child = running.fork()
            setup = {"task_dir": str(task), "opt_dir": str(opt), "sandbox": sandbox}
            assert child.set_up(variables=variables, **setup)[0] == "R"
            assert child.invoke("libtask.so")[0] == "A"
            kind, count = child.invoke("libopt.so")
            # Three streams, the control socket twice, the listing itself: two slots are open.
            assert (kind, int(count)) == ("A", 3 + 2 + 1 + 2)
            kind, payload = child.invoke("libnone.so")
            assert (kind, runtime_driver.failure(payload)[0]) == ("F", "OSError")


def test_slots_beyond_the_functions_limit_of_descriptors_serve(tmp_path: Path) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 3000:
        pytest.skip("this process may not have so many descriptors")
    (tmp_path / "app.py").write_text(LOAD)
    (tmp_path / "libtask.so").write_bytes(shared_objects.content())
    slot = 2500
    with libraries.slots(runtime_driver.PACKAGE) as slots:
        os.dup2(slots[0], slot)
    try:
        options = {"environment": libraries.variables([slot]), "slots": [slot]}
        with runtime_driver.spawner(**options) as running:
            child = running.fork()
            variables = {**runtime_driver.VARIABLES, "LD_LIBRARY_PATH": "/var/task"}
            assert child.set_up(task_dir=str(tmp_path), variables=variables)[0] == "R"
            assert child.invoke("libtask.so")[0] == "A"
    finally:
        os.close(slot)
