"""What environments run that this gateway has not asked for: a former owner has.

Each counts against its function's limit until the agent says that it is done, or is gone. Nobody
here waits for an answer; the former owner, if it lives, hears it.
"""

from inglenook.capacity import concurrency
from inglenook.wire import messages
from inglenook_gateway.dispatch.environment import Environment


class Elsewhere:
    """The environments of one version that run something for a former owner."""

    def __init__(self, version: messages.VersionId, ledger: concurrency.Ledger) -> None:
        self._version = version
        self._ledger = ledger
        self._held: set[Environment] = set()

    def hold(self, environment: Environment) -> None:
        """Count one that is busy."""
        self._held.add(environment)
        self._ledger.hold(self._version.function_name, self._version.version, environment)

    def release(self, environment: Environment) -> None:
        """Learn that it is not any more. Safe to repeat, and for any other."""
        if environment in self._held:
            self._held.discard(environment)
            self._ledger.release(self._version.function_name, environment)

    def release_all(self) -> None:
        """Count none any more: it is not this gateway's function."""
        for each in list(self._held):
            self.release(each)
