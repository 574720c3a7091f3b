"""Site folders: what `.pth` files say counts in a function's own folder and in its layers'.

AWS's runtime has these three as site folders (`/var/runtime/bootstrap.py` of its base images); the
pages cited name their order.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import RUNTIME, create, package
from support import published_layers

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/python-layers.html")

IMPORT = "import mine\ndef handler(event, context):\n    return mine.FROM\n"


@pytest.fixture
def layers(client: "LambdaClient", name: str) -> Iterator[published_layers.Layers]:
    with published_layers.published(client, name) as made:
        yield made


def invoke(client: "LambdaClient", name: str) -> Any:
    response = client.invoke(FunctionName=name)
    payload = json.loads(response["Payload"].read())
    assert "FunctionError" not in response, payload
    return payload


@pytest.mark.aws("dg/python-package.html")
def test_a_folder_that_the_package_names_is_searched(client: "LambdaClient", name: str) -> None:
    files = {"app.py": IMPORT, "own.pth": "vendor\n", "vendor/mine.py": "FROM = 'vendor'\n"}
    create(client, name, package(files))
    assert invoke(client, name) == "vendor"


@pytest.mark.parametrize("folder", ["python", f"python/lib/{RUNTIME}/site-packages"])
def test_a_folder_that_a_layer_names_is_searched(
    client: "LambdaClient", name: str, layers: published_layers.Layers, folder: str
) -> None:
    files = {f"{folder}/layer.pth": "deep\n", f"{folder}/deep/mine.py": "FROM = 'deep'\n"}
    create(client, name, IMPORT, Layers=[layers.publish(files)])
    assert invoke(client, name) == "deep"


@pytest.mark.aws("dg/python-package.html")
def test_a_line_of_code_runs_before_the_handlers_module(client: "LambdaClient", name: str) -> None:
    source = (
        "import os\nSEEN = os.environ.get('SEEN')\ndef handler(event, context):\n    return SEEN\n"
    )
    line = "import os; os.environ['SEEN'] = 'early'\n"
    create(client, name, package({"app.py": source, "code.pth": line}))
    assert invoke(client, name) == "early"


@pytest.mark.aws("dg/python-package.html")
def test_named_folders_come_last(client: "LambdaClient", name: str) -> None:
    files = {
        "app.py": IMPORT + "import colorsys\nassert not hasattr(colorsys, 'FROM')\n",
        "mine.py": "FROM = 'function'\n",
        "own.pth": "vendor\n",
        "vendor/mine.py": "FROM = 'vendor'\n",
        "vendor/colorsys.py": "FROM = 'vendor'\n",
    }
    create(client, name, package(files))
    assert invoke(client, name) == "function"


@pytest.mark.aws("dg/python-package.html")
def test_code_may_put_a_folder_first(client: "LambdaClient", name: str) -> None:
    files = {
        "app.py": "import json, six\ndef handler(event, context):\n    return six.FROM\n",
        "first.pth": "import os, sys; sys.path.insert(0, os.environ['LAMBDA_TASK_ROOT'] + '/v')\n",
        "v/six.py": "FROM = 'v'\n",
    }
    create(client, name, package(files))
    assert invoke(client, name) == "v"


@pytest.mark.aws("dg/python-package.html")
def test_a_broken_line_is_told_and_does_no_harm(client: "LambdaClient", name: str) -> None:
    files = {
        "app.py": "def handler(event, context):\n    return 1\n",
        "bad.pth": "import nothing_of_the_kind\n",
    }
    create(client, name, package(files))
    assert invoke(client, name) == 1


@pytest.mark.aws("dg/configuration-envvars.html")
def test_a_python_path_of_ones_own_takes_the_place_of_the_layers(
    client: "LambdaClient", name: str, layers: published_layers.Layers
) -> None:
    source = (
        "import importlib.util\n"
        "def handler(event, context):\n"
        "    names = ('in_layer', 'in_named', 'mine')\n"
        "    return [each for each in names if importlib.util.find_spec(each)]\n"
    )
    layer = {"python/in_layer.py": "", "python/l.pth": "more\n", "python/more/in_named.py": ""}
    create(
        client, name, package({"app.py": source, "vendor/mine.py": ""}),
        Layers=[layers.publish(layer)],
        Environment={"Variables": {"PYTHONPATH": "/var/task/vendor"}},
    )  # fmt: skip
    assert invoke(client, name) == ["mine"]
