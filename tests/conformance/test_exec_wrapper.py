"""AWS_LAMBDA_EXEC_WRAPPER: a program of the function's own that starts its runtime."""

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import RUNTIME, create, package
from support import published_layers, streaming_runtime

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/runtimes-modify.html")

WRAPPER = "/var/task/wrapper"
SHOW = """
import logging, os, sys
def handler(event, context):
    if event == "fail":
        raise LookupError("no")
    if event == "log":
        logging.getLogger().warning("two\\nlines")
    if event == "large":
        return "x" * 6_291_556
    if isinstance(event, str) and event.startswith("return "):
        return eval(event[7:])
    return event
"""


@pytest.fixture
def layers(client: "LambdaClient", name: str) -> Iterator[published_layers.Layers]:
    with published_layers.published(client, name) as made:
        yield made


def wrapped(client: "LambdaClient", name: str, wrapper: str, **more: Any) -> None:
    """Create a function with a wrapper in its package."""
    files = {"app.py": SHOW, "wrapper": wrapper, **more.pop("files", {})}
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": WRAPPER, **more.pop("variables", {})}
    members = {"Timeout": 20, "MemorySize": 256, **more}
    create(client, name, package(files), Environment={"Variables": variables}, **members)


def answer(client: "LambdaClient", name: str, event: object = None) -> tuple[Any, str]:
    """Invoke; return the payload and the log."""
    response = client.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    log = base64.b64decode(response["LogResult"]).decode()
    return json.loads(response["Payload"].read()), log


def test_a_wrapper_sets_variables_before_python_starts(client: "LambdaClient", name: str) -> None:
    wrapped(client, name, '#!/bin/sh\nexport PYTHONHASHSEED=0 MINE=1\nexec "$@"\n')
    event = "return [os.environ['MINE'], sys.flags.hash_randomization]"
    assert answer(client, name, event)[0] == ["1", 0]
    assert answer(client, name, {"ü": 2})[0] == {"ü": 2}


def test_its_arguments_are_the_interpreter_and_what_that_runs(
    client: "LambdaClient", name: str
) -> None:
    wrapped(client, name, '#!/bin/sh\nexport ARGUMENTS="$*"\nexec "$@"\n')
    interpreter, script = answer(client, name, "return os.environ['ARGUMENTS'].split()")[0]
    assert interpreter.endswith(f"/bin/{RUNTIME}")
    assert script.endswith("/bootstrap.py")


def test_options_of_the_interpreter_go_before_the_last_argument(
    client: "LambdaClient", name: str
) -> None:
    wrapped(client, name, '#!/bin/sh\nexec "$1" -X mine=yes "$2"\n')
    assert answer(client, name, "return sys._xoptions.get('mine')")[0] == "yes"


def test_a_wrapper_may_change_the_handler(client: "LambdaClient", name: str) -> None:
    other = "import os\ndef traced(event, context):\n    return ['traced', event]\n"
    wrapped(
        client, name, '#!/bin/sh\nexport _HANDLER=other.traced\nexec "$@"\n',
        files={"other.py": other},
    )  # fmt: skip
    assert answer(client, name, 5)[0] == ["traced", 5]


def test_a_wrapper_of_a_layer_has_code_run_before_the_runtime(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    instrument = '#!/bin/sh\nexport PYTHONPATH="${0%/*}/instrument"\nexec "$@"\n'
    site = "import sys\nsys.instrumented = True\n"
    arn = layers.publish({"wrap": instrument, "instrument/sitecustomize.py": site})
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}
    create(
        client, name, SHOW,
        Layers=[arn], Environment={"Variables": variables}, Timeout=20, MemorySize=256,
    )  # fmt: skip
    assert answer(client, name, "return sys.instrumented")[0] is True


@pytest.mark.aws("dg/python-layers.html")
def test_layers_and_the_sdk_are_imported_as_without(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arn = layers.publish({"python/mine.py": "FROM = 'layer'\n"})
    files = {"v.pth": "vendor\n", "vendor/other.py": "FROM = 'pth'\n"}
    wrapped(client, name, '#!/bin/sh\nexec "$@"\n', Layers=[arn], files=files)
    event = "return [__import__(each).__name__ for each in ('mine', 'other', 'boto3')]"
    assert answer(client, name, event)[0] == ["mine", "other", "boto3"]


def test_a_wrapper_without_an_interpreter_line_is_a_shells(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    # Executable, though its text does not begin as `package` wants it.
    wrapped(client, name, '#!\nexport MINE=2\nexec "$@"\n')
    assert answer(client, name, "return os.environ['MINE']")[0] == "2"


def test_a_wrapper_that_is_missing_ends_with_127(client: "LambdaClient", name: str) -> None:
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/nothing"}
    create(client, name, SHOW, Environment={"Variables": variables})
    error, log = answer(client, name)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Error: Runtime exited with error: exit status 127")
    assert "/opt/nothing: does not exist\n" in log


def test_a_wrapper_that_is_not_executable_ends_with_126(client: "LambdaClient", name: str) -> None:
    wrapped(client, name, "no program\n")
    error, log = answer(client, name)
    assert error["errorMessage"].endswith("Error: Runtime exited with error: exit status 126")
    assert f"{WRAPPER}: is not an executable\n" in log


@pytest.mark.parametrize(
    ("status", "said"),
    [(0, "Runtime exited without providing a reason"), (7, "exit status 7")],
)
def test_a_wrapper_that_exits_is_an_exit_of_the_runtime(
    client: "LambdaClient", name: str, status: int, said: str
) -> None:
    wrapped(client, name, f"#!/bin/sh\necho gone\nexit {status}\n")
    error, log = answer(client, name)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith(said)
    assert "gone\n" in log


@pytest.mark.aws("dg/python-exceptions.html")
def test_errors_are_told_as_without(client: "LambdaClient", name: str) -> None:
    wrapped(client, name, '#!/bin/sh\nexec "$@"\n')
    error, log = answer(client, name, "fail")
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "no")
    assert len(error["stackTrace"]) == 1
    assert "[ERROR] LookupError: no\nTraceback" in log
    assert answer(client, name, 1)[0] == 1


@pytest.mark.aws("dg/python-exceptions.html")
def test_an_error_at_import_is_told_as_without(client: "LambdaClient", name: str) -> None:
    wrapped(client, name, '#!/bin/sh\nexec "$@"\n', files={"app.py": "import nothing_there\n"})
    error, _ = answer(client, name)
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert "nothing_there" in error["errorMessage"]


@pytest.mark.aws("dg/python-logging.html")
def test_records_of_the_log_have_the_request(client: "LambdaClient", name: str) -> None:
    wrapped(client, name, '#!/bin/sh\nexec "$@"\n')
    response = client.invoke(FunctionName=name, Payload=b'"log"', LogType="Tail")
    log = base64.b64decode(response["LogResult"]).decode()
    assert f"\t{response['ResponseMetadata']['RequestId']}\ttwo\nlines\n" in log


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_an_answer_that_is_too_large_is_told_and_the_next_serves(
    client: "LambdaClient", name: str
) -> None:
    wrapped(client, name, '#!/bin/sh\nexec "$@"\n')
    assert answer(client, name, "large")[0]["errorType"] == "Function.ResponseSizeTooLarge"
    assert answer(client, name, "x" * 100_000)[0] == "x" * 100_000


@pytest.mark.aws("dg/runtimes-api.html")
def test_a_wrapper_may_be_the_runtime(client: "LambdaClient", name: str) -> None:
    wrapped(client, name, streaming_runtime.SOURCE)
    for number in range(2):
        event = {"answer": "event", "number": number}
        assert answer(client, name, event)[0] == event


def test_an_empty_variable_means_no_wrapper(client: "LambdaClient", name: str) -> None:
    create(client, name, SHOW, Environment={"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": ""}})
    assert answer(client, name, 3)[0] == 3


def test_custom_runtimes_have_no_wrapper(client: "LambdaClient", name: str) -> None:
    fails = "#!/bin/sh\nexit 5\n"
    bootstrap = '#!/bin/sh\necho "$AWS_LAMBDA_EXEC_WRAPPER is mine to see"\nexit 6\n'
    wrapped(client, name, fails, files={"bootstrap": bootstrap}, Runtime="provided.al2023")
    error, log = answer(client, name)
    assert error["errorMessage"].endswith("exit status 6")
    assert f"{WRAPPER} is mine to see\n" in log
