"""What the platform's queue has to do: run an event, or deliver what came of one.

These are the states of the queue's items, with the bytes to run or to deliver as their payloads.
They are read by the next release, so members are only ever added, with defaults.
"""

import enum

import msgspec

from inglenook.events import queue


class Invocation(msgspec.Struct, frozen=True, kw_only=True, tag="invocation", rename="camel"):
    """An event that was accepted, to be run by its function."""

    request_id: str
    """The same for every attempt."""
    function_name: str
    function_uid: str
    """Of the function that accepted it; one made later under the same name never gets it."""
    qualifier: str | None
    """As asked for. An alias is resolved at each attempt."""
    trace_id: str
    accepted_at: float
    """Seconds since the epoch."""
    runs: int = 0
    """How often the function has run it, and failed."""
    delays: int = 0
    """How often in a row it could not be run: throttled, or the platform failed."""
    last_status: int | None = None
    """The HTTP status of the last attempt."""


class DeliveryForm(enum.Enum):
    """What is delivered."""

    SUCCESS = "success"
    """The record of an invocation that succeeded."""
    FAILURE = "failure"
    """The record of one that was given up."""
    DEAD_LETTER = "dead letter"
    """The event itself."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True, tag="delivery", rename="camel"):
    """A record or a dead letter, to be taken to a destination."""

    target: str
    """The destination's ARN."""
    form: DeliveryForm
    request_id: str
    """Of the invocation that it is about."""
    function_name: str
    function_arn: str
    """Qualified."""
    made_at: float
    give_up_at: float
    """Seconds since the epoch."""
    attributes: dict[str, tuple[str, str]] = {}
    """Of the message: name to data type and value."""
    tries: int = 0


Work = Invocation | Delivery

_DECODER: msgspec.json.Decoder[Work] = msgspec.json.Decoder(Invocation | Delivery)


def item(work: Work, payload: bytes | bytearray, *, due: float) -> queue.Item:
    """Return what to put into the queue."""
    group = work.function_name if isinstance(work, Invocation) else work.target
    return queue.Item(group=group, due=due, state=encode(work), payload=payload)


def encode(work: Work) -> bytes:
    """Return the state of an item."""
    return msgspec.json.encode(work)


def decode(state: bytes) -> Work:
    """Return what an item's state says. Raises msgspec.DecodeError."""
    return _DECODER.decode(state)
