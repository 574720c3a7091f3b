"""Python's garbage collector in a process that serves: what stays is not looked at any more."""

import gc

_YOUNGEST = 10_000
"""Objects before the youngest are looked through; by default 700, which an invocation or two make.
Hardly anything here is in cycles."""


def spare_what_stays() -> None:
    """Leave all that exists now alone for good, and look through the rest more rarely.

    To be called once everything is loaded: the service model alone is some hundred thousand
    objects, which every full collection would go through. What of it is garbage already stays, too;
    to look for that would take a tenth of a second of the start.
    """
    gc.freeze()
    gc.set_threshold(_YOUNGEST, *gc.get_threshold()[1:])
