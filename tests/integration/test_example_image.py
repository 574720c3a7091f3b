"""The example that is a container image, in a pod with the init.

What its manifest declares goes the whole way but for the cluster: the operator's pod tells the
agent, the gateway's message tells what to run.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from support import chart, pod_stand, sample_documents

from inglenook.model import function, images
from inglenook.wire import messages
from inglenook_gateway.dispatch import specialising
from inglenook_operator.reconcile import imaged
from inglenook_operator.resources import pod as pods
from inglenook_operator.resources import runtime

EXAMPLES = chart.ROOT / "examples"
VERSION = messages.VersionId(function_name="f", function_uid="u", version="1", generation=1)


@pytest.fixture(scope="module")
def greeter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's program, built as for its image."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed: the example cannot be built")
    program = tmp_path_factory.mktemp("example") / "greeter"
    source = EXAMPLES / "container-image" / "main.go"
    environment = {**os.environ, "CGO_ENABLED": "0", "GO111MODULE": "off", "GOTOOLCHAIN": "local"}
    subprocess.run([go, "vet", source], env=environment, check=True)
    subprocess.run([go, "build", "-o", program, source], env=environment, check=True)
    return program


def pod_of(uri: str) -> dict[str, Any]:
    """Return the pod that the operator makes for an image."""
    spec = imaged.manifest(uri, platform=imaged.Platform(), namespace="functions")["spec"]
    return pods.manifest(
        platform=pods.Platform(agent_image="inglenook/agent:1"),
        runtime=runtime.decode(spec),
        owner=pods.Owner(name=images.runtime_name(uri), uid="u"),
        runtime_class=None,
        namespace="functions",
    )


async def test_the_example_answers_in_a_pod_of_its_image(
    tmp_path: Path, init: Path, greeter: Path
) -> None:
    [declared] = [
        one for one in yaml.safe_load_all((EXAMPLES / "container-image.yaml").read_text()) if one
    ]
    uri, config = declared["spec"]["code"]["imageUri"], declared["spec"]["imageConfig"]
    assert config["entryPoint"] == [f"/{greeter.name}"]
    image = function.Image(uri=uri, entry_point=(str(greeter),), command=tuple(config["command"]))
    spec = msgspec.structs.replace(sample_documents.image_spec(uri), image=image)

    [agent] = pod_of(uri)["spec"]["initContainers"]
    told = {
        one["name"]: one["value"]
        for one in agent["env"]
        if one["name"].startswith("INGLENOOK_AGENT_")
    }
    installed, folder = tmp_path / "run" / "init", tmp_path / "srv"
    installed.parent.mkdir()
    folder.mkdir()
    told |= {
        "INGLENOOK_AGENT_INIT_SOURCE": str(init),
        "INGLENOOK_AGENT_INIT_FILE": str(installed),
    }
    container = pod_stand.Container(
        command=(str(installed),), variables={"GREETING": "Hello"}, folder=folder
    )
    async with pod_stand.pod(tmp_path, container, **told) as pod:
        gateway = await pod.gateway()
        message = specialising.specialise(
            VERSION, spec, region="us-east-1", account="000000000000", environments_max=3
        )
        answer = await gateway.ask(message)
        assert isinstance(answer.header, messages.Specialised), answer.header
        environment = await gateway.start()
        answered = await gateway.invoke(environment, {"name": "you"})
        assert answered.json == {
            "message": "Hello, you!",
            "function": "f:1",
            "arguments": ["--from", "the manifest"],
            "directory": str(folder),
            "user": os.getuid(),
        }
