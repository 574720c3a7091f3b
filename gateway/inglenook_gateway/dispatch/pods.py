"""Where agents come from, as the dispatcher sees it."""

from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from typing import Protocol

from inglenook.model import function
from inglenook.wire import messages
from inglenook.wire.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a pod is wanted for: it says which kind of pod that must be, and what it becomes."""

    version: messages.VersionId
    runtime: str
    runtime_class: str | None = None
    memory_mb: int
    environments_max: int | None = None
    """How many environments of the version one pod may hold; None: as many as its agent will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod that is the dispatcher's from now on, by the connection to its agent."""

    name: str
    connection: Connection
    is_local: bool = True
    """Whether its agent finds code where it lies, and ends with the connection. Any other is sent
    the code, keeps its environments for another gateway, and ends when it is told to drain."""
    specialised: Callable[[Wanted], None] = lambda _: None
    """To be called once it runs the version that it was wanted for, or found to run."""
    started: Callable[[], None] = lambda: None
    """To be called once an environment has started in it, whether its init has ended well."""
    give_back: Callable[[], None] | None = None
    """Instead of using it: another may have it. Only if its agent has not become `specialised`, and
    no answer is awaited from it."""


class Pods(Protocol):
    """A supply of generic pods, each with an agent that has run nothing yet."""

    async def lease(self, wanted: Wanted, *, is_ahead: bool) -> Pod:
        """Lease a pod, at once or when there is one; `is_ahead` lets those of others go first.

        Cancelling it takes no pod. Raises an `inglenook.errors.ApiError` that no retry can mend
        when there can never be such a pod here; anything else means *not now*.
        """

    def has_free(self, wanted: Wanted) -> bool:
        """Whether the next lease is likely to get a pod that is there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the agent of a found pod says of itself."""

    version: messages.VersionId


class Census(Protocol):
    """Who finds the pods that other gateways, or this one before, have specialised."""

    async def take(self) -> None:
        """Learn what all pods run. What has been taken by others since then is not known."""

    def functions(self) -> set[str]:
        """Return the functions that pods run, as far as is known."""
        ...

    async def of(self, function_name: str, known: Container[str]) -> Sequence[tuple[Pod, Found]]:
        """Return the pods that run a function, but for those whose names are `known`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """What a dispatcher needs whose environments are in pods of a cluster."""

    read: Callable[[str], Awaitable[bytes]]
    """Returns a package, by its SHA-256."""
    census: Census
    current: Callable[[messages.VersionId], function.Spec | None]
    """Returns what a version runs, or None if it is not current any more."""
    trouble: Callable[[str], str | None] = lambda _: None
    """Returns what keeps pods of a runtime from starting, if that is known; for people."""
    lacking: Callable[[], int] = lambda: 0
    """Returns how many pods cannot start because the nodes are full."""
