"""The trace header in a function's environment variables, where AWS's X-Ray SDK looks for it.

A new value for each invocation is what `setenv` is not made for: glibc keeps every value that a
variable ever had, some 140 bytes each, so that a busy environment would run out of memory. So the
variable stands in a buffer of ours that is written over in place. What the function itself does to
the variable is left alone until the next invocation, and then the buffer takes its place again.
"""

from __future__ import annotations

import ctypes
import os
import sys

_NAME = "_X_AMZN_TRACE_ID"
_KEY = _NAME.encode()
_HEAD = _KEY + b"="
_BYTES_MAX = 1024
"""Headers are a quarter of that; a longer one is set as any variable."""
_IS_LINUX = sys.platform == "linux"


class TraceId:
    """Sets the variable, for `os.environ`, for `getenv` and for whatever programs are started."""

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(_HEAD, _BYTES_MAX)
        self._view = memoryview(self._buffer).cast("B")
        self._shown: bytes | None = None

    def show(self, trace_id: str | None) -> None:
        """Set the variable for this invocation; `None`: there is none."""
        # What `os.environ` has read or been given, by encoded names: a value put there reaches no
        # `setenv`. There is none if the function has put something else in its place.
        known: dict[bytes, bytes] | None = getattr(os.environ, "_data", None)
        value = b"" if trace_id is None else trace_id.encode("utf-8", "surrogateescape")
        if (
            trace_id is None
            or known is None
            or len(_HEAD) + len(value) >= _BYTES_MAX
            or not _IS_LINUX
        ):
            self._set_plainly(trace_id)
            return
        if self._shown is None or known.get(_KEY) is not self._shown:
            # The first, or the function has touched it.
            os.environ.pop(_NAME, None)
            ctypes.CDLL(None).putenv(self._buffer)
        self._view[len(_HEAD) : len(_HEAD) + len(value) + 1] = value + b"\0"
        known[_KEY] = self._shown = value

    def _set_plainly(self, trace_id: str | None) -> None:
        self._shown = None
        if trace_id is None:
            os.environ.pop(_NAME, None)
        else:
            os.environ[_NAME] = trace_id
