"""Runs a function under AWS's own client, unmodified, against a small real Runtime API."""

import http.server
import os
import queue
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from integration.runtime_driver import ARN, DEADLINE_S

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
_WARNING = re.compile(r"LAMBDA_WARNING: Unhandled exception\.[^\"\r]*")


@dataclass
class Seen:
    """What can be told of one run: the answer, the log and the end of the process."""

    kind: str = ""
    payload: str = ""
    printed: str = ""
    records: list[str] = field(default_factory=list)
    status: int | None = None


def normalised(text: str, folder: Path) -> str:
    """Take out what must differ: times, folders and the sentence of the warning."""
    text = text.replace(str(folder), "/var/task")
    return _WARNING.sub("LAMBDA_WARNING: Unhandled exception.", _TIME.sub("<time>", text))


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "RuntimeApi"

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.server.asked > 1:
            self.server.said.put(("next", b""))
            self.server.over.wait(DEADLINE_S)
            self.close_connection = True
            return
        self.send_response(200)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.event)))
        self.end_headers()
        self.wfile.write(self.server.event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = {"response": "A", "error": "F"}[self.path.rpartition("/")[2]]
        if self.path.endswith("init/error"):
            kind = "I"
        self.server.said.put((kind, body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


class RuntimeApi(http.server.ThreadingHTTPServer):
    """Hands out one event."""

    daemon_threads = True

    def __init__(self, event: bytes, headers: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.event = event
        self.headers = headers
        self.asked = 0
        self.over = threading.Event()
        self.said: queue.Queue[tuple[str, bytes]] = queue.Queue()


def run(
    folder: Path,
    *,
    handler: str,
    event: bytes,
    request_id: str,
    variables: dict[str, str],
    extra: dict[str, str],
) -> Seen:
    """Run one event in `folder`."""
    headers = {
        "Lambda-Runtime-Aws-Request-Id": request_id,
        "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 3000),
        "Lambda-Runtime-Invoked-Function-Arn": ARN,
        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        "Content-Type": "application/json",
        **extra,
    }
    api = RuntimeApi(event, headers)
    serving = threading.Thread(target=api.serve_forever)
    serving.start()
    reader, writer = os.pipe()
    address = f"127.0.0.1:{api.server_address[1]}"
    process = subprocess.Popen(
        [sys.executable, "-m", "awslambdaric", handler],
        cwd=folder,
        env={
            **variables,
            "AWS_LAMBDA_RUNTIME_API": address,
            "_LAMBDA_TELEMETRY_LOG_FD": str(writer),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        pass_fds=[writer],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.close(writer)
    seen = Seen()
    ended = threading.Thread(target=lambda: (process.wait(), api.said.put(("end", b""))))
    ended.start()
    try:
        while (said := api.said.get(timeout=DEADLINE_S))[0] not in ("next", "end"):
            seen.kind, seen.payload = said[0], normalised(said[1].decode(), folder)
        if said[0] == "end":
            seen.status = process.returncode
    finally:
        process.kill()
        ended.join()
        api.over.set()
        api.shutdown()
        serving.join()
        api.server_close()
    assert process.stdout is not None
    seen.printed = normalised(process.stdout.read().decode(), folder)
    process.stdout.close()
    with os.fdopen(reader, "rb") as pipe:
        seen.records = [normalised(text, folder) for text in _records(pipe.read())]
    return seen


def _records(data: bytes) -> list[str]:
    records = []
    while data:
        size = int.from_bytes(data[4:8], "big")
        records.append(data[16 : 16 + size].decode())
        data = data[16 + size :]
    return records
