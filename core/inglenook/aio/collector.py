"""Python's garbage collector in a process that serves: what stays is not looked at any more."""

import gc

from inglenook.aio import clock

_YOUNGEST = 10_000
"""Objects before the youngest are looked through; by default 700, which an invocation or two make.
Hardly anything here is in cycles."""
_MANY = 100
"""Of what has ended: worth a look. What environments and all that belongs to them leave behind is
some twenty kilobytes each."""
_REST = 50
"""How many times as long as a look has taken none is taken again: two percent of the time."""


def spare_what_stays() -> None:
    """Leave all that exists now alone for good, and look through the rest more rarely.

    To be called once everything is loaded: the service model alone is some hundred thousand
    objects, which every full collection would go through. What of it is garbage already stays, too;
    to look for that would take a tenth of a second of the start.
    """
    gc.freeze()
    gc.set_threshold(_YOUNGEST, *gc.get_threshold()[1:])


class Leftovers:
    """Take away what has ended in cycles, so that those who come have the memory of those who went.

    It was old when it ended, and the collector by itself looks through what is old only once a
    quarter as much has come: after a quiet hour that would be memory that is had anew.
    """

    def __init__(self, time: clock.Clock) -> None:
        self._clock = time
        self._count = 0
        self._not_before = 0.0

    def more(self) -> None:
        """Count something that has ended, or is about to."""
        self._count += 1

    def collect(self) -> bool:
        """Look through everything if much has ended; return whether it was worth it. Blocks."""
        began = self._clock.monotonic()
        if self._count < _MANY or began < self._not_before:
            return False
        gc.collect()
        self._count = 0
        ended = self._clock.monotonic()
        self._not_before = ended + _REST * (ended - began)
        return True
