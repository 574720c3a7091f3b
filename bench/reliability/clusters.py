"""What the scenarios ask of a cluster, through kubectl."""

import json
import string
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NAMESPACE = "inglenook-reliability"

_KILL = """
import os, signal, sys, time
container, pattern = sys.argv[1], sys.argv[2]
began, killed = None, []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        if container not in open(f"/proc/{pid}/cgroup").read():
            continue
        command = open(f"/proc/{pid}/cmdline").read().replace(chr(0), " ")
        children = open(f"/proc/{pid}/task/{pid}/children").read().split()
    except OSError:
        continue
    if (pattern == "leaf" and not children) or (pattern != "leaf" and pattern in command):
        began = began or time.time()
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue  # it went with the one before it
        killed.append(command)
        if pattern == "leaf":
            break
print(began if killed else "")
"""


def kubectl(*arguments: str, text: str | None = None, namespace: str | None = None) -> str:
    """Run kubectl; return what it prints. Raises RuntimeError."""
    where = ["-n", namespace] if namespace else []
    done = subprocess.run(
        ["kubectl", *where, *arguments],
        check=False,
        input=text,
        capture_output=True,
        text=True,
        timeout=240,
    )
    if done.returncode:
        raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def objects(kind: str, selector: str = "", namespace: str | None = None) -> list[Any]:
    """Return objects of a kind."""
    arguments = ["get", kind, "-o", "json", *(["-l", selector] if selector else [])]
    found: list[Any] = json.loads(kubectl(*arguments, namespace=namespace))["items"]
    return found


def until(what: str, is_so: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Ask until the answer is true; return it."""
    ends = time.monotonic() + seconds
    while True:
        try:
            if found := is_so():
                return found
        except RuntimeError:
            if time.monotonic() > ends:
                raise
        if time.monotonic() > ends:
            raise TimeoutError(f"{what}: not in {seconds:g} s")
        time.sleep(0.2)


def set_up(image: str, kept_node: str) -> None:
    """Start the recorder on a node that no scenario cuts off, and the killers on all."""
    text = string.Template((HERE / "manifests.yaml").read_text()).substitute(
        IMAGE=image, KEPT_NODE=kept_node
    )
    program = kubectl(
        *("create", "configmap", "recorder", f"--from-file={HERE / 'recorder.py'}"),
        *("--dry-run=client", "-o", "yaml"),
        namespace=NAMESPACE,
    )
    kubectl("apply", "-f", "-", text=f"{text}\n---\n{program}")
    for what in ("deployment/recorder", "daemonset/killer"):
        kubectl("rollout", "status", what, "--timeout=90s", namespace=NAMESPACE)


def tear_down() -> None:
    kubectl("delete", "namespace", NAMESPACE, "--timeout=60s", "--ignore-not-found")


def recorder_url() -> str:
    """Return where pods reach the recorder."""
    (service,) = [
        one
        for one in objects("services", namespace=NAMESPACE)
        if one["metadata"]["name"] == "recorder"
    ]
    return f"http://{service['spec']['clusterIP']}"


def node_port(service: str, port: int, namespace: str) -> list[str]:
    """Return where a service is reached from outside, at every node."""
    found = json.loads(kubectl("get", "service", service, "-o", "json", namespace=namespace))
    number = next(p["nodePort"] for p in found["spec"]["ports"] if p["port"] == port)
    return [f"http://{address}:{number}" for address in node_addresses().values()]


def node_addresses() -> dict[str, str]:
    return {
        node["metadata"]["name"]: next(
            a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"
        )
        for node in objects("nodes")
    }


def kill(pod: Any, container: str, pattern: str) -> float | None:
    """Kill -9 in a container: the processes whose command line has `pattern`.

    `leaf`: one process that has no children. Return when, as `time.monotonic` has it; None if there
    was none any more.
    """
    statuses = pod["status"].get("containerStatuses", []) + pod["status"].get(
        "initContainerStatuses", []
    )
    id_ = next(one["containerID"] for one in statuses if one["name"] == container)
    killer = next(
        one["metadata"]["name"]
        for one in objects("pods", "app=killer", NAMESPACE)
        if one["spec"]["nodeName"] == pod["spec"]["nodeName"]
    )
    said = kubectl(
        *("exec", killer, "--", "python", "-c", _KILL, id_.removeprefix("containerd://"), pattern),
        namespace=NAMESPACE,
    ).strip()
    if not said:
        return None
    # The clocks of the machines agree to some milliseconds; getting there takes some hundred.
    return time.monotonic() - (time.time() - float(said))
