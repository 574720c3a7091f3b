"""Whether the other end of a link answers at once.

A gateway whose node loses power is noticed by the kernel after seconds, in which everything that is
forwarded to it would be lost. So each link is asked all the time whether somebody is there, and
while the answer is overdue it is *quiet*: nothing new is given to it. It may only be slow, so what
it has been given is left with it, and with its answer it is not quiet any more.
"""

import asyncio
from collections.abc import Callable

from inglenook.wire import asking, gateways, messages
from inglenook.wire.connection import Body

_EVERY_S = 0.25
_OVERDUE = 2
"""After how many of these intervals without an answer a link is quiet."""


class Pulse:
    """Asks over one link, from `start` until `stop`."""

    def __init__(self, link: asking.Asking, changed: Callable[[], None]) -> None:
        """Call `changed` when the link is quiet, and when it is not any more."""
        self._link = link
        self._changed = changed
        self._timer: asyncio.TimerHandle | None = None
        self._is_asked = False
        self._waited = 0
        """For how many intervals no answer has come."""

    @property
    def is_quiet(self) -> bool:
        return self._waited >= _OVERDUE

    def start(self) -> None:
        self._beat()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_EVERY_S, self._beat)
        if not self._is_asked:
            self._is_asked = True
            self._link.ask(gateways.Ping(), b"", self._answered)
            return
        self._waited += 1
        if self._waited == _OVERDUE:
            self._changed()

    def _answered(self, _header: messages.Header | None, _body: Body) -> None:
        self._is_asked = False
        was_quiet, self._waited = self.is_quiet, 0
        if was_quiet:
            self._changed()
