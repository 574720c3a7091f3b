"""What the model takes for given: a platform's size, and what things cost. Pure.

What the benchmarks have measured is read from their published results; everything else is an
assumption, and says of what kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """A cluster, its functions, and how they are called."""

    nodes: int = 100
    functions: int = 10_000
    gateways: int = 20
    zipf: float = 1.0
    """The more, the more of all calls go to few functions; at 1 the first has a tenth."""
    duration_s: float = 0.05
    asynchronous: float = 0.2
    """The part of all invocations that are events."""
    idle_timeout_s: float = 600.0
    """The default of INGLENOOK_GATEWAY_ENVIRONMENT_IDLE_TIMEOUT_S."""
    environments_per_pod: int = 1
    """The default of `environmentsPerPod`."""
    pods_per_node: int = 100
    """Kubernetes' default of 110, less what every node runs anyway."""
    hot_split: int = 1
    """Owners that a function's calls are spread over; 1 is what is built."""
    writes_merged: bool = False
    """Whether labels and size are one write; today they are two, by gateway and operator."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What things cost; the comments say what is measured."""

    owner_cpu_s: float
    """CPU of an invocation at its function's owner. Measured in one process, the agent's work with
    it, so it is too much rather than too little."""
    entry_cpu_s: float
    """CPU of an invocation at a gateway that only passes it on. Twice what a bare aiohttp server is
    measured to take for a request: it speaks to both sides."""
    pod_writes: float = 9.0
    """Writes of a pod's life that the platform does not choose: created, bound, three of status on
    its way up, deleted, two of status on its way down, removed. An assumption, by how kubelets
    work."""
    own_writes: float = 2.0
    """Labels by the gateway, size by the operator. From the code."""
    api_writes_per_s: float = 1000.0
    """What an API server and its etcd take. An assumption: disks decide."""
    event_cpu_s: float = 0.0002
    """CPU to read one change of a pod from a watch, in each gateway. An assumption."""
    operator_event_cpu_s: float = 0.0005
    """The same in the operator's leader, with what it decides. An assumption."""
    pod_starts_per_node_s: float = 1.0
    """Pods of two containers that a node of several cores starts. An assumption: 12 took 6.7 s on
    a machine of 2 cores that ran the control plane as well."""
    publishes_per_event: float = 3.0
    """Accepted, claimed, settled (ADR 15). From the code."""
    nats_publishes_per_s: float = 15_000.0
    """Acknowledged publishes with three replicas on disk. An assumption."""


def measured(one_machine: Mapping[str, Any]) -> Costs:
    """Return the costs with what was measured. Without `warm` among the results: KeyError."""
    figures = one_machine["warm"]["figures"]
    return Costs(
        owner_cpu_s=figures["platform"]["cpu_us_per_call"] / 1e6,
        entry_cpu_s=2 * figures["bare aiohttp"]["cpu_us_per_call"] / 1e6,
    )
