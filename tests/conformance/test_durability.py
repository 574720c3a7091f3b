"""What was accepted is there after a restart, and after kill -9 at any moment."""

import json
import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.exceptions
import platform_process
import pytest
from platform_process import ROLE, RUNTIME, create, package, wait_active

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.ours("a platform that is killed and restarted")


def code(answer: int) -> bytes:
    return package(f"def handler(event, context):\n    return {answer}\n")


def test_a_restart_resumes_what_was_there(tmp_path: Path) -> None:
    with platform_process.running(tmp_path) as first:
        client = first.client()
        create(client, "kept", code(7), Environment={"Variables": {"KEY": "value"}})
        client.publish_version(FunctionName="kept")
        client.create_alias(FunctionName="kept", Name="live", FunctionVersion="1")
        before = client.get_function(FunctionName="kept")["Configuration"]
    with platform_process.running(tmp_path) as second:
        client = second.client()
        assert client.get_function(FunctionName="kept")["Configuration"] == before
        response = client.invoke(FunctionName="kept", Qualifier="live")
        assert json.loads(response["Payload"].read()) == 7


def test_a_second_platform_over_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        platform_process.running(tmp_path),
        pytest.raises(RuntimeError, match="inglenook up ended with"),
    ):
        platform_process.start(tmp_path)


def test_a_store_moved_away_and_back_finds_its_code_again(tmp_path: Path) -> None:
    with platform_process.running(tmp_path) as first:
        create(first.client(), "kept", code(7))
    (tmp_path / "state.sqlite").rename(tmp_path / "away")
    with platform_process.running(tmp_path) as empty:
        assert empty.client().list_functions()["Functions"] == []
    (tmp_path / "away").rename(tmp_path / "state.sqlite")
    with platform_process.running(tmp_path) as again:
        response = again.client().invoke(FunctionName="kept")
        assert json.loads(response["Payload"].read()) == 7


class Writer:
    """Create, update, publish and delete functions until the platform dies; remember the answers.

    `acknowledged` holds what the platform has answered: a function's code size by name, None for a
    deleted one. `doubtful` is the one function whose last request was not answered.
    """

    def __init__(self, client: "LambdaClient", number: int) -> None:
        self._client = client
        self._rng = random.Random(number)
        self._prefix = f"writer-{number}"
        self.acknowledged: dict[str, str | None] = {}
        self.published: dict[str, set[str]] = {}
        self.doubtful: str | None = None
        self._turn = 0

    def run(self) -> None:
        try:
            while True:
                self._turn += 1
                self._step()
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError):
            return

    def _step(self) -> None:
        living = [name for name, code in self.acknowledged.items() if code is not None]
        action = self._rng.choice(["create", "update", "publish", "delete"]) if living else "create"
        name = f"{self._prefix}-{self._turn}" if action == "create" else self._rng.choice(living)
        self.doubtful = name
        getattr(self, f"_{action}")(name)
        self.doubtful = None

    def _create(self, name: str) -> None:
        created = self._client.create_function(
            FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler",
            Code={"ZipFile": code(self._turn)},
        )  # fmt: skip
        self.acknowledged[name] = created["CodeSha256"]
        wait_active(self._client, name)

    def _update(self, name: str) -> None:
        updated = self._client.update_function_code(FunctionName=name, ZipFile=code(self._turn))
        self.acknowledged[name] = updated["CodeSha256"]
        platform_process.wait_updated(self._client, name)

    def _publish(self, name: str) -> None:
        version = self._client.publish_version(FunctionName=name)["Version"]
        self.published.setdefault(name, set()).add(version)

    def _delete(self, name: str) -> None:
        self._client.delete_function(FunctionName=name)
        self.acknowledged[name] = None


@pytest.mark.timeout(180)
def test_kill_9_at_random_moments_loses_nothing_and_leaves_nothing_half_made(
    tmp_path: Path,
) -> None:
    rng = random.Random(9)
    acknowledged: dict[str, str | None] = {}
    published: dict[str, set[str]] = {}
    for life in range(6):
        platform = platform_process.start(tmp_path)
        client = platform.client()
        writers = [Writer(client, life * 10 + n) for n in range(3)]
        threads = [threading.Thread(target=writer.run) for writer in writers]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.2, 1.5))
        platform.kill()
        for thread in threads:
            thread.join()
        assert platform.process.stdout is not None
        platform.process.stdout.close()
        for writer in writers:
            acknowledged |= writer.acknowledged
            for name, versions in writer.published.items():
                published.setdefault(name, set()).update(versions)
            if writer.doubtful is not None:
                # Its last request may have been carried out or not; either is right.
                acknowledged.pop(writer.doubtful, None)
                published.pop(writer.doubtful, None)
    assert sum(digest is not None for digest in acknowledged.values()) > 10
    with platform_process.running(tmp_path) as survivor:
        client = survivor.client()
        pages = client.get_paginator("list_functions").paginate()
        found = {each["FunctionName"]: each for page in pages for each in page["Functions"]}
        for name, digest in acknowledged.items():
            assert (found[name]["CodeSha256"] if name in found else None) == digest, name
        for name in found:
            wait_active(client, name)
            payload = client.invoke(FunctionName=name)["Payload"].read()
            assert json.loads(payload) >= 0
            listed = client.list_versions_by_function(FunctionName=name)["Versions"]
            numbers = {each["Version"] for each in listed}
            assert published.get(name, set()) <= numbers
            for number in numbers - {"$LATEST"}:
                client.get_waiter("published_version_active").wait(
                    FunctionName=name, Qualifier=number,
                    WaiterConfig={"Delay": 0, "MaxAttempts": 400},
                )  # fmt: skip
                client.invoke(FunctionName=name, Qualifier=number)
            client.delete_function(FunctionName=name)
        assert client.list_functions()["Functions"] == []
    stored = {path.name for path in (tmp_path / "code").iterdir()}
    with platform_process.running(tmp_path):
        left = {path.name for path in (tmp_path / "code").iterdir()}
    assert stored
    assert left == set()
