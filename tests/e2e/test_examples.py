"""Every example comes up by `kubectl apply -f examples/`, and does what it says."""

import json
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support import chart
from support.kubernetes_cluster import Resources, invoke

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

EXAMPLES = chart.ROOT / "examples"
_TIMEOUT_S = 30


def manifests(namespace: str) -> list[dict[str, Any]]:
    """Return what the files declare, in the order that `kubectl apply -f examples/` takes."""
    read = [path.read_text() for path in sorted(EXAMPLES.glob("*.yaml"))]
    # They are written for functions in the namespace `default`.
    texts = [text.replace(".default.svc", f".{namespace}.svc") for text in read]
    return [each for text in texts for each in yaml.safe_load_all(text) if each]


@pytest.fixture
def applied(resources: Resources) -> Resources:
    """All examples, applied, and ready."""
    declared = manifests(resources.namespace)
    resources.apply(*declared)
    for each in declared:
        name = each["metadata"]["name"]
        match each["kind"]:
            case "Deployment":
                resources.until("deployment", name, "condition=Available")
            case "Function":
                resources.until_ready(name)
            case kind if each["apiVersion"] == "inglenook.dev/v1":
                resources.until(kind.lower(), name, "condition=Accepted")
    return resources


def event(example: str) -> Any:
    return json.loads((EXAMPLES / example / "event.json").read_text())


def test_every_example_answers(applied: Resources, api: "LambdaClient", endpoint: str) -> None:
    answer = invoke(api, "hello", {"name": "you"}, Qualifier="live")
    assert answer["message"] == "Hello, you!"

    assert invoke(api, "bootstrap-sh", {"any": 1})["you_sent"] == {"any": 1}
    answer = invoke(api, "container-image", {"name": "you"})
    assert (answer["message"], answer["arguments"]) == ("Hello, you!", ["--from", "the manifest"])
    assert invoke(api, "from-configmap", {"text": "one two"}) == {"counted": 2}

    # Those with packages of their own.
    answer = invoke(api, "fastapi-mangum", event("fastapi-mangum"))
    assert (answer["statusCode"], json.loads(answer["body"])) == (
        *(200, {"message": "Hello, fireside!"}),
    )
    assert invoke(api, "powertools", event("powertools")) == {"order": "A-1", "total": 42}

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
