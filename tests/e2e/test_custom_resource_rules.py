"""What the API server makes of manifests: defaults, refusals that say why, immutability."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from support.kubernetes_site import NEEDS_CLUSTER

pytestmark = NEEDS_CLUSTER

INLINE = {"inline": {"index.py": "def handler(event, context): ..."}}
FUNCTION = {"runtime": "python3.11", "handler": "index.handler", "code": INLINE}


class Namespace:
    def __init__(self, name: str) -> None:
        self.name = name

    def kubectl(self, *arguments: str, manifest: object = None) -> str:
        """Return what kubectl prints. Raises what it says of its failure."""
        done = subprocess.run(
            ["kubectl", "--namespace", self.name, *arguments],
            input=None if manifest is None else json.dumps(manifest),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def apply(self, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        """Return the spec as it is then."""
        manifest = {
            "apiVersion": "inglenook.dev/v1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        applied = self.kubectl("apply", "-o", "json", "-f", "-", manifest=manifest)
        found: dict[str, Any] = json.loads(applied)["spec"]
        return found


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    own = Namespace(f"inglenook-test-{uuid.uuid4().hex[:8]}")
    own.kubectl("create", "namespace", own.name)
    yield own
    own.kubectl("delete", "namespace", own.name, "--wait=false")


def test_what_a_function_leaves_out_is_filled_in(namespace: Namespace) -> None:
    spec = namespace.apply("Function", "filled", FUNCTION)
    assert spec["memorySize"] == 128
    assert spec["timeout"] == 3
    assert spec["ephemeralStorage"] == {"size": 512}
    assert spec["tracingConfig"] == {"mode": "PassThrough"}
    assert spec["environmentsPerPod"] == 1


REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("Function", "f", {**FUNCTION, "memorySize": 64}, "greater than or equal to 128"),
    ("Function", "f", {**FUNCTION, "timeout": 901}, "less than or equal to 900"),
    ("Function", "f", {**FUNCTION, "layers": ["a"] * 6}, "at most 5"),
    ("Function", "f", {**FUNCTION, "memory": 128}, "unknown field"),
    ("Function", "f", {**FUNCTION, "code": {}}, "exactly one of"),
    ("Function", "f", {**FUNCTION, "code": {**INLINE, "sha256": "0" * 64}}, "exactly one of"),
    ("Function", "f", {**FUNCTION, "code": {"zip": {"url": "ftp://x"}}}, "url"),
    ("Function", "f", {"code": INLINE}, "runtime and handler are needed"),
    ("Function", "f", {**FUNCTION, "functionName": "g"}, "metadata.name has to be"),
    ("Function", "f.g", FUNCTION, "metadata.name has to have"),
    ("Function", "f" * 64, FUNCTION, "metadata.name has to have"),
    ("Version", "f.v1", {"functionName": "f"}, "next version's number"),
    ("Version", "g.1", {"functionName": "f"}, "next version's number"),
    ("Alias", "f.live", {"functionName": "f", "name": "live"}, "functionVersion"),
    (
        "Alias",
        "live",
        {"functionName": "f", "name": "live", "functionVersion": "1"},
        "metadata.name has to be",
    ),
    ("Alias", "f.1", {"functionName": "f", "name": "1", "functionVersion": "1"}, "all digits"),
    (
        "Alias",
        "f.live",
        {
            "functionName": "f",
            "name": "live",
            "functionVersion": "1",
            "routingConfig": {"additionalVersionWeights": {"2": 1.5}},
        },
        "less than or equal to 1",
    ),
    (
        "Alias",
        "f.live",
        {
            "functionName": "f",
            "name": "live",
            "functionVersion": "1",
            "routingConfig": {"additionalVersionWeights": {"2": 0.1, "3": 0.1}},
        },
        "at most 1",
    ),
    (
        "Alias",
        "f.live",
        {
            "functionName": "f",
            "name": "live",
            "functionVersion": "1",
            "routingConfig": {"additionalVersionWeights": {"1": 0.1}},
        },
        "another one than functionVersion",
    ),
    (
        "ProvisionedConcurrency",
        "f.$LATEST",
        {"functionName": "f", "qualifier": "$LATEST", "provisionedConcurrentExecutions": 1},
        "",
    ),
    ("FunctionURL", "f.live", {"functionName": "f", "authType": "NONE"}, "metadata.name"),
    ("FunctionURL", "f", {"functionName": "f", "authType": "SOME"}, "NONE"),
    ("Runtime", "python3.11", {"image": "i", "pool": {"min": 3, "max": 2}}, "min is more than max"),
    ("LayerVersion", "deps.1", {"layerName": "deps", "code": {"imageUri": "x"}}, "imageUri"),
]


@pytest.mark.parametrize(("kind", "name", "spec", "why"), REFUSED)
def test_a_bad_manifest_is_refused_with_the_reason(
    namespace: Namespace, kind: str, name: str, spec: dict[str, Any], why: str
) -> None:
    with pytest.raises(RuntimeError) as refusal:
        namespace.apply(kind, name, spec)
    assert why in str(refusal.value)


CHANGES: list[tuple[str, str, dict[str, Any], dict[str, Any], str]] = [
    (
        "Version",
        "f.1",
        {"functionName": "f", "description": "a"},
        {"functionName": "f", "description": "b"},
        "a version is immutable",
    ),
    (
        "LayerVersion",
        "deps.1",
        {"layerName": "deps", "code": INLINE},
        {"layerName": "deps", "code": INLINE, "description": "b"},
        "a layer version is immutable",
    ),
    (
        "Function",
        "named",
        FUNCTION,
        {**FUNCTION, "functionName": "named"},
        "functionName cannot be changed",
    ),
]


@pytest.mark.parametrize(("kind", "name", "before", "after", "why"), CHANGES)
def test_what_is_immutable_cannot_be_changed(
    namespace: Namespace,
    kind: str,
    name: str,
    before: dict[str, Any],
    after: dict[str, Any],
    why: str,
) -> None:
    namespace.apply(kind, name, before)
    with pytest.raises(RuntimeError, match=why):
        namespace.apply(kind, name, after)


def test_what_may_change_can_be_changed(namespace: Namespace) -> None:
    namespace.apply("Function", "changing", FUNCTION)
    assert namespace.apply("Function", "changing", {**FUNCTION, "memorySize": 256})[
        "memorySize"
    ] == (256)
    spec = {"functionName": "changing", "name": "live", "functionVersion": "1"}
    namespace.apply("Alias", "changing.live", spec)
    weighted = {**spec, "routingConfig": {"additionalVersionWeights": {"2": 0.25}}}
    assert namespace.apply("Alias", "changing.live", weighted) == weighted


def test_functions_are_listed_with_what_matters_and_all_kinds_together(
    namespace: Namespace,
) -> None:
    namespace.apply("Function", "shown", FUNCTION)
    heads = namespace.kubectl("get", "fn").splitlines()[0].split()
    assert heads == ["NAME", "STATE", "RUNTIME", "MEMORY", "VERSION", "ENVIRONMENTS", "AGE"]
    assert "function.inglenook.dev/shown" in namespace.kubectl("get", "inglenook", "-o", "name")


def test_the_spec_of_a_function_is_explained(namespace: Namespace) -> None:
    explained = namespace.kubectl("explain", "function.spec")
    for field in ("memorySize", "reservedConcurrentExecutions", "code", "environmentsPerPod"):
        assert field in explained
    assert "one vCPU for each 1,769 MB" in " ".join(explained.split())
