"""What each part of the platform takes while nothing is asked of it."""

import time
from collections import defaultdict
from datetime import datetime

from measuring import figures, installed, results
from measuring.figures import Use
from reliability.clusters import objects, until

_PARTS = ("gateway", "operator", "worker")
_WHOLE = "all of the platform"
"""All pods of its own parts together; NATS and waiting pods are not among them."""


def idle(platform: installed.Platform, sizes: results.Sizes) -> results.Result:
    """Read what each part takes while nothing is asked of it."""
    until("no function has a pod", lambda: not platform.taken_pods(), 120)
    kinds = {
        (platform.namespace, one["metadata"]["name"]): one["metadata"]["labels"].get(
            "app.kubernetes.io/component", "other"
        )
        for one in objects("pods", "app.kubernetes.io/part-of=inglenook", platform.namespace)
    } | {
        (platform.functions, one["metadata"]["name"]): f"waiting pod of {installed.RUNTIME}"
        for one in platform.free_pods()
    }
    before = figures.uses(platform.summaries())
    taken: dict[tuple[str, str, str], tuple[Use, Use, float]] = {}

    def has_passed() -> bool:
        # The kubelet reads each container when it likes.
        now = figures.uses(platform.summaries())
        for key, use in now.items():
            if key in before and key[:2] in kinds:
                taken[key] = before[key], use, _seconds(before[key], use)
        return bool(taken) and min(each[2] for each in taken.values()) >= sizes.idle_s

    time.sleep(sizes.idle_s)
    until("every container has been read again", has_passed, 60)
    by_kind: defaultdict[str, list[tuple[Use, Use, float]]] = defaultdict(list)
    for (namespace, pod, container), each in taken.items():
        by_kind[f"{kinds[namespace, pod]}: {container}"].append(each)
    shown: results.Figures = {
        kind: dict(figures.of_uses(each)) for kind, each in sorted(by_kind.items())
    }
    shown[_WHOLE] = dict(
        figures.together(
            [one for kind, each in by_kind.items() if kind.split(":")[0] in _PARTS for one in each]
        )
    )
    return results.Result(figures=shown)


def _seconds(before: Use, after: Use) -> float:
    passed = datetime.fromisoformat(after.at) - datetime.fromisoformat(before.at)
    return passed.total_seconds()
