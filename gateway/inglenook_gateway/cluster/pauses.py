"""Things that have failed, left alone for a while: longer each time, until one is forgotten."""

import asyncio
from collections.abc import Callable

from inglenook.aio import backoff


class Pauses:
    """The pauses of one kind of thing, by name."""

    def __init__(self, first_s: float, most_s: float, over: Callable[[str], bool]) -> None:
        """Call `over` when a pause is; it tells whether the thing is still to be remembered."""
        self._span_s = first_s, most_s
        self._over = over
        self._lengths: dict[str, backoff.Backoff] = {}
        self._present: set[str] = set()

    def __contains__(self, name: str) -> bool:
        """Whether it is left alone now."""
        return name in self._present

    def begin(self, name: str) -> None:
        """Leave it alone, longer than the last time."""
        self._present.add(name)
        pause_s = self._lengths.setdefault(name, backoff.Backoff(*self._span_s)).next()
        asyncio.get_running_loop().call_later(pause_s, self._end, name)

    def _end(self, name: str) -> None:
        self._present.discard(name)
        if not self._over(name):
            self.forget(name)

    def forget(self, name: str) -> None:
        """Begin with the shortest pause again, should it fail again."""
        self._lengths.pop(name, None)
