"""Drives a spawner and its children over real sockets, as the agent does."""

import array
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[2] / "runtime-images" / "python" / "inglenook_runtime"
MARK = bytes(range(200, 216))
DEADLINE_S = 20.0

ARN = "arn:aws:lambda:us-east-1:000000000000:function:hello"
VARIABLES = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_FUNCTION_NAME": "hello",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/hello",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef",
    "AWS_REGION": "us-east-1",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
    "PWD": "/var/task",
    "PYTHONPATH": "/var/runtime",
    "TZ": ":UTC",
}


@dataclass
class Output:
    """What came out of an output pipe: prints, and records."""

    plain: bytes = b""
    records: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, data: bytes) -> "Output":
        output = cls()
        while data:
            before, mark, rest = data.partition(MARK)
            output.plain += before
            if not mark:
                break
            size = int.from_bytes(rest[:4], "big")
            assert len(rest) >= 4 + size, "a record is cut off"
            output.records.append(rest[4 : 4 + size].decode())
            data = rest[4 + size :]
        return output


class Child:
    """One forked child: its control socket and the end of its output."""

    def __init__(self, spawner: "Spawner", number: int, control: socket.socket, out: int) -> None:
        self._spawner = spawner
        self.number = number
        self.control = control
        self._out = out
        self.pid = 0
        self.output = b""

    def send(self, kind: str, payload: bytes) -> None:
        self.control.sendall((len(payload) + 1).to_bytes(4, "big") + kind.encode() + payload)

    def receive(self) -> tuple[str, bytes]:
        """Return the next frame; `("", b"")` at the end."""
        head = self._exactly(5)
        if len(head) < 5:
            return "", b""
        return chr(head[4]), self._exactly(int.from_bytes(head[:4], "big") - 1)

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                more = self.control.recv(size - len(data))
            except ConnectionError:
                break
            if not more:
                break
            data += more
        return bytes(data)

    def set_up(self, **setup: Any) -> tuple[str, bytes]:
        self.tell(**setup)
        return self.receive()

    def tell(self, **setup: Any) -> None:
        told = {
            "mode": "python",
            "handler": "app.handler",
            "argv": [],
            "variables": VARIABLES,
            "task_dir": None,
            "opt_dir": None,
            "tmp_dir": None,
            "sandbox": True,
            "join": [],
            "descriptors_max": 1024,
            "processes_max": 1024,
            "log_mark": MARK.hex(),
        }
        self.send("S", json.dumps({**told, **setup}).encode())

    def invoke(self, event: object = None, **header: Any) -> tuple[str, bytes]:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        told = {
            "id": "11111111-2222-4333-8444-555555555555",
            "deadline_ms": int(time.time() * 1000) + 3000,
            "arn": ARN,
            "trace_id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
            "client_context": None,
            "cognito_identity": None,
            **header,
        }
        head = json.dumps(told).encode()
        self.send("E", len(head).to_bytes(4, "big") + head + body)
        return self.receive()

    def printed(self) -> Output:
        """Return what the pipe holds now. Everything written before an answer is in it."""
        os.set_blocking(self._out, False)
        with contextlib.suppress(BlockingIOError):
            while more := os.read(self._out, 1 << 20):
                self.output += more
        return Output.parse(self.output)

    def ended(self) -> tuple[int, Output]:
        """Wait for the child's end. Return its exit code and all of its output."""
        status = self._spawner.exited(self.number)["status"]
        return status, self.printed()

    def close(self) -> None:
        self.control.close()
        os.close(self._out)


def failure(payload: bytes) -> tuple[str, dict[str, Any]]:
    size = payload[0]
    return payload[1 : 1 + size].decode(), json.loads(payload[1 + size :])


class Spawner:
    """A spawner in a process of its own."""

    def __init__(
        self,
        python: str = sys.executable,
        *,
        beside: Path | None = None,
        program: Path | None = None,
        **options: Any,
    ) -> None:
        """`beside` is the socket that it is to connect to, if it is to do that.

        `program` is another spawner than Python's, which is always beside.
        """
        environment = {"PATH": os.environ["PATH"], **options.pop("environment", {})}
        if beside is not None:
            command = [python, "-I", "-S", str(PACKAGE)] if program is None else [str(program)]
            self.process = subprocess.Popen([*command, "--connect", str(beside)], env=environment)
            # It may well be the first.
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(beside))
                listener.settimeout(DEADLINE_S)
                listener.listen()
                ours, _ = listener.accept()
        else:
            ours, theirs = socket.socketpair()
            self.process = subprocess.Popen(
                [python, "-I", "-S", str(PACKAGE), str(theirs.fileno())],
                pass_fds=[theirs.fileno(), *options.pop("slots", ())],
                env=environment,
                **options,
            )
            theirs.close()
        ours.settimeout(DEADLINE_S)
        self._socket = ours
        self.descriptors: list[int] = []
        """Those that came with what it said."""
        self._buffer = b""
        self._said: list[dict[str, Any]] = []
        self._children: list[Child] = []
        self._numbers = 0
        self.ready = self.next_said()

    def next_said(self) -> dict[str, Any]:
        while True:
            if len(self._buffer) >= 4:
                end = 4 + int.from_bytes(self._buffer[:4], "big")
                if len(self._buffer) >= end:
                    message = json.loads(self._buffer[4:end])
                    self._buffer = self._buffer[end:]
                    return message
            data, descriptors, _, _ = socket.recv_fds(self._socket, 65536, 8)
            assert data, "the spawner has gone"
            self.descriptors += descriptors
            self._buffer += data

    def wait_for(self, op: str, number: int) -> dict[str, Any]:
        """Return the message about that child, however the messages are mixed."""
        while True:
            for message in self._said:
                if message["op"] == op and message["id"] == number:
                    self._said.remove(message)
                    return message
            self._said.append(self.next_said())

    def exited(self, number: int) -> dict[str, Any]:
        return self.wait_for("exited", number)

    def order(self, storage: int | None = None) -> Child:
        """Order a child without waiting for it."""
        self._numbers += 1
        ours, theirs = socket.socketpair()
        ours.settimeout(DEADLINE_S)
        out, theirs_out = os.pipe()
        order = {"op": "fork", "id": self._numbers}
        if storage is not None:
            order["storage"] = storage
        body = json.dumps(order).encode()
        self._socket.sendmsg(
            [len(body).to_bytes(4, "big") + body],
            [
                (
                    socket.SOL_SOCKET,
                    socket.SCM_RIGHTS,
                    array.array("i", [theirs.fileno(), theirs_out]),
                )
            ],
        )
        theirs.close()
        os.close(theirs_out)
        child = Child(self, self._numbers, ours, out)
        self._children.append(child)
        return child

    def release(self, storage: int) -> None:
        self.tell({"op": "release", "id": storage})

    def kill(self, pid: int) -> None:
        self.tell({"op": "kill", "pid": pid})

    def tell(self, order: dict[str, Any]) -> None:
        body = json.dumps(order).encode()
        self._socket.sendall(len(body).to_bytes(4, "big") + body)

    def fork(self, storage: int | None = None) -> Child:
        child = self.order(storage)
        child.pid = self.wait_for("forked", child.number)["pid"]
        return child

    def close(self) -> None:
        self._socket.close()
        self.process.wait(DEADLINE_S)
        while self.descriptors:
            os.close(self.descriptors.pop())
        while self._children:
            self._children.pop().close()


@contextlib.contextmanager
def spawner(python: str = sys.executable, **options: Any) -> Iterator[Spawner]:
    running = Spawner(python, **options)
    try:
        yield running
    finally:
        running.close()
