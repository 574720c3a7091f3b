"""What the images hold, looked at from inside the pods that run of them."""

import pytest
from support import kubernetes_cluster
from support.kubernetes_cluster import kubectl

_STALE = """
import os, sys
stale = []
for path in sys.path + ["/var/runtime"]:
    for folder, _, files in os.walk(path):
        for name in files:
            if name.endswith(".pyc"):
                with open(os.path.join(folder, name), "rb") as file:
                    if file.read(8)[4] & 1 == 0:
                        stale.append(os.path.join(folder, name))
print(len(stale), *stale[:5])
"""


@pytest.mark.parametrize(
    ("selector", "container"),
    [
        ("app.kubernetes.io/component=gateway", "gateway"),
        ("inglenook.dev/pool=python3.11,inglenook.dev/state=pooled", "agent"),
        ("inglenook.dev/pool=python3.11,inglenook.dev/state=pooled", "function"),
    ],
)
def test_no_module_is_compiled_at_each_start(selector: str, container: str, namespace: str) -> None:
    """Images have one time for all files, so what is compiled must not go by times."""
    where = kubernetes_cluster.PLATFORM if container == "gateway" else namespace
    running = ("--field-selector=status.phase=Running", "--output=name")
    pod = kubectl("get", "pod", "--namespace", where, f"--selector={selector}", *running)
    python = "/var/lang/bin/python3" if container == "function" else "python"
    said = kubectl(
        *("exec", "--namespace", where, pod.split()[0], f"--container={container}"),
        *("--", python, "-c", _STALE),
    )
    assert said.split()[0] == "0", said
