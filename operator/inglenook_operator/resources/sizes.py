"""What a specialised pod's container gets: memory and CPU as Lambda gives them to a function.

CPU is requested in proportion to memory, so that pods which want more than a node has share it in
that proportion; whether it is also limited in that proportion is the installation's choice.

A pod's class of service may not change while it runs, so requests stay below limits as they are in
the pool: the agent's have no CPU limit, so every function pod is Burstable whatever this answers.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from inglenook.model import limits
from inglenook.settings import CpuLimits
from inglenook_operator.resources import pod

Resources = Mapping[str, Mapping[str, str]]
"""Of a container: `requests` and `limits`."""

SPAWNER_MB = 32
"""For the spawner and what it has preloaded, which Lambda does not count either."""
_CPU_MILLI_MIN = 50
_CPU_REQUESTED = 0.1
"""Of what Lambda gives: most functions wait most of the time."""
_CPU_REQUEST_MILLI_MIN = 10


def container(
    memory_mb: int, environments: int, cpu_limits: CpuLimits
) -> dict[str, dict[str, str]]:
    """Return the resources of the function's container, for all environments of its pod.

    Each is written as the API server prints it, so that what is there can be compared with it.
    """
    memory = _memory(memory_mb * environments + SPAWNER_MB)
    cpu = max(_CPU_MILLI_MIN, memory_mb * environments * 1000 // limits.MEMORY_MB_PER_VCPU)
    requested = max(_CPU_REQUEST_MILLI_MIN, round(cpu * _CPU_REQUESTED))
    most = {"cpu": _cpu(cpu)} if cpu_limits is CpuLimits.PROPORTIONAL else {}
    return {
        "requests": {"memory": memory, "cpu": _cpu(requested)},
        "limits": {"memory": memory, **most},
    }


def _memory(mebibytes: int) -> str:
    return f"{mebibytes}Mi" if mebibytes % 1024 else f"{mebibytes // 1024}Gi"


def _cpu(milli: int) -> str:
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def for_init(
    wanted: Resources, present: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, str]]:
    """Return the resources until an environment has started: no less than what there is.

    Lambda gives an init more CPU than the function has, and an init that needs the function's
    memory cannot wait for it. What makes nothing larger is left to the one resize that follows.
    """
    has = present.get("limits") or {}
    larger = {
        name: value
        for name, value in wanted["limits"].items()
        if name in has and _number(value) > _number(str(has[name]))
    }
    return {side: {name: wanted[side][name] for name in larger} for side in wanted if larger}


_SUFFIXES = {
    "m": Decimal("0.001"),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}


def _number(quantity: str) -> Decimal:
    """Read a quantity as the API server prints it."""
    digits = quantity.rstrip("mkKMGTPEi")
    return Decimal(digits) * _SUFFIXES.get(quantity[len(digits) :], Decimal(1))


def patch(resources: Resources) -> dict[str, Any]:
    """Return the strategic merge patch of the `resize` subresource."""
    return {"spec": {"containers": [{"name": pod.FUNCTION, "resources": resources}]}}
