"""A /tmp of limited size that a spawner keeps for an environment.

It comes with a process and may outlive it: whoever takes it over releases it. When the spawner has
ended it is gone. What it is: `inglenook_runtime.storage`.
"""

from collections.abc import Callable


class Storage:
    """One of them, by the number that its spawner knows it by."""

    __slots__ = ("_release", "is_gone", "is_used", "number", "on_used")

    def __init__(self, number: int, release: Callable[["Storage"], None]) -> None:
        self.number = number
        self.is_used = False
        """Whether anything was ever put into it."""
        self.is_gone = False
        self.on_used: Callable[[], None] | None = None
        self._release = release

    def used(self) -> None:
        """Take note that something is, or is about to be, put into it. Only the first counts."""
        if not self.is_used:
            self.is_used = True
            if self.on_used is not None:
                self.on_used()

    def release(self) -> None:
        """Let go of it, with all that is in it. Safe to repeat."""
        if not self.is_gone:
            self.is_gone = True
            self._release(self)
