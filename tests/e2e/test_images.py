"""Functions whose code is a container image: declared, created, invoked, released, broken."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support import chart
from support.kubernetes_cluster import ROLE, Resources, invoke

from inglenook.model import images

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

[EXAMPLE] = [
    each
    for each in yaml.safe_load_all((chart.ROOT / "examples" / "container-image.yaml").read_text())
    if each
]
URI = EXAMPLE["spec"]["code"]["imageUri"]
RUNTIME = images.runtime_name(URI)
MISSING = "inglenook/no-such-image:1"


def declared(name: str, **spec: Any) -> dict[str, Any]:
    """Return the example under another name, with other members."""
    return {**EXAMPLE, "metadata": {"name": name}, "spec": {**EXAMPLE["spec"], **spec}}


def test_a_declared_image_answers_and_is_no_other_user_than_any_function(
    resources: Resources, name: str, api: "LambdaClient"
) -> None:
    resources.apply(declared(name))
    resources.until_ready(name)
    assert resources.get("runtime", RUNTIME)["spec"]["image"] == URI

    answer = invoke(api, name, {"name": "you"})
    assert answer == {
        # The image's ENV, ImageConfig's command, the image's WORKDIR, and not the image's root.
        "message": "Hello, you!",
        "function": f"{name}:$LATEST",
        "arguments": ["--from", "the manifest"],
        "directory": "/srv",
        "user": 65532,
    }
    shown = api.get_function(FunctionName=name)
    assert shown["Configuration"]["PackageType"] == "Image"
    assert shown["Code"]["ImageUri"] == URI
    [pod] = resources.pods(f"inglenook.dev/function={name}").until(lambda pods: len(pods) == 1)
    [of_function] = pod.spec.containers
    assert of_function.image == URI
    context = of_function.security_context
    assert (context.run_as_user, context.read_only_root_filesystem) == (65532, True)


def test_an_updated_image_config_runs_and_a_published_version_keeps_its_own(
    resources: Resources, name: str, api: "LambdaClient"
) -> None:
    resources.apply(declared(name))
    resources.until_ready(name)
    publish = {"functionName": name}
    version = {
        "apiVersion": "inglenook.dev/v1",
        "kind": "Version",
        "metadata": {"name": f"{name}.1"},
        "spec": publish,
    }
    resources.apply(version)
    resources.until("version", f"{name}.1", "condition=Accepted")
    api.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1")
    config = {"entryPoint": ["/greeter", "--updated"], "workingDirectory": "/tmp"}
    resources.apply(declared(name, imageConfig=config))
    resources.until_ready(name)

    answer = invoke(api, name)
    assert (answer["arguments"], answer["directory"]) == (["--updated"], "/tmp")
    answer = invoke(api, name, Qualifier="1")
    assert (answer["arguments"], answer["directory"]) == (["--from", "the manifest"], "/srv")


def test_an_image_by_the_api_is_mirrored_into_its_resource_and_updated(
    resources: Resources, name: str, api: "LambdaClient"
) -> None:
    _ = api.create_function(
        FunctionName=name,
        PackageType="Image",
        Role=ROLE,
        Code={"ImageUri": URI},
        ImageConfig={"EntryPoint": ["/greeter"]},
    )
    api.get_waiter("function_active_v2").wait(FunctionName=name)
    assert invoke(api, name, {"name": "api"})["arguments"] == []
    resources.until_observed("function", name)
    spec = resources.get("function", name)["spec"]
    assert spec["code"] == {"imageUri": URI}
    assert spec["imageConfig"] == {"entryPoint": ["/greeter"]}

    changed = {"EntryPoint": ["/greeter"], "Command": ["more"]}
    _ = api.update_function_configuration(FunctionName=name, ImageConfig=changed)
    api.get_waiter("function_updated_v2").wait(FunctionName=name)
    assert invoke(api, name)["arguments"] == ["more"]
    _ = api.update_function_code(FunctionName=name, ImageUri=URI, Publish=True)
    api.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1")
    assert invoke(api, name, Qualifier="1")["function"] == f"{name}:1"


def test_an_image_that_cannot_be_pulled_is_told_on_the_function_and_to_the_caller(
    resources: Resources, new_name: Callable[[], str], api: "LambdaClient"
) -> None:
    name = new_name()
    resources.apply(declared(name, code={"imageUri": MISSING}))
    resources.until_ready(name)
    with pytest.raises(api.exceptions.ServiceException, match=r"ImagePullFailed: .*no-such-image"):
        _ = api.invoke(FunctionName=name)
    resources.until(
        "function", name, "jsonpath={.status.conditions[?(@.type=='Ready')].status}=False"
    )
    ready = resources.condition("function", name, "Ready")
    assert ready["reason"] == "ImagePullFailed"
    assert "no-such-image" in ready["message"]
    assert "ImagePullFailed" in {each["reason"] for each in resources.events(name)}

    # It is mended by another image, and the broken one's Runtime goes.
    resources.apply(declared(name))
    resources.until_ready(name)
    assert invoke(api, name, {"name": "again"})["message"] == "Hello, again!"
    resources.until("runtime", images.runtime_name(MISSING), "delete")


def test_a_program_that_is_not_there_fails_its_init_and_says_so(
    resources: Resources, name: str, api: "LambdaClient"
) -> None:
    resources.apply(declared(name, imageConfig={"entryPoint": ["/no-such-program"]}))
    resources.until_ready(name)
    answer = api.invoke(FunctionName=name)
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.InvalidEntrypoint"


def test_what_an_image_may_not_have_is_refused_in_awss_words(
    resources: Resources, name: str
) -> None:
    resources.apply(declared(name, runtime="python3.11", handler="app.handler"))
    resources.until("function", name, "condition=Accepted=False")
    accepted = resources.condition("function", name, "Accepted")
    assert accepted["reason"] == "InvalidParameterValueException"
    assert accepted["message"].startswith("Please don't provide Handler or Runtime or Layer")
