"""A data folder without room: what cannot be kept is refused, and what was kept stays."""

import contextlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import botocore.exceptions
import platform_process
import pytest
from platform_process import create, package

pytestmark = pytest.mark.ours("the disk of the machine that the platform runs on")

ECHO = "def handler(event, context):\n    return event\n"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() or mount is None or unmount is None:
        pytest.skip("only root may mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    command = [mount, "-t", "tmpfs", "-o", "size=24m", "inglenook-test", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let root mount")
    try:
        yield place
    finally:
        subprocess.run([unmount, "-l", str(place)], check=True)


def large(seed: int) -> bytes:
    """A package of 5 MB that does not compress."""
    noise = random.Random(seed).randbytes(5_000_000)
    return package({"app.py": ECHO, "noise.bin": noise})


def test_a_full_disk_refuses_what_is_new_and_harms_nothing(small: Path) -> None:
    with platform_process.running(small) as platform:
        client = platform.client()
        create(client, "before", ECHO)
        errors = []
        for number in range(6):
            with contextlib.suppress(botocore.exceptions.WaiterError):
                try:
                    create(client, f"large-{number}", large(number))
                except botocore.exceptions.ClientError as error:
                    errors.append(error.response)
        assert errors, "the disk was never full"
        for response in errors:
            assert response["ResponseMetadata"]["HTTPStatusCode"] == 500
            assert response["Error"]["Code"] == "ServiceException"
            assert response["Error"]["Message"]
        # What ran before runs on, and what was refused does not exist.
        assert client.invoke(FunctionName="before", Payload=b"1")["Payload"].read() == b"1"
        listed = {one["FunctionName"] for one in client.list_functions()["Functions"]}
        for number in range(6):
            name = f"large-{number}"
            if name in listed:
                client.delete_function(FunctionName=name)
            else:
                with pytest.raises(client.exceptions.ResourceNotFoundException):
                    client.get_function(FunctionName=name)
    # It starts again, even without room, and with room everything works.
    filler = small / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(65536))
            file.flush()
    filler.unlink()
    with platform_process.running(small) as platform:
        client = platform.client()
        create(client, "after", ECHO)
        for name in ("before", "after"):
            response = client.invoke(FunctionName=name, Payload=b"[1]")
            assert json.loads(response["Payload"].read()) == [1]


def test_a_publication_that_finds_no_room_is_not_half_made(small: Path) -> None:
    with platform_process.running(small) as platform:
        client = platform.client()
        create(client, "f", ECHO)
        filler = small / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
        published = 0
        refused = None
        for number in range(2000):
            try:
                client.update_function_configuration(FunctionName="f", Description=str(number))
                platform_process.wait_updated(client, "f")
                client.publish_version(FunctionName="f")
                published += 1
            except (botocore.exceptions.ClientError, botocore.exceptions.WaiterError) as error:
                refused = error
                break
        assert refused is not None, "the disk was never full"
        filler.unlink()
        versions = client.list_versions_by_function(FunctionName="f", MaxItems=50)["Versions"]
        numbers = [one["Version"] for one in versions[1:]]
        assert numbers == [str(number + 1) for number in range(len(numbers))]
        assert published >= min(len(numbers) - 1, 49)
        platform_process.wait_updated(client, "f")
        response = client.invoke(FunctionName="f", Payload=b"2")
        assert response["Payload"].read() == b"2"
        last = client.publish_version(FunctionName="f", Description="x")
        assert int(last["Version"]) >= published


def test_a_damaged_store_stops_the_start_with_a_reason_and_is_left_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with platform_process.running(tmp_path) as platform:
        create(platform.client(), "f", ECHO)
    store = tmp_path / "state.sqlite"
    damaged = bytearray(store.read_bytes())
    damaged[100:4000] = bytes(3900)
    store.write_bytes(damaged)
    with pytest.raises(RuntimeError, match="inglenook up ended with 5"):
        platform_process.start(tmp_path)
    assert "state.sqlite cannot be read" in capfd.readouterr().err
    assert store.read_bytes() == bytes(damaged)


def test_a_package_damaged_on_disk_is_not_run(tmp_path: Path) -> None:
    with platform_process.running(tmp_path) as platform:
        create(platform.client(), "f", ECHO)
        function = platform.client().get_function(FunctionName="f")["Configuration"]
        assert function["State"] == "Active"
    for stored in (tmp_path / "code").iterdir():
        if stored.is_file():
            stored.chmod(0o600)
            stored.write_bytes(b"no zip")
    shutil.rmtree(tmp_path / "run")
    with platform_process.running(tmp_path) as platform:
        client = platform.client()
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            client.invoke(FunctionName="f")
        assert caught.value.response["Error"]["Code"] == "InvalidZipFileException"
        # A new upload mends it.
        client.update_function_code(FunctionName="f", ZipFile=package(ECHO + "# mended\n"))
        platform_process.wait_updated(client, "f")
        assert client.invoke(FunctionName="f", Payload=b"3")["Payload"].read() == b"3"
