"""How much of all requests' bodies may be in memory at once.

A deployment package takes some 70 MB on the wire, and more while it is decoded: without a bound,
a hundred clients that upload at once could take the process down with everything that runs.
"""

import contextlib
from collections.abc import Callable, Iterator

from inglenook import errors

_RETRY_AFTER_S = 1

Take = Callable[[int], None]
"""Called with the size of each further piece; raises TooManyRequestsError when there is no room."""


class Uploads:
    """A budget in bytes, shared by the bodies that are being received or worked on."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held = 0

    @contextlib.contextmanager
    def one(self) -> Iterator[Take]:
        """Hold what is taken until the block ends."""
        held = 0

        def take(size: int) -> None:
            nonlocal held
            if self._held + size > self._bytes_max:
                raise errors.TooManyRequestsError("CallerRateLimitExceeded", _RETRY_AFTER_S)
            self._held += size
            held += size

        try:
            yield take
        finally:
            self._held -= held
