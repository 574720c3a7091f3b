"""Whether the other end of a link answers at once.

A gateway whose node loses power is noticed by the kernel after seconds, in which everything that is
forwarded to it would be lost. So each link is asked all the time whether somebody is there, and
while the answer is overdue it is *quiet*: nothing new is given to it. It may only be slow, so what
it has been given is left with it, and with its answer it is not quiet any more.

A link that nothing has been given to for some seconds is asked less often: an idle platform has
many of those, and nothing to lose.
"""

import asyncio
from collections.abc import Callable

from inglenook.wire import asking, gateways, messages
from inglenook.wire.connection import Body

_EVERY_S = 0.25
_AT_REST_S = 2.0
_RESTS_AFTER = 20
"""After how many beats without use."""
_OVERDUE = 2
"""After how many beats without an answer a link is quiet."""


class Pulse:
    """Asks over one link, from `start` until `stop`."""

    def __init__(self, link: asking.Asking, changed: Callable[[], None]) -> None:
        """Call `changed` when the link is quiet, and when it is not any more."""
        self._link = link
        self._changed = changed
        self._timer: asyncio.TimerHandle | None = None
        self._unused = 0
        """For how many beats nobody has wanted to use the link."""
        self._is_asked = False
        self._waited = 0
        """For how many beats no answer has come."""

    @property
    def is_quiet(self) -> bool:
        return self._waited >= _OVERDUE

    def start(self) -> None:
        self._beat()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def used(self) -> None:
        """Learn that somebody is about to give something to the link."""
        was_at_rest, self._unused = self._is_at_rest, 0
        if was_at_rest:
            self._ask()
            self._beat_later()

    @property
    def _is_at_rest(self) -> bool:
        return self._unused >= _RESTS_AFTER

    def _beat(self) -> None:
        self._unused += 1
        if self._is_asked:
            self._waited += 1
            if self._waited == _OVERDUE:
                self._changed()
        else:
            self._ask()
        self._beat_later()

    def _beat_later(self) -> None:
        self.stop()
        after_s = _AT_REST_S if self._is_at_rest else _EVERY_S
        self._timer = asyncio.get_running_loop().call_later(after_s, self._beat)

    def _ask(self) -> None:
        if not self._is_asked:
            self._is_asked = True
            self._link.ask(gateways.Ping(), b"", self._answered)

    def _answered(self, _header: messages.Header | None, _body: Body) -> None:
        self._is_asked = False
        was_quiet, self._waited = self.is_quiet, 0
        if was_quiet:
            self._changed()
