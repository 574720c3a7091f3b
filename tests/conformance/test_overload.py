"""Concurrency that is exact whatever callers do, and processes that end whatever functions do."""

import concurrent.futures
import contextlib
import json
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.exceptions
import platform_process
import psutil
import pytest
from platform_process import create
from support.guests import PRESENT, Guests, soon

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.ours("load that nobody should put on an account of AWS")

DAEMON = """
import os

def handler(event, context):
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.execvp("sleep", ["sleep", event])
        os._exit(0)
"""


def test_callers_that_hang_up_neither_free_a_place_nor_take_one_for_good(
    platform: platform_process.Platform, client: "LambdaClient", name: str
) -> None:
    create(client, name, PRESENT, Timeout=60)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)
    guests = Guests()
    body = str(guests.port).encode()
    request = (
        f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1\r\nHost: x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    host, _, port = platform.endpoint.removeprefix("http://").rpartition(":")

    def is_free() -> bool:
        guests.let_go()
        try:
            client.invoke(FunctionName=name, Payload=b"0")["Payload"].read()
        except client.exceptions.TooManyRequestsException:
            return False
        return True

    def all_places_are_free() -> bool:
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            calls = [pool.submit(client.invoke, FunctionName=name, Payload=body) for _ in "123"]
            # Of those who have hung up, the last may still be on their way.
            while not all(call.done() for call in calls):
                if guests.now + sum(call.done() for call in calls) >= 3:
                    guests.let_go()
                time.sleep(0.005)
        throttled = [call.exception() for call in calls]
        for call in calls:
            if call.exception() is None:
                call.result()["Payload"].read()
        return throttled == [None] * 3

    try:
        for _ in range(5):
            for cut in range(40):
                with socket.create_connection((host, int(port))) as caller:
                    caller.sendall(request[: -cut % 5 or None])
            soon(lambda: guests.now == 3)
            with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
                client.invoke(FunctionName=name, Payload=body)
            reason = caught.value.response["Reason"]
            assert reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
            soon(is_free)
        soon(all_places_are_free)
        assert guests.most == 3
    finally:
        guests.close()


def test_what_one_function_reserves_is_missing_for_the_others_until_it_is_deleted(
    tmp_path: Path,
) -> None:
    with (
        platform_process.running(
            tmp_path, variables={"INGLENOOK_GATEWAY_ACCOUNT_CONCURRENCY": "102"}
        ) as platform,
        contextlib.closing(platform.client()) as client,
    ):
        create(client, "greedy", PRESENT)
        create(client, "other", PRESENT, Timeout=60)
        guests = Guests()
        body = json.dumps(guests.port).encode()

        def answers(calls: int) -> list[str]:
            """Call so often at once, and say how each ended."""

            def call() -> str:
                try:
                    client.invoke(FunctionName="other", Payload=body)["Payload"].read()
                except botocore.exceptions.ClientError as error:
                    return str(error.response["Reason"])  # type: ignore[typeddict-item]
                return "ran"

            with concurrent.futures.ThreadPoolExecutor(calls) as pool:
                made = [pool.submit(call) for _ in range(calls)]
                soon(lambda: guests.now + sum(one.done() for one in made) == calls)
                guests.let_go()
                return sorted(one.result() for one in made)

        try:
            client.put_function_concurrency(FunctionName="greedy", ReservedConcurrentExecutions=2)
            # Nobody has invoked it, and what it has reserved is its own already.
            assert answers(101) == ["ConcurrentInvocationLimitExceeded", *["ran"] * 100]
            client.delete_function(FunctionName="greedy")
            assert answers(102) == ["ran"] * 102
        finally:
            guests.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs adopted orphans")
def test_daemons_of_functions_end_with_a_platform_that_is_killed(tmp_path: Path) -> None:
    with platform_process.running(tmp_path) as platform:
        client = platform.client()
        create(client, "f", DAEMON)
        # It has another id where the function lives than here; how long it sleeps is its own.
        seconds = f"600.{secrets.randbelow(10**9):09}"
        client.invoke(FunctionName="f", Payload=json.dumps(seconds))
        soon(lambda: len(sleeping(seconds)) == 1)
        (daemon,) = sleeping(seconds)
        platform.kill()
        daemon.wait(timeout=5)


def sleeping(seconds: str) -> list[psutil.Process]:
    """Return the processes that sleep for so long."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] == ["sleep", seconds]
    ]
