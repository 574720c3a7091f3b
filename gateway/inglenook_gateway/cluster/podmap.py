"""The function pods of the cluster in memory: which are free, and who has the others.

Pure. Fed by a watch and by what this gateway has found out itself, which is newer: a pod that it
took, or that another gateway was faster to take, is not free whatever its labels say yet; one whose
agent says that it has started is, though the kubelet is still to ask.

Every gateway prefers the free pods in an order of its own, so that two rarely reach for the same.
"""

import enum
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A pod, as the watch shows it."""

    name: str
    uid: str
    pool: str
    address: str | None = None
    """Its IP, once it has one."""
    is_pooled: bool = True
    """Whether it is labelled as free."""
    is_ready: bool = True
    is_ending: bool = False
    function: str | None = None
    """The name of the function that it is labelled with."""
    has_started: bool = False
    """Whether it says that an environment of it has started there."""
    lacks_room: bool = False
    """Whether it waits for room on a node."""

    @property
    def may_be_taken(self) -> bool:
        """Whether a function may have it, now or once it has started."""
        return self.is_pooled and not self.is_ending and self.address is not None


class _Found(enum.Enum):
    """What this gateway knows of a pod beyond its labels."""

    TAKEN = "taken"
    """By this gateway, or by another."""
    UNREACHABLE = "unreachable"


class PodMap:
    """All function pods. Belongs to one event loop."""

    def __init__(self, gateway: str) -> None:
        """Order free pods as the gateway of this name does."""
        self._gateway = gateway
        self._pods: dict[str, Seen] = {}
        self._free: dict[str, dict[str, Seen]] = {}
        """By pool and name."""
        self._coming: dict[str, dict[str, Seen]] = {}
        """Those that are starting, likewise."""
        self._started: set[str] = set()
        """Those of them whose agents say that they have."""
        self._found: dict[str, _Found] = {}
        self._weights: dict[str, bytes] = {}
        self._runs: dict[str, str] = {}
        """Of pods that are not labelled, the functions that their agents have said they run."""

    # The watch

    def put(self, pod: Seen) -> None:
        """Take a pod as it is now."""
        known = self._pods.get(pod.name)
        if known is not None and known.uid != pod.uid:
            self._drop(known)
            known = None
        if known is None:
            self._weights[pod.name] = self._weight(pod.name)
        self._pods[pod.name] = pod
        self._sort(pod)

    def drop(self, name: str, uid: str) -> None:
        """Forget a pod that is gone."""
        known = self._pods.get(name)
        if known is not None and known.uid == uid:
            self._drop(known)

    def replace(self, pods: Iterable[Seen]) -> None:
        """Take all pods that there are."""
        listed = {each.name: each for each in pods}
        for known in [each for name, each in self._pods.items() if name not in listed]:
            self._drop(known)
        for each in listed.values():
            self.put(each)

    def _drop(self, pod: Seen) -> None:
        del self._pods[pod.name], self._weights[pod.name]
        for pools in (self._free, self._coming):
            pools.get(pod.pool, {}).pop(pod.name, None)
        self._started.discard(pod.name)
        self._found.pop(pod.name, None)
        self._runs.pop(pod.name, None)

    def _sort(self, pod: Seen) -> None:
        if pod.is_ready:
            self._started.discard(pod.name)
        free, coming = (pools.setdefault(pod.pool, {}) for pools in (self._free, self._coming))
        for pods in (free, coming):
            pods.pop(pod.name, None)
        if pod.may_be_taken and pod.name not in self._found:
            has_started = pod.is_ready or pod.name in self._started
            (free if has_started else coming)[pod.name] = pod

    # What this gateway finds out

    def take(self, name: str) -> None:
        """Learn that a pod is not free, for good."""
        self._find(name, _Found.TAKEN)

    def miss(self, name: str) -> None:
        """Learn that a pod cannot be reached, for now."""
        if self._found.get(name) is not _Found.TAKEN:
            self._find(name, _Found.UNREACHABLE)

    def retry(self, name: str) -> bool:
        """Let an unreachable pod be tried again; return whether there is such a pod."""
        if self._found.get(name) is _Found.UNREACHABLE:
            self.give_back(name)
        return name in self._pods

    def give_back(self, name: str) -> None:
        """Learn that nothing speaks against a pod but its labels."""
        self._found.pop(name, None)
        pod = self._pods.get(name)
        if pod is not None:
            self._sort(pod)

    def start(self, name: str) -> None:
        """Learn from a pod's agent that it has started."""
        pod = self._pods.get(name)
        if pod is not None and not pod.is_ready:
            self._started.add(name)
            self._sort(pod)

    def runs(self, name: str, function: str) -> None:
        """Learn from a pod's agent what it runs."""
        if name in self._pods:
            self._runs[name] = function
            self.take(name)

    def _find(self, name: str, what: _Found) -> None:
        pod = self._pods.get(name)
        if pod is not None:
            self._found[name] = what
            self._sort(pod)

    # Answers

    def free(self, pool: str) -> list[Seen]:
        """Return the free pods of a pool, the one first that this gateway should take."""
        return self._in_order(self._free.get(pool, {}))

    def coming(self, pool: str) -> list[Seen]:
        """Return the pods of a pool that are starting, in the same order."""
        return self._in_order(self._coming.get(pool, {}))

    def is_coming(self, name: str) -> bool:
        """Whether a pod is starting, to be free."""
        pod = self._pods.get(name)
        return pod is not None and name in self._coming.get(pod.pool, ())

    def free_count(self, pool: str) -> int:
        """Return how many pods of a pool are free."""
        return len(self._free.get(pool, ()))

    def is_free(self, name: str) -> bool:
        """Whether a pod is free."""
        pod = self._pods.get(name)
        return pod is not None and name in self._free.get(pod.pool, ())

    def lacking(self) -> int:
        """Return how many pods that functions could have wait for room on a node."""
        wanted = (each for each in self._pods.values() if each.is_pooled and not each.is_ending)
        return sum(each.lacks_room for each in wanted)

    @property
    def pools(self) -> list[str]:
        """The pools that have had pods."""
        return list(self._free)

    def has_any(self, pool: str) -> bool:
        """Whether there are pods of a pool, free or not."""
        return any(each.pool == pool and not each.is_ending for each in self._pods.values())

    def of(self, function: str) -> list[Seen]:
        """Return the pods of a function, by their labels or their agents' word."""
        return [
            each
            for each in self._pods.values()
            if each.address is not None and function == (each.function or self._runs.get(each.name))
        ]

    def functions(self) -> set[str]:
        """Return the functions that pods run, by the same."""
        found = (each.function or self._runs.get(each.name) for each in self._pods.values())
        return {each for each in found if each}

    def doubtful(self) -> list[Seen]:
        """Return the pods that may run something though no label says so."""
        return [
            each
            for each in self._pods.values()
            if each.address is not None and each.function is None and each.name not in self._runs
        ]

    def _in_order(self, pods: Mapping[str, Seen]) -> list[Seen]:
        return sorted(pods.values(), key=lambda each: self._weights[each.name], reverse=True)

    def _weight(self, name: str) -> bytes:
        return hashlib.blake2b(f"{self._gateway}/{name}".encode(), digest_size=8).digest()
