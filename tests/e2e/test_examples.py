"""Every example comes up by `kubectl apply -f examples/`, and does what it says."""

import json
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING

import pytest
import yaml
from support import chart
from support.kubernetes_cluster import Resources, invoke

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

EXAMPLES = sorted((chart.ROOT / "examples").glob("*.yaml"))
_TIMEOUT_S = 30


@pytest.fixture
def applied(resources: Resources) -> Resources:
    """All examples, applied in the order that `kubectl apply -f examples/` takes."""
    manifests = [each for path in EXAMPLES for each in yaml.safe_load_all(path.read_text()) if each]
    resources.apply(*manifests)
    for each in manifests:
        if each["kind"] == "Function":
            resources.until_ready(each["metadata"]["name"])
        elif each["apiVersion"] == "inglenook.dev/v1":
            resources.until(each["kind"].lower(), each["metadata"]["name"], "condition=Accepted")
    return resources


def test_every_example_answers(applied: Resources, api: "LambdaClient", endpoint: str) -> None:
    answer = invoke(api, "hello", {"name": "you"}, Qualifier="live")
    assert answer["message"] == "Hello, you!"

    assert invoke(api, "custom-runtime", {"any": 1})["you_sent"] == {"any": 1}
    assert invoke(api, "from-configmap", {"text": "one two"}) == {"counted": 2}

    api.get_waiter("published_version_active").wait(FunctionName="versions", Qualifier="1")
    assert invoke(api, "versions", Qualifier="live") == {"version": "1"}
    applied.pods("inglenook.dev/function=versions,inglenook.dev/version=1").until(
        lambda pods: len(pods) >= 2
    )

    # The URL names the gateway as the cluster knows it; its path is the same from everywhere.
    url = urllib.parse.urlsplit(applied.get("functionurl", "web")["status"]["url"])
    reached = urllib.parse.urljoin(endpoint, f"{url.path}?name=you")
    with urllib.request.urlopen(reached, timeout=_TIMEOUT_S) as response:
        assert response.read() == b"<h1>Hello, you!</h1>"


def test_the_first_example_prints_what_it_does(applied: Resources, api: "LambdaClient") -> None:
    answer = api.invoke(
        FunctionName="hello", LogType="Tail", Payload=json.dumps({"name": "log"}).encode()
    )
    assert "LogResult" in answer
