"""Packages and functions that cannot be: AWS's error, and nothing half made.

dg/gettingstarted-limits.html has the sizes; what a zip may hold is what can be unpacked safely.
"""

import concurrent.futures
import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import platform_process
import pytest
from platform_process import ROLE, RUNTIME, create, package, refused, wait_updated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("model:FunctionCode.ZipFile")

ECHO = "def handler(event, context):\n    return event\n"


def zipped(*entries: tuple[str, bytes, int]) -> bytes:
    """Zip entries of a name, a content and a Unix mode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def file(name: str, content: bytes = b"x") -> tuple[str, bytes, int]:
    return name, content, stat.S_IFREG | 0o644


def link(name: str, target: str) -> tuple[str, bytes, int]:
    return name, target.encode(), stat.S_IFLNK | 0o777


def bomb() -> bytes:
    """300 MB of zeros in some hundred KB."""
    return zipped(*(file(f"{number}.bin", bytes(30_000_000)) for number in range(10)))


def lying_bomb() -> bytes:
    """Say that a file has one byte, and let it have 300 million."""
    honest = zipped(file("app.py", bytes(300_000_000)))
    size = struct.pack("<I", 300_000_000)
    return honest.replace(size, struct.pack("<I", 1))


def crowd() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(100_001):
            archive.writestr(f"{number}", b"")
    return buffer.getvalue()


BAD: dict[str, Callable[[], bytes]] = {
    "no zip": lambda: b"def handler(event, context): ...",
    "empty zip": zipped,
    "truncated": lambda: package(ECHO)[:-30],
    "only the end": lambda: package(ECHO)[-22:],
    "bomb": bomb,
    "lying bomb": lying_bomb,
    "absolute path": lambda: zipped(file("app.py"), file("/etc/inglenook-evil")),
    "dots": lambda: zipped(file("app.py"), file("../../evil")),
    "hidden dots": lambda: zipped(file("a/../../evil")),
    "link out": lambda: zipped(link("out", "/etc/passwd")),
    "relative link out": lambda: zipped(link("a/out", "../../../etc/passwd")),
    "through a link": lambda: zipped(link("out", "/tmp"), file("out/evil")),
    "crowd": crowd,
    "device": lambda: zipped(("app.py", b"", stat.S_IFCHR | 0o600)),
    "file as folder": lambda: zipped(file("a"), file("a/b")),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_package_that_cannot_be_unpacked_makes_no_function(
    client: "LambdaClient", name: str, kind: str
) -> None:
    status, error, message = refused(
        client.create_function, FunctionName=name, Runtime=RUNTIME, Role=ROLE,
        Handler="app.handler", Code={"ZipFile": BAD[kind]()},
    )  # fmt: skip
    assert (status, error) == (400, "InvalidParameterValueException"), message
    assert message
    assert refused(client.get_function, FunctionName=name)[0] == 404


@pytest.mark.parametrize("kind", ["truncated", "bomb", "dots", "link out"])
def test_an_update_with_a_bad_package_changes_nothing(
    client: "LambdaClient", name: str, kind: str
) -> None:
    create(client, name, ECHO)
    before = client.get_function_configuration(FunctionName=name)
    del before["ResponseMetadata"]
    status, error, _ = refused(
        client.update_function_code, FunctionName=name, ZipFile=BAD[kind](), Publish=True
    )
    assert (status, error) == (400, "InvalidParameterValueException")
    after = client.get_function_configuration(FunctionName=name)
    del after["ResponseMetadata"]
    assert after == before
    assert len(client.list_versions_by_function(FunctionName=name)["Versions"]) == 1
    assert client.invoke(FunctionName=name, Payload=b"7")["Payload"].read() == b"7"


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_the_text_for_a_package_too_large_when_unzipped(client: "LambdaClient", name: str) -> None:
    _, _, message = refused(
        client.create_function, FunctionName=name, Runtime=RUNTIME, Role=ROLE,
        Handler="app.handler", Code={"ZipFile": bomb()},
    )  # fmt: skip
    assert message == "Unzipped size must be smaller than 262144000 bytes"


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_a_package_over_fifty_megabytes_zipped_is_too_large(
    client: "LambdaClient", name: str
) -> None:
    status, error, message = refused(
        client.create_function, FunctionName=name, Runtime=RUNTIME, Role=ROLE,
        Handler="app.handler", Code={"ZipFile": bytes(52_428_801)},
    )  # fmt: skip
    assert (status, error) == (413, "RequestEntityTooLargeException")
    assert message == "Zipped size must be smaller than 52428800 bytes"


@pytest.mark.aws("model:CreateFunctionRequest.Handler")
@pytest.mark.parametrize(
    ("handler", "layout"),
    [
        ("pkg/app.handler", {"pkg/app.py": ECHO}),
        ("pkg.app.handler", {"pkg/app.py": ECHO, "pkg/__init__.py": ""}),
        ("deep/er/app.handler", {"deep/er/app.py": ECHO}),
    ],
)
def test_a_handler_may_lie_in_a_folder(
    client: "LambdaClient", name: str, handler: str, layout: dict[str, str]
) -> None:
    create(client, name, package(layout), Handler=handler)
    assert client.invoke(FunctionName=name, Payload=b'"in"')["Payload"].read() == b'"in"'


@pytest.mark.aws("dg/python-handler.html")
@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        ("app/handler", "Runtime.MalformedHandlerName"),
        ("app", "Runtime.MalformedHandlerName"),
        ("app.", "Runtime.HandlerNotFound"),
        # AWS's runtime client makes dots of the slashes, and a relative import of them.
        ("../app.handler", "TypeError"),
        ("/etc/passwd.handler", "TypeError"),
        ("app.handler.more", "Runtime.ImportModuleError"),
        ("app.absent", "Runtime.HandlerNotFound"),
    ],
)
def test_a_handler_that_leads_nowhere_is_the_functions_error(
    client: "LambdaClient", name: str, handler: str, error_type: str
) -> None:
    create(client, name, ECHO, Handler=handler)
    response = client.invoke(FunctionName=name)
    assert response["FunctionError"] == "Unhandled"
    assert json.loads(response["Payload"].read())["errorType"] == error_type


@pytest.mark.aws("model:CreateFunctionRequest.Handler")
@pytest.mark.parametrize("handler", ["app handler", "app.handler\n", "a" * 129])
def test_a_handler_that_is_no_handler_is_refused(
    client: "LambdaClient", name: str, handler: str
) -> None:
    status, error, message = refused(
        client.create_function, FunctionName=name, Runtime=RUNTIME, Role=ROLE,
        Handler=handler, Code={"ZipFile": package(ECHO)},
    )  # fmt: skip
    assert (status, error) == (400, "ValidationException")
    assert "at 'handler' failed to satisfy constraint" in message


@pytest.mark.aws("api/API_UpdateFunctionCode.html")
def test_of_many_updates_at_once_each_is_done_whole_or_refused(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, "def handler(event, context):\n    return -1\n")

    def update(number: int) -> int | None:
        source = f"def handler(event, context):\n    return {number}\n"
        try:
            client.update_function_code(FunctionName=name, ZipFile=package(source))
        except client.exceptions.ResourceConflictException:
            return None
        return number

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = {number for number in pool.map(update, range(64)) if number is not None}
    wait_updated(client, name)
    assert done
    assert json.loads(client.invoke(FunctionName=name)["Payload"].read()) in done


@pytest.mark.ours("several creations of one name at once")
def test_of_many_creations_of_one_name_one_succeeds(client: "LambdaClient", name: str) -> None:
    def make(number: int) -> int | None:
        source = f"def handler(event, context):\n    return {number}\n"
        try:
            client.create_function(
                FunctionName=name, Runtime=RUNTIME, Role=ROLE, Handler="app.handler",
                Code={"ZipFile": package(source)},
            )  # fmt: skip
        except client.exceptions.ResourceConflictException:
            return None
        return number

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        made = [number for number in pool.map(make, range(32)) if number is not None]
    assert len(made) == 1
    platform_process.wait_active(client, name)
    assert json.loads(client.invoke(FunctionName=name)["Payload"].read()) == made[0]
