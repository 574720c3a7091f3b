"""Becoming another program: a `bootstrap`, or an image's entry point.

What cannot be executed is an init error (`Runtime.InvalidEntrypoint`) with Lambda's text, and the
shell's exit status, 127 for absent and 126 for refused.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
from typing import NoReturn

from inglenook_runtime import frames

INVALID_ENTRYPOINT = "Runtime.InvalidEntrypoint"

_ABSENT = (errno.ENOENT, errno.ENOTDIR)
_TEXTS = {
    errno.EACCES: "permission denied",
    errno.ENOEXEC: "exec format error",
    errno.ENOENT: "no such file or directory",
    errno.ENOTDIR: "not a directory",
}


def become(
    argv: tuple[str, ...], seen: str, variables: dict[str, str], control: frames.Control
) -> NoReturn:
    """Execute `argv`; `seen` is what the function knows the program as."""
    restore_signals()
    try:
        os.execve(argv[0], list(argv), variables)  # noqa: S606 - that is the order
    except OSError as error:
        number = error.errno or errno.EINVAL
        text = _TEXTS.get(number, os.strerror(number).lower())
        if number in _ABSENT and not os.path.lexists(argv[0]):
            message = f"Couldn't find valid bootstrap(s): [{seen}]"
        else:
            message = f"fork/exec {seen}: {text}"
        payload = json.dumps({"errorMessage": message, "errorType": INVALID_ENTRYPOINT})
        with contextlib.suppress(OSError):
            control.send(
                frames.INIT_ERROR, frames.failure_payload(INVALID_ENTRYPOINT, payload.encode())
            )
        os._exit(127 if number in _ABSENT else 126)


def restore_signals() -> None:
    """Undo what Python does to signals, which a program would inherit."""
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
