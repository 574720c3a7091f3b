"""What is done to the platform under load, one thing at a time."""

import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clusters import kill, kubectl, objects, until

PLATFORM = "inglenook"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Done:
    """What was done, and when that began, as `time.monotonic` has it."""

    what: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One row of the kill matrix."""

    name: str
    act: Callable[[], "Done"]
    """Do it."""
    whole_within_s: float = 5.0
    """After that, no call may fail."""
    may_fail_in_flight: bool = True
    """Whether calls that were under way may fail at all."""
    undo: Callable[[], None] | None = None


def _pods(component: str, namespace: str = PLATFORM) -> list[Any]:
    found = objects("pods", f"app.kubernetes.io/component={component}", namespace)
    return [one for one in found if one["status"]["phase"] == "Running"]


def _function_pods() -> list[Any]:
    found = objects("pods", "inglenook.dev/state=specialised", "default")
    return [
        one
        for one in found
        if one["status"]["phase"] == "Running" and "deletionTimestamp" not in one["metadata"]
    ]


def _kill_one(component: str, pattern: str) -> Done:
    pod = random.choice(_pods(component))
    container = pod["spec"]["containers"][0]["name"]
    at, _ = _kill_in([pod], container, pattern)
    return Done(what=f"kill -9 in {pod['metadata']['name']}", at=at)


def _kill_in(pods: list[Any], container: str, pattern: str) -> tuple[float, int]:
    """Return when it began, and in how many pods there was something: an idle one may just go."""
    found = [at for pod in pods if (at := kill(pod, container, pattern)) is not None]
    if not found:
        raise RuntimeError(f"{pattern}: no such process in {len(pods)} pods")
    return min(found), len(found)


def _gateway() -> Done:
    return _kill_one("gateway", "inglenook_gateway")


def _operator() -> Done:
    return _kill_one("operator", "inglenook_operator")


def _worker() -> Done:
    return _kill_one("worker", "inglenook_worker")


def _nats() -> Done:
    return _kill_one("nats", "nats-server")


def _half(pods: list[Any]) -> list[Any]:
    """Return half of the pods at random: some of the few that take most calls are among them."""
    return random.sample(pods, (len(pods) + 1) // 2)


def _agents() -> Done:
    at, count = _kill_in(_half(_function_pods()), "agent", "inglenook_agent")
    return Done(what=f"kill -9 of {count} agents, of half of the function's pods", at=at)


def _function_processes() -> Done:
    at, count = _kill_in(_half(_function_pods()), "function", "leaf")
    return Done(what=f"kill -9 of {count} of the function's processes, half of them", at=at)


def _function_pods_deleted() -> Done:
    names = [pod["metadata"]["name"] for pod in _half(_function_pods())]
    at = time.monotonic()
    kubectl("delete", "pod", *names, "--grace-period=0", "--force", namespace="default")
    return Done(what=f"deletion of {len(names)} function pods without grace, half of them", at=at)


def _upgrade() -> Done:
    at = time.monotonic()
    # Any changed setting replaces every pod of the platform.
    setting = f"gateway.drainTimeout={random.randint(60, 120)}"
    subprocess.run(
        [
            *("helm", "upgrade", "inglenook", str(ROOT / "charts" / "inglenook"), "-n", PLATFORM),
            *("--reuse-values", "--set", setting),
        ],
        check=True,
        capture_output=True,
    )
    for name in ("gateway", "operator", "worker"):
        kubectl(
            *("rollout", "status", f"deployment/inglenook-{name}", "--timeout=180s"),
            namespace=PLATFORM,
        )
    return Done(what="helm upgrade that replaces every pod of the platform", at=at)


def _flip() -> Done:
    at = time.monotonic()
    alias = ("alias.inglenook.dev", "steady.live")
    shown = "jsonpath={.status.functionVersion}"
    for version in ("2", "1", "2", "1"):
        patch = f'{{"spec":{{"functionVersion":"{version}"}}}}'
        kubectl("patch", *alias, "--type=merge", "-p", patch, namespace="default")

        def has_moved(version: str = version) -> bool:
            return kubectl("get", *alias, "-o", shown, namespace="default") == version

        until("the alias has moved", has_moved)
    return Done(what="four flips of the alias between two versions", at=at)


def _cluster_tool() -> Path:
    for tool in (ROOT.parent / "shared/cluster/cluster", Path("/work/shared/cluster/cluster")):
        if tool.exists():
            return tool
    raise RuntimeError("a node can be cut off here by the local cluster's tool only")


def _cut_node() -> Done:
    at = time.monotonic()
    subprocess.run([str(_cluster_tool()), "stop-node", "1"], check=True, capture_output=True)
    return Done(what="power cut of node1", at=at)


def _restore_node() -> None:
    subprocess.run([str(_cluster_tool()), "start-node", "1"], check=True, capture_output=True)
    ready = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    until(
        "node1 is ready",
        lambda: kubectl("get", "node", "node1", "-o", ready) == "True",
        seconds=120,
    )


ALL = (
    Scenario(name="gateway", act=_gateway),
    Scenario(name="operator", act=_operator, may_fail_in_flight=False),
    Scenario(name="worker", act=_worker, may_fail_in_flight=False),
    Scenario(name="agent", act=_agents),
    Scenario(name="function-process", act=_function_processes),
    Scenario(name="function-pod", act=_function_pods_deleted),
    Scenario(name="nats", act=_nats),
    Scenario(name="alias-flip", act=_flip, may_fail_in_flight=False),
    Scenario(name="upgrade", act=_upgrade, may_fail_in_flight=False),
    # The node's failure is noticed after 16 s here; then its pods are taken out of the services.
    Scenario(name="node", act=_cut_node, whole_within_s=21.0, undo=_restore_node),
)
