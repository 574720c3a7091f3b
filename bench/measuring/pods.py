"""The pods that run functions, followed by kubectl's watch.

What is asked of them is answered at once, and nobody asks the cluster again and again while
something else is measured.
"""

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

_LABEL = r"{.object.metadata.labels.inglenook\.dev/%s}"
_SHOWN = "|".join(
    (
        "{.type}",
        "{.object.metadata.name}",
        *(_LABEL % name for name in ("pool", "state", "function")),
        '{.object.status.conditions[?(@.type=="Ready")].status}',
        "{.object.metadata.deletionTimestamp}",
    )
)


@dataclass(frozen=True, slots=True)
class Pod:
    """What is asked of a pod here."""

    pool: str
    state: str
    function: str
    is_ready: bool
    is_leaving: bool

    @property
    def is_free(self) -> bool:
        """Whether a function can have it, now or once it has started."""
        return self.state == "pooled" and not self.is_leaving


Found = Mapping[str, Pod]
"""By name."""


def read(line: str) -> tuple[str, Pod | None]:
    """Read one event of the watch: a pod's name, and what it is now; None if it has gone."""
    what, name, pool, state, function, ready, leaving = line.rstrip("\n").split("|")
    pod = Pod(pool, state, function, is_ready=ready == "True", is_leaving=bool(leaving))
    return name, None if what == "DELETED" else pod


class Pods:
    """The pods of all functions and pools, from `following` on."""

    def __init__(self) -> None:
        self._known: dict[str, Pod] = {}
        self._changed = threading.Condition()
        self._has_ended = False

    def until(self, what: str, holds: Callable[[Found], bool], *, seconds: float) -> None:
        """Wait until something holds of the pods. Raises TimeoutError.

        The watch begins with the pods that there are, one after the other: ask first for something
        to be there, and only then for something to be gone.
        """
        ends = time.monotonic() + seconds
        with self._changed:
            while not holds(self._known):
                left = ends - time.monotonic()
                if left <= 0 or self._has_ended:
                    raise TimeoutError(f"{what}: not in {seconds:g} s")
                self._changed.wait(left)

    def until_taken(self, function: str, *, seconds: float) -> None:
        """Wait until a pod is known to be a function's. Raises TimeoutError."""
        self.until(f"{function} has a pod", lambda now: _has_taken(now, function), seconds=seconds)

    def until_left(self, function: str, *, seconds: float) -> None:
        """Wait until a function that had pods has none. Raises TimeoutError."""
        self.until(f"{function} left", lambda now: not _has_taken(now, function), seconds=seconds)

    def read_all(self, lines: Iterator[str]) -> None:
        """Take in what the watch tells, until it ends."""
        for line in lines:
            name, pod = read(line)
            with self._changed:
                if pod is None:
                    self._known.pop(name, None)
                else:
                    self._known[name] = pod
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()


@contextlib.contextmanager
def following(namespace: str) -> Iterator[Pods]:
    """Follow the pods of a namespace until the block ends."""
    command = [
        "kubectl", "get", "pods", "-n", namespace, "-l", "app.kubernetes.io/component=function",
        "--watch", "--output-watch-events", "-o", f"jsonpath={_SHOWN}{{'\\n'}}",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pods = Pods()
        reader = threading.Thread(target=pods.read_all, args=(iter(process.stdout),), daemon=True)
        reader.start()
        try:
            yield pods
        finally:
            process.terminate()
            reader.join(timeout=10)


def is_filled(pods: Found, pool: str, least: int) -> bool:
    """Return whether so many pods wait in a pool, and all that are to wait there do."""
    free = [pod for pod in pods.values() if pod.pool == pool and pod.is_free]
    return len(free) >= least and all(pod.is_ready for pod in free)


def _has_taken(pods: Found, function: str) -> bool:
    return any(pod.function == function for pod in pods.values())
