"""Provisioned concurrency: how many environments each version is to have ready, and how it is.

Level-triggered: a target stands beside what is there, and the difference is what to do. What an
alias asks for goes to the versions that it points to, by their weights, each share rounded up.

Source: dg/provisioned-concurrency.html, api/API_GetProvisionedConcurrencyConfig.html.
"""

import enum
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from inglenook.model.function import Alias

E = TypeVar("E", bound=Hashable)

INIT_FAILURE = "FUNCTION_ERROR_INIT_FAILURE"
"""The `StatusReason` when the function's own init does not end well."""


class Status(enum.Enum):
    """How the allocation goes (API member `Status`)."""

    IN_PROGRESS = "IN_PROGRESS"
    READY = "READY"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many environments there are of those that are wanted."""

    allocated: int = 0
    """Ready, or being made so."""
    available: int = 0
    """Ready: their init has ended well."""
    failure: str | None = None
    """Why the last that was started did not become ready."""

    def status(self, wanted: int) -> Status:
        """Return what the API says if `wanted` were asked for."""
        if self.available >= wanted:
            return Status.READY
        return Status.IN_PROGRESS if self.failure is None else Status.FAILED


def shares(alias: Alias, requested: int) -> dict[str, int]:
    """Split what is requested for an alias over its versions."""
    weights = dict(alias.additional_version_weights)
    weights[alias.function_version] = 1.0 - sum(weights.values())
    # The tolerance keeps 0.1 of 10 from becoming 2.
    split = {version: math.ceil(requested * weight - 1e-9) for version, weight in weights.items()}
    return {version: share for version, share in split.items() if share > 0}


def standing_of(
    key: str,
    wanted: Mapping[str, Mapping[str, int]],
    versions: Mapping[str, Standing],
) -> Standing:
    """Return how the share of one qualifier stands.

    `wanted` has the versions' shares of every qualifier of the function, `versions` what each
    version has. Where several qualifiers want of one version, the first by name has its part first.
    """
    allocated = available = 0
    failure = None
    for version, share in wanted[key].items():
        stands = versions.get(version, Standing())
        before = sum(others.get(version, 0) for name, others in wanted.items() if name < key)
        allocated += min(share, max(0, stands.allocated - before))
        available += min(share, max(0, stands.available - before))
        if available < share:
            failure = failure or stands.failure
    return Standing(allocated=allocated, available=available, failure=failure)


class Reserve(Generic[E]):
    """The provisioned environments of one version: as many as `target` are to be there."""

    __slots__ = ("_members", "_starting", "failure", "target")

    def __init__(self) -> None:
        self.target = 0
        self.failure: str | None = None
        # No set, which takes as much when it is empty as all the rest: most versions have none.
        self._members: dict[E, None] = {}
        self._starting = 0

    def __contains__(self, environment: E) -> bool:
        return environment in self._members

    def __len__(self) -> int:
        return len(self._members)

    @property
    def is_unused(self) -> bool:
        """Whether none is wanted, there or on its way."""
        return not (self.target or self._members or self._starting)

    @property
    def standing(self) -> Standing:
        """How many are ready or on their way."""
        return Standing(
            allocated=len(self._members) + self._starting,
            available=len(self._members),
            failure=self.failure,
        )

    def aim(self, target: int) -> bool:
        """Want so many from now on; return whether that is a change."""
        changed = target != self.target
        self.target = target
        if changed:
            self.failure = None
        return changed

    def starts_wanted(self) -> int:
        """Return how many more should be starting: one at a time after a failure."""
        missing = self.target - len(self._members) - self._starting
        if self.failure is not None:
            missing = min(missing, 1 - self._starting)
        return max(0, missing)

    def surplus(self) -> int:
        """Return how many there are beyond what is wanted."""
        return max(0, len(self._members) - self.target)

    def start_begun(self) -> None:
        """Count a start as under way."""
        self._starting += 1

    def start_failed(self, why: str | None) -> None:
        """Count a start as ended badly; None: for a reason that says nothing of the function."""
        self._starting -= 1
        self.failure = why or self.failure

    def started(self, environment: E) -> None:
        """Take the environment of a start."""
        self._starting -= 1
        self.failure = None
        self._members[environment] = None

    def missing(self, target: int) -> int:
        """Return how many more there would have to be for a target, those on their way counted."""
        return max(0, target - len(self._members) - self._starting)

    def adopted(self, environment: E) -> None:
        """Take an environment that nobody has to start."""
        self._members[environment] = None

    def lost(self, environment: E) -> None:
        """Forget an environment."""
        self._members.pop(environment, None)
