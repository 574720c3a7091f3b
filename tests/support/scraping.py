"""Metrics of pods, as Prometheus would read them: through the API server, so from anywhere."""

from collections.abc import Iterable, Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from support.kubernetes_cluster import PLATFORM, kubectl, platform_pods

PLATFORM_PORT = 9552
AGENT_PORT = 9601


def pod(name: str, namespace: str, port: int) -> list[Sample]:
    """Return what a pod tells of itself now. Raises RefusedError."""
    path = f"/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy/metrics"
    page = kubectl("get", "--raw", path)
    return [each for family in text_string_to_metric_families(page) for each in family.samples]


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
