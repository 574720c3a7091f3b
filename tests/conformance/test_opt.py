"""What functions find in /opt: their layers, unpacked in order."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import (
    RUNTIME,
    create,
    installed_package,
    package,
    refused,
    wait_published,
    wait_updated,
)
from support import published_layers

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/chapter-layers.html")

READ = """
import glob, os
OPT = os.environ.get("LD_LIBRARY_PATH", "").rpartition(":")[2].removesuffix("/lib")
def handler(event, context):
    return {
        os.path.relpath(path, OPT): open(path).read()
        for path in glob.glob(OPT + "/**", recursive=True) if os.path.isfile(path)
    }
"""


@pytest.fixture
def layers(client: "LambdaClient", name: str) -> Iterator[published_layers.Layers]:
    with published_layers.published(client, name) as made:
        yield made


def invoke(client: "LambdaClient", name: str, **members: Any) -> Any:
    response = client.invoke(FunctionName=name, **members)
    payload = json.loads(response["Payload"].read())
    assert "FunctionError" not in response, payload
    return payload


@pytest.mark.aws("dg/adding-layers.html")
def test_all_of_five_layers_are_there(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arns = [layers.publish({f"file{number}": str(number)}, f"-{number}") for number in range(5)]
    create(client, name, READ, Layers=arns)
    assert invoke(client, name) == {f"file{number}": str(number) for number in range(5)}


@pytest.mark.aws("dg/adding-layers.html")
def test_layers_are_merged_and_later_ones_win(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    one = layers.publish({"both": "one", "d/one": "1", "d/both": "one"}, "-1")
    two = layers.publish({"both": "two", "d/two": "2", "d/both": "two"}, "-2")
    create(client, name, READ, Layers=[one, two])
    common = {"d/one": "1", "d/two": "2"}
    assert invoke(client, name) == {"both": "two", "d/both": "two"} | common
    client.update_function_configuration(FunctionName=name, Layers=[two, one])
    wait_updated(client, name)
    assert invoke(client, name) == {"both": "one", "d/both": "one"} | common


@pytest.mark.aws("dg/adding-layers.html")
def test_new_layers_serve_once_the_update_has_ended(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    one, two = layers.publish({"v": "1"}), layers.publish({"v": "2"})
    create(client, name, READ, Layers=[one])
    assert invoke(client, name) == {"v": "1"}
    client.update_function_configuration(FunctionName=name, Layers=[two])
    wait_updated(client, name)
    assert invoke(client, name) == {"v": "2"}
    client.update_function_configuration(FunctionName=name, Layers=[])
    wait_updated(client, name)
    assert "v" not in invoke(client, name)


@pytest.mark.aws("dg/configuration-versions.html")
def test_a_version_keeps_its_layers(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    one, two = layers.publish({"v": "1"}), layers.publish({"v": "2"})
    create(client, name, READ, Layers=[one])
    client.publish_version(FunctionName=name)
    wait_published(client, name, "1")
    client.update_function_configuration(FunctionName=name, Layers=[two])
    wait_updated(client, name)
    assert invoke(client, name, Qualifier="1") == {"v": "1"}
    assert invoke(client, name) == {"v": "2"}
    shown = client.get_function_configuration(FunctionName=name, Qualifier="1")
    assert [layer["Arn"] for layer in shown["Layers"]] == [one]


@pytest.mark.aws("dg/creating-deleting-layers.html")
def test_a_deleted_layer_version_serves_who_has_it_and_nobody_else(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arn = layers.publish({"v": "1"})
    create(client, name, READ, Layers=[arn])
    client.delete_layer_version(LayerName=name, VersionNumber=1)
    assert invoke(client, name) == {"v": "1"}
    client.update_function_configuration(FunctionName=name, Description="a new environment")
    wait_updated(client, name)
    assert invoke(client, name) == {"v": "1"}
    call = client.update_function_configuration
    message = refused(call, FunctionName=name, Layers=[arn])[2]
    assert message == f"Layer version {arn} does not exist."


@pytest.mark.aws("dg/packaging-layers.html")
@pytest.mark.parametrize("folder", ["python", f"python/lib/{RUNTIME}/site-packages"])
def test_python_imports_from_both_folders(
    client: "LambdaClient", name: str, layers: published_layers.Layers, folder: str
) -> None:
    arn = layers.publish({f"{folder}/mine/__init__.py": "ANSWER = 42\n"})
    source = "import mine\ndef handler(event, context):\n    return mine.ANSWER\n"
    create(client, name, source, Layers=[arn])
    assert invoke(client, name) == 42


@pytest.mark.aws("dg/python-layers.html")
def test_the_functions_own_modules_go_before_those_of_layers(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arn = layers.publish(
        {
            "python/mine.py": "FROM = 'python'\n",
            "python/other.py": "FROM = 'python'\n",
            f"python/lib/{RUNTIME}/site-packages/other.py": "FROM = 'site-packages'\n",
            "python/six.py": "FROM = 'layer'\n",
        }
    )
    source = (
        "import mine, other, six\n"
        "def handler(event, context):\n    return [mine.FROM, other.FROM, six.FROM]\n"
    )
    files = {"app.py": source, "mine.py": "FROM = 'function'\n"}
    create(client, name, package(files), Layers=[arn])
    assert invoke(client, name) == ["function", "site-packages", "layer"]


@pytest.mark.aws("dg/packaging-layers.html")
def test_programs_of_a_layer_are_found_and_can_be_executed(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    tool = layers.publish({"bin/greet": "#!/bin/sh\necho hello from $0\n"}, "-1")
    other = layers.publish({"bin/other": "#!/bin/sh\n"}, "-2")
    source = (
        "import subprocess\n"
        "def handler(event, context):\n"
        "    return subprocess.run(['greet'], capture_output=True, text=True).stdout\n"
    )
    create(client, name, source, Layers=[tool, other])
    greeting = invoke(client, name)
    assert greeting.startswith("hello from /")
    assert greeting.endswith("/bin/greet\n")


@pytest.mark.aws("dg/python-layers.html")
def test_an_installed_distribution_is_imported_from_a_layer(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    installed = zipfile.ZipFile(io.BytesIO(installed_package("jinja2", files={})))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in installed.namelist():
            archive.writestr(f"python/{entry}", installed.read(entry))
    arn = layers.publish(buffer.getvalue())
    source = (
        "import importlib.metadata, jinja2, markupsafe\n"
        "def handler(event, context):\n"
        "    text = jinja2.Template('Hello {{ name|e }}').render(**event)\n"
        "    return [text, importlib.metadata.version('jinja2'), jinja2.__file__]\n"
    )
    create(client, name, source, Layers=[arn, layers.publish({"x": "x"}, "-x")], Timeout=30)
    text, version, place = invoke(client, name, Payload=b'{"name": "<you>"}')
    assert text == "Hello &lt;you&gt;"
    assert version.split(".")[0] == "3"
    assert place.endswith("/python/jinja2/__init__.py")


BOOTSTRAP = """#!/bin/sh
cd "$LAMBDA_TASK_ROOT"
tmp="${TMPDIR:-/tmp}"
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
    curl -s -D "$tmp/head" -o "$tmp/event" "$api/next"
    id=$(tr -d '\\r' < "$tmp/head" | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p')
    printf '{"text": "%s", "event": %s, "program": "%s"}' \\
        "$(cat "$_HANDLER.txt")" "$(cat "$tmp/event")" "$0" |
        curl -s -o /dev/null --data-binary @- "$api/$id/response"
done
"""


@pytest.mark.aws("dg/runtimes-custom.html")
def test_a_layer_can_be_the_runtime(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arn = layers.publish({"bootstrap": BOOTSTRAP})
    create(
        client, name, package({"greeting.txt": "hello"}),
        Runtime="provided.al2023", Handler="greeting", Layers=[arn], Timeout=20,
    )  # fmt: skip
    answer = invoke(client, name, Payload=b'{"n": 1}')
    assert (answer["text"], answer["event"]) == ("hello", {"n": 1})
    assert answer["program"].endswith("/bootstrap")
    assert invoke(client, name, Payload=b"2")["event"] == 2


@pytest.mark.aws("dg/runtimes-custom.html")
def test_the_functions_own_bootstrap_goes_before_a_layers(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arn = layers.publish({"bootstrap": "#!/bin/sh\nexit 3\n"})
    files = {"bootstrap": BOOTSTRAP, "own.txt": "own"}
    create(
        client, name, package(files),
        Runtime="provided.al2023", Handler="own", Layers=[arn], Timeout=20,
    )  # fmt: skip
    assert invoke(client, name)["text"] == "own"


@pytest.mark.aws("dg/troubleshooting-invocation.html")
def test_a_bootstrap_of_a_layer_that_cannot_be_executed_is_named(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    arn = layers.publish({"bootstrap": "no program"})
    create(client, name, package({"x": ""}), Runtime="provided.al2023", Layers=[arn])
    response = client.invoke(FunctionName=name)
    error = json.loads(response["Payload"].read())
    assert error["errorType"] == "Runtime.InvalidEntrypoint"
    assert error["errorMessage"].endswith("Error: fork/exec /opt/bootstrap: permission denied")
