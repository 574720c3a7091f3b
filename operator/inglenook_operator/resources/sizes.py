"""What a specialised pod's container gets: memory and CPU as Lambda gives them to a function.

A pod's class of service may not change while it runs, so requests stay below limits as they are in
the pool: the agent's have no CPU limit, so every function pod is Burstable whatever this answers.
"""

from typing import Any

from inglenook.model import limits
from inglenook_operator.resources import pod

SPAWNER_MB = 32
"""For the spawner and what it has preloaded, which Lambda does not count either."""
_CPU_MILLI_MIN = 50
_CPU_REQUESTED = 0.1
"""Of the limit: most functions wait most of the time, and a limit alone reserves nothing."""
_CPU_REQUEST_MILLI_MIN = 10


def container(memory_mb: int, environments: int) -> dict[str, dict[str, str]]:
    """Return the resources of the function's container, for all environments of its pod.

    Each is written as the API server prints it, so that what is there can be compared with it.
    """
    memory = _memory(memory_mb * environments + SPAWNER_MB)
    cpu = max(_CPU_MILLI_MIN, memory_mb * environments * 1000 // limits.MEMORY_MB_PER_VCPU)
    requested = max(_CPU_REQUEST_MILLI_MIN, round(cpu * _CPU_REQUESTED))
    return {
        "requests": {"memory": memory, "cpu": _cpu(requested)},
        "limits": {"memory": memory, "cpu": _cpu(cpu)},
    }


def _memory(mebibytes: int) -> str:
    return f"{mebibytes}Mi" if mebibytes % 1024 else f"{mebibytes // 1024}Gi"


def _cpu(milli: int) -> str:
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def patch(memory_mb: int, environments: int) -> dict[str, Any]:
    """Return the strategic merge patch of the `resize` subresource."""
    one = {"name": pod.FUNCTION, "resources": container(memory_mb, environments)}
    return {"spec": {"containers": [one]}}
