"""What environments run that this gateway has not asked for: a former owner has.

Each counts against its function's limit until the agent says that it is done, or is gone, or should
have said so long ago. Nobody here waits for an answer; the former owner, if it lives, hears it.
"""

from inglenook.capacity import concurrency
from inglenook.wire import messages
from inglenook_gateway.dispatch.environment import Environment


class Elsewhere:
    """The environments of one version that run something for a former owner."""

    def __init__(self, version: messages.VersionId, ledger: concurrency.Ledger) -> None:
        self._version = version
        self._ledger = ledger
        self._held: dict[Environment, float] = {}

    @property
    def is_counting(self) -> bool:
        """Whether there are any."""
        return bool(self._held)

    def hold(self, environment: Environment, silent_after: float = float("inf")) -> None:
        """Count one that is busy, and must be done at a moment on the monotonic clock."""
        self._held[environment] = silent_after
        self._ledger.hold(self._version.function_name, self._version.version, environment)

    def overdue(self, now: float) -> list[Environment]:
        """Return those that must have been done, and of which nothing was heard."""
        return [each for each, silent_after in self._held.items() if silent_after < now]

    def release(self, environment: Environment) -> None:
        """Learn that it is not any more. Safe to repeat, and for any other."""
        if self._held.pop(environment, None) is not None:
            self._ledger.release(self._version.function_name, environment)

    def release_all(self) -> None:
        """Count none any more: it is not this gateway's function."""
        for each in list(self._held):
            self.release(each)
