"""One stream of JetStream: conditional writes that are done or not done, and what stands in it.

A write is one message or several that are stored together or not at all. It is repeated, for
`api.PATIENCE_S` at most, while no server answers; each write has a name, by which it is found out
whether a try without an answer was done after all. So an answer is never wrong, and none at all
(UnavailableError) means that it may have been done or not.
"""

import asyncio
import base64
import json
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nats.aio.msg import Msg

from inglenook.aio import backoff
from inglenook_cluster.streams import api, records
from inglenook_cluster.streams.connection import Connection
from inglenook_cluster.streams.failures import ConflictError, EngineError, UnavailableError

logger = logging.getLogger(__name__)

_BATCHES_MAX = 16
"""How many writes of several messages are under way at once: a server takes 50 for each stream."""
_EXPECTED_HEADER = "Nats-Expected-Last-Subject-Sequence"
_NAME_TAKEN = 10058
_NOT_FOUND = "404"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be written on a subject."""

    subject: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    expected: int | None = None
    """The sequence of the last message on the subject, 0: there is none; None: whatever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What stands on a subject."""

    sequence: int
    body: bytes
    headers: Mapping[str, str]
    at: float
    """When it was written, by the server's clock: seconds since the epoch."""


class Stream:
    """A stream by its name."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection = connection
        self.name = name
        self._batches = asyncio.Semaphore(_BATCHES_MAX)

    async def ensure(self, config: Mapping[str, Any]) -> None:
        """Make the stream, or make it as it shall be; wait while servers are starting.

        Raises EngineError if the servers cannot do what is asked.
        """
        pauses = backoff.Backoff(*api.PAUSE_S)
        wanted = {
            "name": self.name,
            "retention": "limits",
            "storage": "file",
            "num_replicas": self.connection.replicas,
            "allow_direct": True,
            **config,
        }
        while True:
            try:
                await self.connection.until_connected(api.PATIENCE_S)
                answer = await self._made(wanted)
            except UnavailableError as error:
                logger.warning(
                    "JetStream is not ready", extra={"stream": self.name, "reason": error.message}
                )
                await asyncio.sleep(pauses.next())
                continue
            lacking = [key for key in config if key not in answer["config"]]
            if lacking:
                raise EngineError(f"NATS does not know {', '.join(lacking)}: it is too old.")
            return

    async def _made(self, wanted: Mapping[str, Any]) -> Any:
        try:
            return await api.call(self.connection, f"STREAM.CREATE.{self.name}", wanted)
        except api.RefusedError as refusal:
            if refusal.number != _NAME_TAKEN:
                raise
            return await api.call(self.connection, f"STREAM.UPDATE.{self.name}", wanted)

    async def last(self, subject: str) -> Stored | None:
        """Return what stands on a subject; a replica that answers may be a little behind."""
        return _found(await self._patient(f"$JS.API.DIRECT.GET.{self.name}.{subject}"))

    async def latest(self, subject: str) -> Stored | None:
        """Return what stands on a subject, as the leader knows it."""
        return await self._of_leader({"last_by_subj": subject})

    async def following(self, subject: str, after: int) -> Stored | None:
        """Return the first message on a subject that comes after a sequence."""
        asked = {"next_by_subj": subject, "seq": after + 1}
        request = json.dumps(asked).encode()
        found = _found(await self._patient(f"$JS.API.DIRECT.GET.{self.name}", request))
        # A replica may not have it yet.
        return found or await self._of_leader(asked)

    async def _of_leader(self, asked: Mapping[str, Any]) -> Stored | None:
        try:
            found = (await self._patient_call(f"STREAM.MSG.GET.{self.name}", asked))["message"]
        except api.RefusedError as refusal:
            if refusal.number not in api.NOT_THERE:
                raise
            return None
        return Stored(
            sequence=found["seq"],
            body=base64.b64decode(found.get("data", "")),
            headers=_headers(found.get("hdrs", "")),
            at=_seconds(found["time"]),
        )

    async def subjects(self, filtered: str) -> set[str]:
        """Return the subjects that have messages."""
        found: set[str] = set()
        while True:
            request = {"subjects_filter": filtered, "offset": len(found)}
            answer = await self._patient_call(f"STREAM.INFO.{self.name}", request)
            more = set(answer["state"].get("subjects") or ()) - found
            found |= more
            if not more or len(found) >= answer.get("total", 0):
                return found

    async def delete(self, sequence: int) -> None:
        """Remove a message, if it is there."""
        request = {"seq": sequence, "no_erase": True}
        try:
            await self._patient_call(f"STREAM.MSG.DELETE.{self.name}", request)
        except api.RefusedError as refusal:
            if refusal.number not in api.NOT_THERE:
                raise

    async def purge(self, subject: str) -> None:
        """Remove all messages of a subject."""
        await self._patient_call(f"STREAM.PURGE.{self.name}", {"filter": subject})

    async def write(self, messages: Sequence[Message]) -> int | None:
        """Store messages together; return the sequence of the first, which the others follow.

        None: it was done, and somebody has changed it since. Raises ConflictError if what the first
        expects is not so, and EngineError.
        """
        token = secrets.token_hex(8)
        patience = api.Patience()
        was_tried = False
        while True:
            try:
                await self.connection.until_connected(patience.left_s)
                return await self._try_to_write(messages, token)
            except ConflictError:
                if not was_tried:
                    raise
                return await self._landed(messages[0], token)
            except UnavailableError:
                if patience.is_over:
                    raise
                was_tried = True
            await patience.pause()

    async def _landed(self, first: Message, token: str) -> int | None:
        """Return where the write of this name is. Raises ConflictError if it is nowhere."""
        stored = await self.latest(first.subject)
        if stored is not None and stored.headers.get(records.WRITE_HEADER) == token:
            return stored.sequence
        # Nobody else writes the first message of a subject: it is there, so it was ours.
        if stored is not None and first.expected == 0:
            return None
        raise ConflictError

    async def _try_to_write(self, messages: Sequence[Message], token: str) -> int:
        if len(messages) == 1:
            answer = await self._send(messages[0], {records.WRITE_HEADER: token})
            return _sequence(answer)
        async with self._batches:
            return await self._try_to_write_together(messages, token)

    async def _try_to_write_together(self, messages: Sequence[Message], token: str) -> int:
        batch = {"Nats-Batch-Id": secrets.token_hex(12)}
        for number, message in enumerate(messages[:-1], 1):
            named = {records.WRITE_HEADER: token} if number == 1 else {}
            headers = named | batch | {"Nats-Batch-Sequence": str(number)}
            await self.connection.publish(message.subject, message.body, _written(message, headers))
        last = {"Nats-Batch-Sequence": str(len(messages)), "Nats-Batch-Commit": "1"}
        return _sequence(await self._send(messages[-1], batch | last)) - len(messages) + 1

    async def _send(self, message: Message, headers: Mapping[str, str]) -> bytes:
        answer = await self.connection.request(
            message.subject, message.body, _written(message, headers)
        )
        return bytes(answer.data)

    async def _patient(self, subject: str, request: bytes = b"") -> Msg:
        return await api.patiently(
            self.connection, lambda: self.connection.request(subject, request)
        )

    async def _patient_call(self, call: str, request: Mapping[str, Any]) -> Any:
        return await api.patiently(
            self.connection, lambda: api.call(self.connection, call, request)
        )


def _found(message: Msg) -> Stored | None:
    """Return what a direct question was answered with."""
    headers = message.headers or {}
    if headers.get("Status") == _NOT_FOUND:
        return None
    if "Nats-Sequence" not in headers:
        raise UnavailableError(f"NATS could not read: {headers.get('Description')}")
    return Stored(
        sequence=int(headers["Nats-Sequence"]),
        body=message.data,
        headers=headers,
        at=_seconds(headers["Nats-Time-Stamp"]),
    )


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def _sequence(answer: bytes) -> int:
    return int(api.checked(answer)["seq"])


def _written(message: Message, headers: Mapping[str, str]) -> dict[str, str]:
    found = {**message.headers, **headers}
    if message.expected is not None:
        found[_EXPECTED_HEADER] = str(message.expected)
    return found


def _headers(encoded: str) -> dict[str, str]:
    lines = base64.b64decode(encoded).decode("utf-8", "replace").split("\r\n")[1:]
    return {name: value.strip() for name, _, value in (one.partition(":") for one in lines) if name}
