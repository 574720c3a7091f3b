"""The labels and annotations of function pods, as the gateway reads and writes them.

The operator makes a pod `pooled`, the gateway that takes it makes it `specialised`. They tell
others what is true; what is true, the pod's agent says.
"""

import re

from inglenook_gateway.dispatch import pods

SELECTOR = "app.kubernetes.io/part-of=inglenook,app.kubernetes.io/component=function"
"""Selects all pods that run functions, or wait to."""

POOL = "inglenook.dev/pool"
STATE = "inglenook.dev/state"
FUNCTION = "inglenook.dev/function"
VERSION = "inglenook.dev/version"
POOLED = "pooled"
SPECIALISED = "specialised"

FUNCTION_NAME = "inglenook.dev/function-name"
MEMORY_MB = "inglenook.dev/memory-mb"
ENVIRONMENTS_MAX = "inglenook.dev/environments-max"

_VALUE_MAX = 63
_NOT_IN_A_VALUE = re.compile(r"[^A-Za-z0-9._-]+")


def pool(runtime: str, runtime_class: str | None) -> str:
    """Name the pool of a runtime's pods, or of those in a sandbox of their own."""
    return runtime if runtime_class is None else f"{runtime}--{runtime_class}"


def specialised(wanted: pods.Wanted, resource_name: str) -> dict[str, object]:
    """Return the merge patch of a pod that has become what it was wanted for."""
    annotations = {
        FUNCTION_NAME: wanted.version.function_name,
        MEMORY_MB: str(wanted.memory_mb),
    }
    if wanted.environments_max is not None:
        annotations[ENVIRONMENTS_MAX] = str(wanted.environments_max)
    return {
        "metadata": {
            "labels": {
                STATE: SPECIALISED,
                FUNCTION: value(resource_name),
                VERSION: value(wanted.version.version),
            },
            "annotations": annotations,
        }
    }


def value(text: str) -> str:
    """Return what a label can hold of a text: `$LATEST` becomes `LATEST`."""
    return _NOT_IN_A_VALUE.sub("-", text)[:_VALUE_MAX].strip("-._")
