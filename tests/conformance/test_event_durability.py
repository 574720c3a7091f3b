"""No accepted event is lost: not by kill -9, not by a restart, not by its neighbours."""

import http.server
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.exceptions
import platform_process
import pytest
from platform_process import create, refused
from support.function_log import SOURCE, of, send, so_far

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.ours("a platform of its own that is killed, restarted or set up otherwise")


class Witness:
    """A server that functions tell what they have been given."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._changed = threading.Condition()
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                with witness._changed:
                    witness.seen[self.path.removeprefix("/")] += 1
                    witness._changed.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def wait_for(self, events: set[str]) -> None:
        with self._changed:
            came = self._changed.wait_for(lambda: self.seen.keys() >= events, timeout=60)
        assert came, f"{len(events - self.seen.keys())} of {len(events)} events never ran"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def source(self) -> str:
        """The code of a function that tells, and only then returns."""
        return (
            "import time, urllib.request\n"
            "def handler(event, context):\n"
            "    time.sleep(event.get('sleep', 0))\n"
            f"    url = '{self.url}/' + event['n']\n"
            "    urllib.request.urlopen(urllib.request.Request(url, method='POST')).close()\n"
        )


@pytest.fixture
def witness() -> Iterator[Witness]:
    witness = Witness()
    yield witness
    witness.close()


class Sender:
    """Send events until the platform dies; `accepted` are those that were answered with 202."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self._client = client
        self._name = name
        self.accepted: set[str] = set()

    def run(self) -> None:
        try:
            for number in range(1_000_000):
                event = f"{self._name}-{number}"
                send(self._client, "told", {"n": event})
                self.accepted.add(event)
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError):
            return


@pytest.mark.timeout(180)
def test_every_accepted_event_runs_whenever_the_platform_is_killed(
    tmp_path: Path, witness: Witness
) -> None:
    rng = random.Random(4)
    accepted: set[str] = set()
    for life in range(5):
        platform = platform_process.start(tmp_path)
        client = platform.client()
        if life == 0:
            create(client, "told", witness.source)
        senders = [Sender(client, f"{life}-{number}") for number in range(4)]
        threads = [threading.Thread(target=sender.run) for sender in senders]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.3, 1.5))
        platform.kill()
        for thread in threads:
            thread.join()
        assert platform.process.stdout is not None
        platform.process.stdout.close()
        accepted = accepted.union(*(sender.accepted for sender in senders))
    assert len(accepted) > 100
    with platform_process.running(tmp_path):
        witness.wait_for(accepted)


def test_an_orderly_stop_runs_no_event_twice_and_loses_none(
    tmp_path: Path, witness: Witness
) -> None:
    with platform_process.running(tmp_path) as first:
        client = first.client()
        create(client, "told", witness.source)
        sent = {f"event-{number}" for number in range(200)}
        for event in sent:
            send(client, "told", {"n": event, "sleep": 0.05})
        assert first.stop() == 0
    with platform_process.running(tmp_path):
        witness.wait_for(sent)
    assert set(witness.seen.values()) == {1}


def test_a_lease_is_kept_up_for_as_long_as_a_function_runs(
    tmp_path: Path, witness: Witness
) -> None:
    variables = {"INGLENOOK_WORKER_LEASE_S": "0.5"}
    with platform_process.running(tmp_path, variables=variables) as platform:
        client = platform.client()
        create(client, "told", witness.source, Timeout=10)
        send(client, "told", {"n": "long", "sleep": 2})
        witness.wait_for({"long"})
        send(client, "told", {"n": "after"})
        witness.wait_for({"after"})
    assert witness.seen["long"] == 1


def test_a_flood_of_one_throttled_function_does_not_hold_up_another(tmp_path: Path) -> None:
    with platform_process.running(tmp_path) as platform:
        client = platform.client()
        create(client, "flood", SOURCE)
        create(client, "other", SOURCE)
        client.put_function_concurrency(FunctionName="flood", ReservedConcurrentExecutions=1)
        for _ in range(300):
            send(client, "flood", {"sleep": 0.5})
        of(client, "other", send(client, "other", {}))
        assert len(so_far(client, "flood")) < 150


def test_a_full_queue_refuses_events_and_nothing_else(tmp_path: Path) -> None:
    variables = {"INGLENOOK_WORKER_QUEUE_EVENTS": "3"}
    with platform_process.running(tmp_path, variables=variables) as platform:
        client = platform.client()
        create(client, "off", SOURCE)
        create(client, "on", SOURCE)
        client.put_function_concurrency(FunctionName="off", ReservedConcurrentExecutions=0)
        for _ in range(3):
            send(client, "off")
        status, code, _ = refused(client.invoke, FunctionName="on", InvocationType="Event")
        assert (status, code) == (429, "TooManyRequestsException")
        assert client.invoke(FunctionName="on")["StatusCode"] == 200
        client.delete_function(FunctionName="off")
        create(client, "off", SOURCE)


def test_a_damaged_queue_stops_the_start_with_a_message_that_says_what_to_do(
    tmp_path: Path,
) -> None:
    damaged = tmp_path / "events.sqlite"
    damaged.write_bytes(b"this is not a database at all. " * 1000)
    command = [sys.executable, "-m", "inglenook_local", "up", "--port", "0", "--data"]
    ended = subprocess.run(
        [*command, str(tmp_path)], check=False, capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 5
    assert f"The store {damaged} cannot be read" in ended.stderr
    assert damaged.read_bytes().startswith(b"this is not")
