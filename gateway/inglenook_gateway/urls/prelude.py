"""The beginning of a streamed HTTP response: what stands before its body.

A function that streams says `application/vnd.awslambda.http-integration-response` for its content
type and begins with a JSON object (`statusCode`, `headers`, `cookies`), then eight zero bytes, then
the body. It may come in any pieces; no more than `BYTES_MAX` are kept of it.

Source: dg/response-streaming.html; awslambda.HttpResponseStream of AWS's Node.js runtime.
"""

import msgspec

from inglenook_gateway.urls import answer

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DEFAULT_TYPE = "application/octet-stream"
BYTES_MAX = 64 * 1024
_END = b"\0" * 8


class Prelude:
    """Take the pieces up to the body."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, piece: "bytes | bytearray | memoryview") -> tuple[answer.Head, bytes] | None:
        """Return the head and the beginning of the body once the head is whole, else None.

        Raises MalformedAnswer.
        """
        seen = max(0, len(self._kept) - len(_END) + 1)
        self._kept += piece
        at = self._kept.find(_END, seen)
        if at > BYTES_MAX or (at < 0 and len(self._kept) > BYTES_MAX + len(_END)):
            raise answer.MalformedAnswer
        if at < 0:
            return None
        return _head(bytes(self._kept[:at])), bytes(self._kept[at + len(_END) :])


def split(payload: bytes | bytearray) -> answer.Answer:
    """Read a whole answer that was written to be streamed. Raises MalformedAnswer."""
    found = Prelude().feed(payload)
    if found is None:
        raise answer.MalformedAnswer
    head, body = found
    return answer.Answer(head=head, body=body)


def _head(raw: bytes) -> answer.Head:
    try:
        told = msgspec.json.decode(raw, type=dict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise answer.MalformedAnswer from exc
    return answer.head(told, content_type=DEFAULT_TYPE)
