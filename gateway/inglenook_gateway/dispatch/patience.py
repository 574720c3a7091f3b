"""When it is worth trying again to get a pod or an environment, after something has failed.

After a pause that grows with each failure in a row; several that fail during one pause are one. And
not while it is being found out whether another gateway owns the function.
"""

import asyncio
import logging
from collections.abc import Callable

from inglenook.aio import backoff

logger = logging.getLogger(__name__)

_FIRST_S = 0.05
_MOST_S = 2.0


class Patience:
    """The pauses of one version's fleet."""

    def __init__(self, function_name: str, over: Callable[[], None]) -> None:
        """Call `over` at the end of each pause."""
        self._function_name = function_name
        self._over = over
        self._backoff = backoff.Backoff(_FIRST_S, _MOST_S)
        self._resume: asyncio.TimerHandle | None = None
        self.is_held_up = False
        """Whether to try nothing because another gateway may own the function."""
        self._is_stopped = False

    @property
    def is_pausing(self) -> bool:
        """Whether nothing should be tried now."""
        return self._resume is not None or self.is_held_up

    def worked(self) -> None:
        """Learn that something has worked, so that the next failure pauses briefly again."""
        self._backoff.reset()

    def pause(self, why: str) -> None:
        """Try nothing for a while: longer each time, until something works."""
        if self._is_stopped or self._resume is not None:
            return
        pause_s = self._backoff.next()
        logger.warning(
            "cannot start an environment; trying again",
            extra={"function": self._function_name, "pause_s": pause_s, "why": why},
        )
        self._resume = asyncio.get_running_loop().call_later(pause_s, self._end)

    def _end(self) -> None:
        self._resume = None
        self._over()

    def stop(self) -> None:
        """Try nothing any more."""
        self._is_stopped = True
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None
