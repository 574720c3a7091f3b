"""Metrics of pods, as Prometheus would read them.

Through `kubectl port-forward`, which ends inside the pod: so from anywhere, and whatever network
policies let in (the API server's own proxy comes from another node, which they may refuse).
"""

import subprocess
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from support.kubernetes_cluster import PLATFORM, RefusedError, platform_pods

PLATFORM_PORT = 9552
AGENT_PORT = 9601
_DEADLINE_S = 30.0


def pod(name: str, namespace: str, port: int) -> list[Sample]:
    """Return what a pod tells of itself now. Raises RefusedError."""
    with (
        _forwarded(name, namespace, port) as address,
        urllib.request.urlopen(f"http://{address}/metrics", timeout=_DEADLINE_S) as response,
    ):
        page = response.read().decode()
    return [each for family in text_string_to_metric_families(page) for each in family.samples]


@contextmanager
def _forwarded(name: str, namespace: str, port: int) -> Iterator[str]:
    """Lend a local address of a pod's port. Raises RefusedError."""
    command = ["kubectl", "port-forward", f"pod/{name}", f":{port}", "--namespace", namespace]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as forwarding:
        try:
            assert forwarding.stdout is not None
            assert forwarding.stderr is not None
            # It says "Forwarding from ADDRESS -> PORT" once it listens.
            said = forwarding.stdout.readline().split()
            if not said:
                raise RefusedError(forwarding.stderr.read())
            yield said[2]
        finally:
            forwarding.terminate()


def part(name: str) -> list[Sample]:
    """Return what all pods of a part of the platform tell."""
    return list(_part(name))


def _part(name: str) -> Iterator[Sample]:
    for each in platform_pods(name):
        yield from pod(each, PLATFORM, PLATFORM_PORT)


def total(samples: Iterable[Sample], series: str, **labels: str) -> float | None:
    """Return the sum of the series with this name and these labels; None if there is none."""
    found = [
        each.value
        for each in samples
        if each.name == series and labels.items() <= each.labels.items()
    ]
    return sum(found) if found else None
