"""How runs end badly: the error types, texts and payloads that Lambda's callers see.

Pure. Recorded answers are in `aws-behaviour` 29, 30 and 32; the texts of exits follow the wording
of the Go runtime, in which Lambda's supervisor is written.
"""

import signal

import msgspec

from inglenook.model import limits

TIMED_OUT = "Sandbox.Timedout"
EXITED = "Runtime.ExitError"
OUT_OF_MEMORY = "Runtime.OutOfMemory"
OUT_OF_STORAGE = "Runtime.OutOfStorage"
"""Ours: on Lambda a write fails in the function, with ENOSPC."""
TOO_LARGE = "Function.ResponseSizeTooLarge"
INVALID_ENTRYPOINT = "Runtime.InvalidEntrypoint"
TRUNCATED = "Runtime.TruncatedResponse"
INVALID_RESPONSE_MODE = "Runtime.InvalidResponseModeHeader"
SANDBOX_FAILED = "Sandbox.Failure"

_SIGNALS: dict[int, str] = {
    signal.SIGHUP: "hangup",
    signal.SIGINT: "interrupt",
    signal.SIGQUIT: "quit",
    signal.SIGILL: "illegal instruction",
    signal.SIGTRAP: "trace/breakpoint trap",
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGKILL: "killed",
    signal.SIGUSR1: "user defined signal 1",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGUSR2: "user defined signal 2",
    signal.SIGPIPE: "broken pipe",
    signal.SIGALRM: "alarm clock",
    signal.SIGTERM: "terminated",
}


def exit_text(status: int) -> str:
    """Say how a process ended; `status` is negative for a signal."""
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    name = _SIGNALS.get(-status, f"signal {-status}")
    return f"Runtime exited with error: signal: {name}"


def timeout_text(timeout_s: float) -> str:
    return f"Task timed out after {timeout_s:.2f} seconds"


def storage_text(used_bytes: int, size_mb: int) -> str:
    """Say that /tmp holds more than a function's size of it."""
    used_mb = -(-used_bytes // limits.MIB)
    return f"/tmp holds {used_mb} MB, and EphemeralStorage is {size_mb} MB"  # noqa: S108


def message(request_id: str, text: str) -> str:
    """Return the text as callers and the log see it."""
    return f"RequestId: {request_id} Error: {text}"


def payload(error_type: str, error_message: str) -> bytes:
    """Return the payload of a failure of which the runtime could not tell itself."""
    return msgspec.json.encode({"errorType": error_type, "errorMessage": error_message})


def too_large_payload(limit: int = limits.RESPONSE_BYTES_MAX) -> bytes:
    """Return the payload for a response over the limit. The keys' order is AWS's here."""
    text = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return msgspec.json.encode({"errorMessage": text, "errorType": TOO_LARGE})
