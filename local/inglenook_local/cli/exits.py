"""How a command ends: the exit codes, and the one exception that carries them.

A command raises it; `main` alone prints its message and exits.
"""

import enum


class Exit(enum.IntEnum):
    """What a script may rely on (stated in docs/local.md)."""

    OK = 0
    FUNCTION_ERROR = 1
    """The function was invoked and failed; its error is on standard output."""
    USAGE = 2
    """The command line makes no sense; typer ends such commands itself."""
    REFUSED = 3
    """The platform answered with an error of the Lambda API."""
    UNREACHABLE = 4
    """Nothing, or not Inglenook, answers at the endpoint."""
    NOT_STARTED = 5
    """`up` could not start."""
    INTERRUPTED = 130


class CommandError(Exception):
    """End the command with this code and, on standard error, this message."""

    def __init__(self, code: Exit, message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
