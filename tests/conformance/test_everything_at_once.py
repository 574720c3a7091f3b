"""All ways to call one function at once, while it changes: nothing leaks, mixes up or gets lost.

Seeded: a failure can be repeated. The calls are direct, asynchronous, streamed and by URL; callers
hang up at any moment; processes die; the code is updated, the alias moves and what is provisioned
comes and goes. Then as many as are reserved can run at once, and not one more.
"""

import collections
import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib import parse

import botocore.exceptions
import platform_process
import pytest
from support import streaming_functions, url_calls

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.ours("load that nobody should put on an account of AWS")

RESERVED = 7
SECONDS = 8
CALLERS = 16
SOURCE = """
import base64, json, os, socket

def handler(event, context):
    if "requestContext" in event:
        body = event["body"]
        event = json.loads(base64.b64decode(body) if event["isBase64Encoded"] else body)
    with socket.create_connection(("127.0.0.1", event["port"])) as gate:
        gate.sendall((event["id"] + "\\n").encode())
        gate.recv(1)
    if event["dies"]:
        os._exit(1)
    return {"id": event["id"], "code": CODE}
"""


class Gate:
    """Every invocation passes here; how many are inside is their concurrency."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._server.getsockname()[1]
        self.opened = threading.Event()
        self.opened.set()
        self.inside = self.most = 0
        self.seen: set[str] = set()
        self._changed = threading.Condition()
        self._rng = random.Random(2)
        threading.Thread(target=self._admit, daemon=True).start()

    def _admit(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                guest, _ = self._server.accept()
                threading.Thread(target=self._pass, args=(guest,), daemon=True).start()

    def _pass(self, guest: socket.socket) -> None:
        with guest, guest.makefile("rb") as said:
            name = said.readline().decode().strip()
            with self._changed:
                self.inside += 1
                self.most = max(self.most, self.inside)
                self.seen.add(name)
                self._changed.notify_all()
            self.opened.wait(30)
            time.sleep(self._rng.random() * 0.03)
            with self._changed:
                self.inside -= 1
                self._changed.notify_all()
            with contextlib.suppress(OSError):
                guest.sendall(b"x")

    def until(self, inside: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.inside == inside, 30), self.inside

    def until_seen(self, names: set[str]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: names <= self.seen, 60), names - self.seen

    def close(self) -> None:
        self._server.close()


class Crowd:
    """Callers, each with a seed; what was wrong is in `wrong`."""

    def __init__(self, client: "LambdaClient", name: str, streaming: str, gate: Gate) -> None:
        self.client, self.name, self.streaming, self.gate = client, name, streaming, gate
        self.url = url_calls.publish(client, name, Qualifier="live")
        self.codes = {1}
        self.accepted: set[str] = set()
        self.wrong: list[object] = []
        self.ended: collections.Counter[str] = collections.Counter()
        self.until = time.monotonic() + SECONDS

    def run(self) -> None:
        threads = [threading.Thread(target=self._call, args=(seed,)) for seed in range(CALLERS)]
        threads.append(threading.Thread(target=self._change))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()

    def _call(self, seed: int) -> None:
        rng = random.Random(seed)
        ways = (self._directly, self._later, self._by_url, self._hanging_up, self._streamed)
        number = 0
        while time.monotonic() < self.until:
            number += 1
            event = {
                "id": f"{seed}-{number}.",
                "port": self.gate.port,
                "dies": rng.random() < 0.05,
            }
            way = rng.choice(ways)
            try:
                way(event, rng)
                self.ended[way.__name__] += 1
            except botocore.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != "TooManyRequestsException":
                    self.wrong.append((event, error))
            except Exception as error:  # noqa: BLE001 - what it was is in the report
                self.wrong.append((event, error))

    def _directly(self, event: dict[str, Any], rng: random.Random) -> None:
        at = rng.choice([{}, {"Qualifier": "live"}])
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event), **at)
        self._check(event, "FunctionError" in answer, answer["Payload"].read())

    def _later(self, event: dict[str, Any], _: random.Random) -> None:
        event["dies"] = False
        self.client.invoke(
            FunctionName=self.name, InvocationType="Event", Payload=json.dumps(event)
        )
        self.accepted.add(event["id"])

    def _by_url(self, event: dict[str, Any], _: random.Random) -> None:
        answer = url_calls.call(self.url, method="POST", body=json.dumps(event).encode())
        if answer.status != 429:
            self._check(event, answer.status == 502, answer.body)

    def _check(self, event: dict[str, Any], failed: bool, body: bytes) -> None:
        if failed != event["dies"]:
            self.wrong.append((event, body))
        elif not failed:
            answer = json.loads(body)
            if answer["id"] != event["id"] or answer["code"] not in self.codes:
                self.wrong.append((event, body))

    def _hanging_up(self, event: dict[str, Any], rng: random.Random) -> None:
        parts = parse.urlsplit(rng.choice([self.url, self.client.meta.endpoint_url]))
        path = "/" if "lambda-url" in parts.netloc else _path(rng, self.name)
        body = json.dumps(event).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        data = head.encode() + body
        with socket.create_connection(("127.0.0.1", parts.port or 80)) as line:
            line.sendall(data[: rng.choice([len(data), len(data), rng.randrange(len(data))])])
            line.settimeout(rng.choice([0.001, 0.02, 0.05]))
            with contextlib.suppress(TimeoutError):
                line.recv(10)
            if rng.random() < 0.5:
                # With a reset instead of an end.
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def _streamed(self, event: dict[str, Any], rng: random.Random) -> None:
        count, name = rng.randrange(1, 20), event["id"]
        steps: list[list[object]] = [["write", name]] * count
        if event["dies"]:
            steps.append(["exit", 1])
        got = streaming_functions.stream(self.client, self.streaming, {"steps": steps})
        if got.body != name.encode() * count or ("ErrorCode" in got.complete) != event["dies"]:
            self.wrong.append((event, got))

    def _change(self) -> None:
        rng = random.Random(1)
        function = {"FunctionName": self.name}
        live = function | {"Qualifier": "live"}
        while time.monotonic() < self.until - 1:
            code = len(self.codes) + 1
            self.codes.add(code)
            self.client.update_function_code(**function, ZipFile=_package(code))
            platform_process.wait_updated(self.client, self.name)
            version = self.client.publish_version(**function)["Version"]
            platform_process.wait_published(self.client, self.name, version)
            self.client.update_alias(**function, Name="live", FunctionVersion=version)
            if rng.random() < 0.3:
                self.client.delete_provisioned_concurrency_config(**live)
            self.client.put_provisioned_concurrency_config(
                **live, ProvisionedConcurrentExecutions=rng.randrange(1, 4)
            )
        self.client.delete_provisioned_concurrency_config(**live)


def _path(rng: random.Random, name: str) -> str:
    return rng.choice(
        [
            f"/2015-03-31/functions/{name}/invocations",
            f"/2021-11-15/functions/{name}/response-streaming-invocations",
        ]
    )


def _package(code: int) -> bytes:
    return platform_process.package(f"CODE = {code}\n{SOURCE}")


@pytest.fixture
def gate() -> Iterator[Gate]:
    opened = Gate()
    yield opened
    opened.opened.set()
    opened.close()


def test_nothing_leaks_or_is_mixed_up_or_lost_whatever_callers_do(
    client: "LambdaClient", hasty: "LambdaClient", name: str, streaming: str, gate: Gate
) -> None:
    platform_process.create(client, name, _package(1), Timeout=20)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=RESERVED)
    client.publish_version(FunctionName=name)
    platform_process.wait_published(client, name, "1")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    crowd = Crowd(hasty, name, streaming, gate)
    crowd.run()
    assert crowd.wrong == []
    assert len(crowd.ended) == 5
    gate.until_seen(crowd.accepted)
    gate.until(inside=0)
    assert gate.most <= RESERVED
    _check_that_all_is_free(hasty, name, gate)


def _check_that_all_is_free(client: "LambdaClient", name: str, gate: Gate) -> None:
    gate.opened.clear()
    event = json.dumps({"id": "end", "port": gate.port, "dies": False})

    def call() -> None:
        # The last of those who hung up may not have come to the gate yet; what leaks stays.
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(client.exceptions.TooManyRequestsException):
                client.invoke(FunctionName=name, Payload=event)
                return

    last = [threading.Thread(target=call) for _ in range(RESERVED)]
    for thread in last:
        thread.start()
    gate.until(inside=RESERVED)
    status, code, _ = platform_process.refused(client.invoke, FunctionName=name, Payload=event)
    gate.opened.set()
    for thread in last:
        thread.join(30)
    assert (status, code) == (429, "TooManyRequestsException")
