"""The agent's end of a loop over the Runtime API, for a process that has come out of a wrapper.

It speaks in frames, as the control socket does. HTTP is spoken by hand: what a wrapper brings often
watches `http.client`, and would see a request of the function's in each of ours.
"""

from __future__ import annotations

import json
import socket
import sys
from http.client import HTTPException, HTTPMessage, HTTPResponse

from inglenook_runtime import frames

_API = "/2018-06-01/runtime"
_JOINED_MAX = 65536


class RefusedError(Exception):
    """The Runtime API does not give an event."""


class Exchange:
    """One connection to the Runtime API. Blocking; for the main thread only."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._request_id = ""

    def receive(self) -> frames.Frame:
        """Wait for the next event; `None` when nobody is there any more."""
        try:
            status, headers, body = self._ask("GET", "invocation/next")
        except (OSError, HTTPException):
            return None
        if status != 200:
            raise RefusedError(f"the Runtime API answers {status}: {body[:200]!r}")
        self._request_id = headers.get("Lambda-Runtime-Aws-Request-Id", "")
        header = {
            "id": self._request_id,
            "deadline_ms": int(headers.get("Lambda-Runtime-Deadline-Ms", 0)),
            "arn": headers.get("Lambda-Runtime-Invoked-Function-Arn"),
            "trace_id": headers.get("Lambda-Runtime-Trace-Id"),
            "client_context": _text(headers, "Lambda-Runtime-Client-Context"),
            "cognito_identity": _text(headers, "Lambda-Runtime-Cognito-Identity"),
            "tenant_id": _text(headers, "Lambda-Runtime-Aws-Tenant-Id"),
        }
        text = json.dumps(header).encode()
        return frames.EVENT, memoryview(len(text).to_bytes(4, "big") + text + body)

    def send(self, kind: int, payload: bytes | bytearray) -> None:
        """Say what a frame says. Being ready is said by asking for the first event."""
        if kind == frames.READY:
            return
        if kind == frames.ANSWER:
            path, headers, body = f"invocation/{self._request_id}/response", "", bytes(payload)
        else:
            end = 1 + payload[0]
            error_type = bytes(payload[1:end]).decode()
            headers = f"Lambda-Runtime-Function-Error-Type: {_line(error_type)}\r\n"
            body = bytes(payload[end:])
            failed = f"invocation/{self._request_id}/error"
            path = "init/error" if kind == frames.INIT_ERROR else failed
        # A refusal (too large, too late) is between the platform and the caller.
        self._ask("POST", path, headers, body)

    def _ask(
        self, method: str, path: str, headers: str = "", body: bytes = b""
    ) -> tuple[int, HTTPMessage, bytes]:
        if self._socket is None:
            host, _, port = self._address.rpartition(":")
            self._socket = socket.create_connection((host, int(port)))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = (
            f"{method} {_API}/{path} HTTP/1.1\r\nHost: {self._address}\r\n"
            f"User-Agent: inglenook-python/{sys.version_info[0]}.{sys.version_info[1]}\r\n{headers}"
        )
        if method == "POST":
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        begin = f"{head}\r\n".encode("latin-1")
        if len(body) <= _JOINED_MAX:
            self._socket.sendall(begin + body)
        else:
            self._socket.sendall(begin)
            self._socket.sendall(body)
        response = HTTPResponse(self._socket, method=method)
        response.begin()
        answer = response.read()
        if response.will_close:
            self._socket.close()
            self._socket = None
        return response.status, response.headers, answer


def _text(headers: HTTPMessage, name: str) -> str | None:
    """Return a header that is UTF-8, or None."""
    value: str | None = headers.get(name)
    return None if value is None else value.encode("latin-1").decode("utf-8", "replace")


def _line(text: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in text)
