"""A bound on how many environments may be starting at once, over all versions.

Starting costs CPU that running functions need. Who finds the bound reached queues up and is called
when a place is free, in order of arrival, one start per call.
"""

from typing import Protocol


class Starter(Protocol):
    """Who wants to start environments."""

    def start_more(self) -> None:
        """Start what is wanted, asking `Starts.begin` for each."""


class Starts:
    """The starts in flight, and who waits for one to end."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._in_flight = 0
        self._waiting: dict[Starter, None] = {}

    def begin(self, starter: Starter) -> bool:
        """Take a place, or queue up for a call of `start_more` and return False."""
        if self._in_flight >= self._limit:
            self._waiting[starter] = None
            return False
        self._in_flight += 1
        return True

    def end(self) -> None:
        """Give a place back and let who has waited longest go on."""
        self._in_flight -= 1
        while self._waiting and self._in_flight < self._limit:
            starter = next(iter(self._waiting))
            del self._waiting[starter]
            before = self._in_flight
            starter.start_more()
            if self._in_flight > before:
                # It may want more than one; the others in the queue go first.
                break
