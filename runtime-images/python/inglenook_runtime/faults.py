"""What a function is told when it cannot be loaded or fails: AWS's types, texts and shapes."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

UNMARSHAL_ERROR = "Runtime.UnmarshalError"
MARSHAL_ERROR = "Runtime.MarshalError"
USER_CODE_SYNTAX_ERROR = "Runtime.UserCodeSyntaxError"
HANDLER_NOT_FOUND = "Runtime.HandlerNotFound"
IMPORT_MODULE_ERROR = "Runtime.ImportModuleError"
BUILT_IN_MODULE_CONFLICT = "Runtime.BuiltInModuleConflict"
MALFORMED_HANDLER_NAME = "Runtime.MalformedHandlerName"
CONTEXT_UNMARSHAL_ERROR = "Runtime.LambdaContextUnmarshalError"

_OURS = str(Path(__file__).resolve().parent) + "/"
_NO_BREAK_SPACE = "\u00a0"


class FaultError(Exception):
    """A failure that has no traceback of its own worth showing."""

    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = trace or []


def report(error: Exception, request_id: str = "") -> dict[str, Any]:
    """Return the error's payload, members in AWS's order."""
    if isinstance(error, FaultError):
        error_type, message, trace = error.error_type, error.message, error.trace
    else:
        error_type, message = type(error).__name__, str(error)
        trace = stack_trace(error.__traceback__)
    return {
        "errorMessage": message,
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": trace,
    }


def stack_trace(trace: TracebackType | None) -> list[str]:
    """Format the function's frames; the runtime's own at the start if there are no others."""
    frames = [
        (frame.filename, frame.lineno, frame.name, frame.line)
        for frame in traceback.extract_tb(trace)
    ]
    for index, frame in enumerate(frames):
        if not frame[0].startswith(_OURS):
            frames = frames[index:]
            break
    # From tuples, not from the summaries: those would add 3.11's markers under the code.
    return traceback.format_list(frames)  # type: ignore[arg-type, unused-ignore]


def log_text(payload: dict[str, Any]) -> str:
    """Return the one log event of an error in the text format."""
    described = ": ".join(filter(None, (payload["errorType"], payload["errorMessage"])))
    lines = [f"[ERROR] {described}" if described else "[ERROR]"]
    lines.append("Traceback (most recent call last):")
    for element in payload["stackTrace"]:
        if not element:
            lines.append("")
        for line in element.splitlines():
            text = line.lstrip(" ")
            lines.append(_NO_BREAK_SPACE * (len(line) - len(text)) + text)
    return "\n".join(lines)
