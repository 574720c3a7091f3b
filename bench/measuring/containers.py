"""The processes of the platform's containers, where their node is this machine."""

from collections.abc import Iterator
from pathlib import Path

from measuring import installed
from reliability.clusters import objects

_PARTS = ("gateway", "operator", "worker")


def of_parts(platform: installed.Platform) -> dict[str, int]:
    """Return the process ids of the platform's parts that run on this machine, by pod."""
    found = {}
    for part in _PARTS:
        for pod in objects("pods", f"app.kubernetes.io/component={part}", platform.namespace):
            ids = [each.get("containerID", "") for each in pod["status"]["containerStatuses"]]
            for pid in _interpreters([each.rpartition("/")[2] for each in ids if each]):
                found[pod["metadata"]["name"]] = pid
    return found


def _interpreters(containers: list[str]) -> Iterator[int]:
    """Give the processes of these containers that run Python, and not the small init beside it."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            groups = (process / "cgroup").read_text()
            program = Path((process / "cmdline").read_text().partition("\0")[0]).name
        except OSError:
            continue  # it has ended
        if program.startswith("python") and any(each in groups for each in containers):
            yield int(process.name)
