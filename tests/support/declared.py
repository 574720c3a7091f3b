"""Manifests of functions and what belongs to them, for tests on a cluster."""

from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]

ECHO = "def handler(event, context):\n    return {said!r}\n"


def saying(said: object) -> str:
    """Return a module whose handler always answers the same."""
    return ECHO.format(said=said)


def manifest(kind: str, name: str, spec: Mapping[str, Any]) -> Manifest:
    return {
        "apiVersion": "inglenook.dev/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": dict(spec),
    }


def function(name: str, source: str, **spec: Any) -> Manifest:
    """Return a Python function whose whole code is `source`."""
    whole = {
        "runtime": "python3.11",
        "handler": "index.handler",
        "code": {"inline": {"index.py": source}},
    }
    return manifest("Function", name, whole | spec)


def version(function_name: str, number: int, **spec: Any) -> Manifest:
    return manifest("Version", f"{function_name}.{number}", {"functionName": function_name} | spec)


def alias(
    function_name: str, name: str, means: str, weights: Mapping[str, float] | None = None
) -> Manifest:
    spec: dict[str, Any] = {
        "functionName": function_name,
        "name": name,
        "functionVersion": means,
    }
    if weights:
        spec["routingConfig"] = {"additionalVersionWeights": dict(weights)}
    return manifest("Alias", f"{function_name}.{name}", spec)
