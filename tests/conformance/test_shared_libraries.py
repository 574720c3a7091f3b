"""Shared libraries in a package or a layer are found by their bare name, also by Python itself."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, package
from support import published_layers, shared_objects

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/configuration-envvars.html")

LOAD = """
import ctypes, os
def handler(event, context):
    ctypes.CDLL(event)
    with open("/proc/self/maps") as maps:
        return {line.split()[-1] for line in maps if line.rstrip().endswith("/" + event)}.pop()
"""


@pytest.fixture
def layers(client: "LambdaClient", name: str) -> Iterator[published_layers.Layers]:
    with published_layers.published(client, name) as made:
        yield made


def invoke(client: "LambdaClient", name: str, event: object = None) -> Any:
    response = client.invoke(FunctionName=name, Payload=json.dumps(event))
    payload = json.loads(response["Payload"].read())
    assert "FunctionError" not in response, payload
    return payload


@pytest.mark.parametrize("place", ["", "lib/"])
def test_a_library_of_the_package_is_found(client: "LambdaClient", name: str, place: str) -> None:
    create(
        client, name, package({"app.py": LOAD, f"{place}libcopied.so": shared_objects.content()})
    )
    assert invoke(client, name, "libcopied.so").endswith(f"/{place}libcopied.so")


@pytest.mark.aws("dg/packaging-layers.html")
def test_a_library_of_a_layer_is_found(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    create(
        client, name, LOAD, Layers=[layers.publish({"lib/libcopied.so": shared_objects.content()})]
    )
    assert invoke(client, name, "libcopied.so").endswith("/lib/libcopied.so")


@pytest.mark.aws("dg/packaging-layers.html")
def test_libraries_of_all_layers_are_found(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    content = shared_objects.content()
    arns = [layers.publish({f"lib/lib{which}.so": content}, f"-{which}") for which in ("a", "b")]
    create(client, name, LOAD, Layers=arns)
    assert invoke(client, name, "liba.so").endswith("/lib/liba.so")
    assert invoke(client, name, "libb.so").endswith("/lib/libb.so")


def test_the_packages_library_goes_before_the_layers(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    content = shared_objects.content()
    code = LOAD.replace("return {", "return os.environ['LAMBDA_TASK_ROOT'], {")
    create(
        client, name, package({"app.py": code, "lib/libcopied.so": content}),
        Layers=[layers.publish({"lib/libcopied.so": content})],
    )  # fmt: skip
    root, place = invoke(client, name, "libcopied.so")
    assert place == f"{root}/lib/libcopied.so"


@pytest.mark.aws("dg/packaging-layers.html")
def test_what_a_library_needs_is_found_in_a_layer(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    needed = shared_objects.compiled("int answer(void) { return 42; }", "-Wl,-soname,libneeded.so")
    needs = shared_objects.compiled(
        "int answer(void); int asked(void) { return answer(); }",
        "-lneeded",
        beside={"libneeded.so": needed},
    )
    source = (
        "import ctypes, os\n"
        "def handler(event, context):\n"
        "    place = os.environ['LAMBDA_TASK_ROOT'] + '/deep/needs.so'\n"
        "    return ctypes.CDLL(place).asked()\n"
    )
    create(
        client, name, package({"app.py": source, "deep/needs.so": needs}),
        Layers=[layers.publish({"lib/libneeded.so": needed})],
    )  # fmt: skip
    assert invoke(client, name) == 42


def test_a_function_may_name_other_folders(client: "LambdaClient", name: str) -> None:
    content = shared_objects.content()
    variables = {"LD_LIBRARY_PATH": "/var/task/vendor/one:/var/task/vendor/two"}
    files: dict[str, str | bytes] = {"app.py": LOAD, "lib/libusual.so": content}
    files |= {f"vendor/{each}/lib{each}.so": content for each in ("one", "two")}
    create(client, name, package(files), Environment={"Variables": variables})
    assert invoke(client, name, "libone.so").endswith("/vendor/one/libone.so")
    assert invoke(client, name, "libtwo.so").endswith("/vendor/two/libtwo.so")
    response = client.invoke(FunctionName=name, Payload=b'"libusual.so"')
    assert json.loads(response["Payload"].read())["errorType"] == "OSError"


def test_a_library_that_is_nowhere_is_named(client: "LambdaClient", name: str) -> None:
    create(client, name, LOAD)
    response = client.invoke(FunctionName=name, Payload=b'"libnowhere.so"')
    error = json.loads(response["Payload"].read())
    assert error["errorMessage"].startswith("libnowhere.so: cannot open shared object file")


def test_programs_that_a_function_starts_find_them_too(client: "LambdaClient", name: str) -> None:
    source = (
        "import subprocess, sys\n"
        "CODE = 'import ctypes; ctypes.CDLL(\"libcopied.so\"); print(1)'\n"
        "def handler(event, context):\n"
        "    ran = subprocess.run([sys.executable, '-c', CODE], capture_output=True, text=True)\n"
        "    return ran.stdout + ran.stderr\n"
    )
    files = {"app.py": source, "lib/libcopied.so": shared_objects.content()}
    create(client, name, package(files), Timeout=20)
    assert invoke(client, name) == "1\n"
