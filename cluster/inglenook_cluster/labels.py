"""The labels and annotations of function pods: what the parts of the platform say to each other.

The operator makes a pod `pooled`; the gateway that takes it makes it `specialised`; one that nobody
has taken and that is to go is `retiring` first, so that no gateway takes it any more. They tell
others what is true; what is true, the pod's agent says.
"""

import re

PART_OF = "app.kubernetes.io/part-of"
COMPONENT = "app.kubernetes.io/component"
PLATFORM = "inglenook"
FUNCTION_POD = "function"
SELECTOR = f"{PART_OF}={PLATFORM},{COMPONENT}={FUNCTION_POD}"
"""Selects all pods that run functions, or wait to."""

POOL = "inglenook.dev/pool"
STATE = "inglenook.dev/state"
TEMPLATE = "inglenook.dev/template"
"""A hash of all that the operator wrote into the pod; another one is of an older template."""
FUNCTION = "inglenook.dev/function"
VERSION = "inglenook.dev/version"

POOLED = "pooled"
SPECIALISED = "specialised"
RETIRING = "retiring"

FUNCTION_NAME = "inglenook.dev/function-name"
MEMORY_MB = "inglenook.dev/memory-mb"
ENVIRONMENTS_MAX = "inglenook.dev/environments-max"
STARTED = "inglenook.dev/started"
"""`true` once an environment has started: until then the pod is not made smaller."""

_CLASS_MARK = "--"
_NOT_IN_A_DNS_LABEL = re.compile(r"[^a-z0-9-]+")
_PREFIX_LENGTH = 50
_VALUE_MAX = 63
_NOT_IN_A_VALUE = re.compile(r"[^A-Za-z0-9._-]+")


def pool(runtime: str, runtime_class: str | None) -> str:
    """Name the pool of a runtime's pods, or of those in a sandbox of their own."""
    return runtime if runtime_class is None else f"{runtime}{_CLASS_MARK}{runtime_class}"


def parts(name: str) -> tuple[str, str | None]:
    """Return the runtime and the runtime class of a pool's name."""
    runtime, mark, runtime_class = name.partition(_CLASS_MARK)
    return runtime, runtime_class if mark else None


def pod_prefix(pool_name: str) -> str:
    """Return what the names of a pool's pods begin with. A pod's name is its host's: no dots."""
    return _NOT_IN_A_DNS_LABEL.sub("-", pool_name)[:_PREFIX_LENGTH].strip("-") + "-"


def value(text: str) -> str:
    """Return what a label can hold of a text: `$LATEST` becomes `LATEST`."""
    return _NOT_IN_A_VALUE.sub("-", text)[:_VALUE_MAX].strip("-._")
