"""Being told of every message of a stream, in its order: what stands in it first, then what comes.

The server keeps a consumer for each process, without any memory of what was told: whenever a
message is missing, the server falls silent or the connection was made anew, everything is told
again. Of a message only its headers are sent.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import nats.errors
from nats.aio.msg import Msg

from inglenook.aio import backoff, tasks
from inglenook_cluster.streams import api
from inglenook_cluster.streams.failures import EngineError, UnavailableError
from inglenook_cluster.streams.stream import Stream

logger = logging.getLogger(__name__)

_HEARTBEAT_S = 2
_SILENCE_S = 3 * _HEARTBEAT_S
_UNUSED_S = 30
"""After this the server forgets a consumer that nobody listens to."""
_PAUSE_S = (0.05, 2.0)
_NS = 1_000_000_000
_PLAIN_TOKENS = 9
"""Of a message's reply subject; with a domain there are two more in front."""


class Listener(Protocol):
    """Who is told."""

    def begin(self) -> None:
        """Expect to be told of everything from the beginning."""

    def told(self, subject: str, sequence: int, headers: Mapping[str, str]) -> None:
        """Hear of a message."""

    def complete(self) -> None:
        """Know that what stood in the stream has been told: what was not is not there."""


class Feed:
    """Tell a listener of what stands on some subjects of a stream. To be closed."""

    def __init__(
        self, stream: Stream, subjects: str, listener: Listener, died: Callable[[str], None]
    ) -> None:
        """Call `died` with a name should following end, which it never does by itself."""
        self._stream = stream
        self._subjects = subjects
        self._listener = listener
        self._tasks = tasks.Tasks(on_failure=died)
        self._is_complete = asyncio.Event()
        self._run: _Run | None = None

    async def start(self) -> None:
        """Return when everything has been told once."""
        self._stream.connection.observe(self._again)
        _ = self._tasks.start(self._follow(), name=f"follow {self._stream.name}")
        await self._is_complete.wait()

    async def close(self) -> None:
        """Listen no more. Safe to repeat."""
        with contextlib.suppress(ValueError):
            self._stream.connection.forget(self._again)
        await self._tasks.close()

    def _again(self) -> None:
        if self._run is not None:
            self._run.over.set()

    async def _follow(self) -> None:
        pauses = backoff.Backoff(*_PAUSE_S)
        while True:
            self._run = _Run(self._stream, self._listener, self._is_complete)
            try:
                await self._run.follow(self._subjects)
            except EngineError as error:
                logger.warning(
                    "a stream cannot be followed",
                    extra={"stream": self._stream.name, "reason": error.message},
                )
                await asyncio.sleep(pauses.next())
            else:
                pauses.reset()


class _Run:
    """The life of one consumer."""

    def __init__(self, stream: Stream, listener: Listener, is_complete: asyncio.Event) -> None:
        self._stream = stream
        self._listener = listener
        self._is_complete = is_complete
        self._is_loading = True
        self._told = 0
        self._was_heard = False
        self.over = asyncio.Event()

    async def follow(self, subjects: str) -> None:
        """Listen until something is missing. Raises EngineError."""
        connection = self._stream.connection
        await connection.until_connected(_SILENCE_S)
        inbox = connection.new_inbox()
        subscription = await connection.subscribe(inbox, self._hear)
        consumer = None
        try:
            self._listener.begin()
            answer = await api.call(
                connection,
                f"CONSUMER.CREATE.{self._stream.name}",
                {"stream_name": self._stream.name, "config": _config(subjects, inbox)},
            )
            consumer = answer["name"]
            if not answer["num_pending"] and not answer["delivered"]["consumer_seq"]:
                self._loaded()
            await self._until_over()
        finally:
            self.over.set()
            # The connection may be gone, and the consumer is forgotten by itself.
            with contextlib.suppress(UnavailableError, nats.errors.Error):
                await subscription.unsubscribe()
                if consumer is not None:
                    await connection.publish(
                        f"$JS.API.CONSUMER.DELETE.{self._stream.name}.{consumer}"
                    )

    async def _until_over(self) -> None:
        while not self.over.is_set():
            self._was_heard = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SILENCE_S):
                    await self.over.wait()
            if not self._was_heard:
                return

    async def _hear(self, message: Msg) -> None:
        if self.over.is_set():
            return
        self._was_heard = True
        headers = message.headers or {}
        if "Status" in headers:
            await self._answer(message.reply, headers)
            return
        sequence, number, pending = _place(message.reply)
        self._told += 1
        if number != self._told:
            self.over.set()
            return
        self._listener.told(message.subject, sequence, headers)
        if not pending and self._is_loading:
            self._loaded()

    async def _answer(self, reply: str, headers: Mapping[str, str]) -> None:
        """Answer a heartbeat, or a question whether there is room for more."""
        # Named by a heartbeat that comes while the server waits for an answer.
        to = reply or headers.get("Nats-Consumer-Stalled", "")
        if to:
            with contextlib.suppress(UnavailableError):
                await self._stream.connection.publish(to)
        elif int(headers.get("Nats-Last-Consumer", self._told)) > self._told:
            self.over.set()

    def _loaded(self) -> None:
        self._is_loading = False
        self._listener.complete()
        self._is_complete.set()


def _config(subjects: str, inbox: str) -> Mapping[str, Any]:
    return {
        "deliver_subject": inbox,
        "deliver_policy": "last_per_subject",
        "filter_subject": subjects,
        "ack_policy": "none",
        "max_deliver": 1,
        "headers_only": True,
        "mem_storage": True,
        "num_replicas": 1,
        "flow_control": True,
        "idle_heartbeat": _HEARTBEAT_S * _NS,
        "inactive_threshold": _UNUSED_S * _NS,
    }


def _place(reply: str) -> tuple[int, int, int]:
    """Return a message's sequence in the stream, its number, and how many more there are now."""
    tokens = reply.split(".")
    first = 5 if len(tokens) == _PLAIN_TOKENS else 7
    return int(tokens[first]), int(tokens[first + 1]), int(tokens[first + 3])
