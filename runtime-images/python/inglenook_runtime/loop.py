"""The runtime loop of a Python function: init once, then one event after the other.

Stands where AWS's runtime interface client stands, and treats a function the same way. What it
does not catch (`SystemExit` and whatever else is no `Exception`) ends the process, as there.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from inglenook_runtime import context, faults, frames, logs, lookup, marshalling, trace_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The function could not be initialized; "
    "look for the cause in its code, its dependencies and its handler setting.\r"
)


class Control(Protocol):
    """The way to the agent."""

    def receive(self) -> frames.Frame:
        """Wait for a frame, whose payload is valid until the next call; `None` at the end."""

    def send(self, kind: int, payload: bytes | bytearray) -> None:
        """Send a frame."""


class Loop:
    """Serves the agent's events with the function's handler."""

    def __init__(self, control: Control, log: logs.Log, variables: Mapping[str, str]) -> None:
        self._control = control
        self._log = log
        self._marshaller = marshalling.Marshaller(variables.get("AWS_EXECUTION_ENV"))
        self._constants = context.Constants(variables)
        self._trace_id = trace_id.TraceId()
        # `json.loads` without what it finds out about its argument first.
        self._scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined, unused-ignore]

    def init(self, name: str) -> lookup.Handler:
        """Find the handler and say so; when that fails, say that and exit with status 1."""
        try:
            handler = lookup.find(name)
        except Exception as error:
            logging.warning(_WARNING)  # noqa: LOG015 - as a function's own record, whatever the level
            self._fail(frames.INIT_ERROR, faults.report(error))
            sys.exit(1)
        self._control.send(frames.READY, b"")
        return handler

    def serve(self, handler: lookup.Handler) -> NoReturn:
        while True:
            frame = self._control.receive()
            if frame is None:
                # Nobody waits for this environment any more; it ends as a frozen one does.
                os._exit(0)
            self.invoke(handler, frame[1])
            del frame

    def invoke(self, handler: lookup.Handler, payload: memoryview) -> None:
        """Run one event and answer it."""
        split = 4 + int.from_bytes(payload[:4], "big")
        header, _ = self._scan(str(payload[4:split], "utf-8"), 0)
        request_id = header["id"]
        self._log.current.request_id = request_id
        self._log.current.tenant_id = header.get("tenant_id")
        self._trace_id.show(header.get("trace_id"))
        failure: dict[str, Any] | None = None
        answer = b""
        try:
            invocation = context.LambdaContext(self._constants, header)
            event = self._marshaller.event(payload[split:])
            answer = self._marshaller.answer(handler(event, invocation))
        except Exception as error:
            failure = faults.report(error, request_id)
        # Here the traceback, and with it all that the function held, is gone: what its clean-up
        # prints comes before the answer.
        if failure is None:
            self._control.send(frames.ANSWER, answer)
        else:
            self._fail(frames.FAILURE, failure)

    def _fail(self, kind: int, payload: dict[str, Any]) -> None:
        self._log.error(payload, self._marshaller)
        body = self._marshaller.text(payload).encode("utf-8", "backslashreplace")
        self._control.send(kind, frames.failure_payload(payload["errorType"], body))
