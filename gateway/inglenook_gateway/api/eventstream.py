"""Messages of AWS's event stream encoding (`application/vnd.amazon.eventstream`).

A message is a prelude (its length, its headers' length, a CRC), headers, a payload and a CRC of it
all; numbers are big-endian. Only string headers are written: the API needs no others. Format:
https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
"""

import binascii
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

CONTENT_TYPE = "application/vnd.amazon.eventstream"
BINARY = "application/octet-stream"
JSON = "application/json"

_STRING = 7
_PRELUDE_BYTES = 12
_CRC_BYTES = 4


def message(headers: Mapping[str, str], payload: "Body") -> bytes:
    """Frame one message."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    length = _PRELUDE_BYTES + len(block) + len(payload) + _CRC_BYTES
    prelude = struct.pack("!II", length, len(block))
    prelude += struct.pack("!I", binascii.crc32(prelude))
    framed = b"".join((prelude, block, payload))
    return framed + struct.pack("!I", binascii.crc32(framed))


def event(event_type: str, content_type: str, payload: "Body") -> bytes:
    """Frame one event."""
    headers = {
        ":event-type": event_type,
        ":content-type": content_type,
        ":message-type": "event",
    }
    return message(headers, payload)


def _header(name: str, value: str) -> bytes:
    raw_name, raw_value = name.encode(), value.encode()
    return (
        struct.pack("!B", len(raw_name))
        + raw_name
        + struct.pack("!BH", _STRING, len(raw_value))
        + raw_value
    )
