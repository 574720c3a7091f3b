"""A bound on how many environments may be starting at once, over all versions.

Starting costs CPU that running functions need. Who finds the bound reached queues up and is called
when a place is free, in order of arrival, one start per call. Starts that nobody waits for
(provisioned concurrency) have a queue and places of their own: half as many, and none while
somebody waits for one of the others. So a caller never waits behind them.
"""

from typing import Protocol


class Starter(Protocol):
    """Who wants to start environments."""

    def start_more(self) -> None:
        """Start what is wanted, asking `Starts` for a place for each."""


class Starts:
    """The starts in flight, and who waits for one to end."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._in_flight = 0
        self._waiting: dict[Starter, None] = {}
        self._limit_ahead = max(1, limit // 2)
        self._in_flight_ahead = 0
        self._waiting_ahead: dict[Starter, None] = {}

    def begin(self, starter: Starter) -> bool:
        """Take a place, or queue up for a call of `start_more` and return False."""
        if self._in_flight >= self._limit:
            self._waiting[starter] = None
            return False
        self._in_flight += 1
        return True

    def begin_ahead(self, starter: Starter) -> bool:
        """Do the same for a start that nobody waits for."""
        if not self._has_room_ahead:
            self._waiting_ahead[starter] = None
            return False
        self._in_flight_ahead += 1
        return True

    @property
    def _has_room_ahead(self) -> bool:
        return (
            self._in_flight_ahead < self._limit_ahead
            and self._in_flight + self._in_flight_ahead < self._limit
        )

    def end(self) -> None:
        """Give a place back and let who has waited longest go on."""
        self._in_flight -= 1
        self._go_on()

    def end_ahead(self) -> None:
        """Give a place back that `begin_ahead` gave."""
        self._in_flight_ahead -= 1
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and self._in_flight < self._limit:
            starter = _first(self._waiting)
            before = self._in_flight
            starter.start_more()
            if self._in_flight > before:
                # It may want more than one; the others in the queue go first.
                return
        while self._waiting_ahead and self._has_room_ahead:
            starter = _first(self._waiting_ahead)
            before = self._in_flight_ahead
            starter.start_more()
            if self._in_flight_ahead > before:
                return


def _first(waiting: dict[Starter, None]) -> Starter:
    """Take who has waited longest out of a queue."""
    starter = next(iter(waiting))
    del waiting[starter]
    return starter
