"""The connection of one process to NATS: kept for ever, asked with bounded patience.

Reconnecting never ends, whichever of the servers is there. What was asked for when a connection was
lost is answered at once with UnavailableError, and so is what is asked while there is none: whoever
can repeat it waits for `until_connected`. Nothing is kept back to be sent later.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from inglenook import settings
from inglenook.aio import tasks
from inglenook_cluster.streams.failures import UnavailableError

logger = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 2
_RECONNECT_S = 0.2
_PING_S = 2
"""A server that has gone without a word is noticed within three of these."""
_NO_RESPONDERS = "503"
_CLOSE_TIMEOUT_S = 2.0


class Connection:
    """Requests, subscriptions and the news of the connection. To be closed."""

    def __init__(self, options: settings.Cluster, *, name: str) -> None:
        """Take what `open` connects."""
        self.replicas = max(1, options.nats_replicas)
        self._servers = [url for one in options.nats_url.split(",") if (url := one.strip())]
        self._name = name
        self._client: Client | None = None
        self._connected = asyncio.Event()
        self._inbox = ""
        self._numbers = itertools.count()
        self._answers: dict[str, asyncio.Future[Msg]] = {}
        self._observers: list[Callable[[], None]] = []
        self._tasks = tasks.Tasks()

    @classmethod
    async def open(cls, options: settings.Cluster, *, name: str) -> "Connection":
        """Connect, for as long as it takes; `name` is shown in NATS' own monitoring."""
        connection = cls(options, name=name)
        _ = connection._tasks.start(connection._keep(), name="keep the connection to NATS")
        try:
            await connection._connected.wait()
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        """End the connection. Safe to repeat."""
        await self._tasks.close()
        self._down()
        client, self._client = self._client, None
        if client is not None:
            await _closed(client)

    @property
    def is_connected(self) -> bool:
        """Whether a server is there now: readiness."""
        return self._connected.is_set()

    def observe(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever a connection has been made anew."""
        self._observers.append(callback)

    def forget(self, callback: Callable[[], None]) -> None:
        """Call it no more."""
        self._observers.remove(callback)

    async def until_connected(self, timeout_s: float) -> None:
        """Wait for a connection. Raises UnavailableError."""
        if self._connected.is_set():
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._connected.wait()
        except TimeoutError:
            raise UnavailableError("NATS cannot be reached.") from None

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> Msg:
        """Return the answer to a message.

        Raises UnavailableError; whether the message has arrived is then not known.
        """
        token = str(next(self._numbers))
        answer: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._answers[token] = answer
        try:
            async with asyncio.timeout(timeout_s):
                await self.publish(subject, payload, headers, reply=f"{self._inbox}.{token}")
                message = await answer
        except TimeoutError:
            raise UnavailableError("NATS did not answer in time.") from None
        finally:
            del self._answers[token]
        if message.headers and message.headers.get("Status") == _NO_RESPONDERS:
            raise UnavailableError("Nothing in NATS takes this: JetStream is not ready.")
        return message

    async def publish(
        self,
        subject: str,
        payload: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        reply: str = "",
    ) -> None:
        """Send a message. Raises UnavailableError."""
        try:
            await self._current().publish(
                subject, payload, reply=reply, headers=dict(headers) if headers else None
            )
        except (nats.errors.Error, OSError) as exc:
            raise UnavailableError(f"NATS cannot be reached: {exc}") from exc

    async def subscribe(
        self, subject: str, callback: Callable[[Msg], Awaitable[None]]
    ) -> Subscription:
        """Call `callback` with each message in turn. Raises UnavailableError."""
        try:
            return await self._current().subscribe(subject, cb=callback)
        except (nats.errors.Error, OSError) as exc:
            raise UnavailableError(f"NATS cannot be reached: {exc}") from exc

    def new_inbox(self) -> str:
        """Return a subject that nobody else uses."""
        return self._current().new_inbox()

    def _current(self) -> Client:
        # Else the message would be kept and sent when its sender has been told that it failed.
        if self._client is None or not self._connected.is_set() or not self._client.is_connected:
            raise UnavailableError("NATS cannot be reached.")
        return self._client

    async def _keep(self) -> None:
        while True:
            # The client reconnects by itself, but closes for good after some of a server's errors.
            closed = asyncio.Event()
            await self._connect(closed)
            await closed.wait()
            logger.error("the connection to NATS was refused, and is tried anew")
            await asyncio.sleep(1.0)

    async def _connect(self, closed: asyncio.Event) -> None:
        client = Client()

        async def lost() -> None:
            if self._connected.is_set():
                logger.warning("the connection to NATS was lost")
            self._down()

        async def found() -> None:
            logger.info("the connection to NATS was made anew")
            self._up()

        async def ended() -> None:
            self._down()
            closed.set()

        async def failed(exc: Exception) -> None:
            logger.debug("NATS client", extra={"reason": str(exc)})

        self._client = client
        try:
            await client.connect(
                self._servers,
                name=self._name,
                error_cb=failed,
                disconnected_cb=lost,
                reconnected_cb=found,
                closed_cb=ended,
                max_reconnect_attempts=-1,
                reconnect_time_wait=_RECONNECT_S,  # type: ignore[arg-type] # it may be a fraction
                connect_timeout=_CONNECT_TIMEOUT_S,
                ping_interval=_PING_S,
                max_outstanding_pings=2,
            )
            self._inbox = client.new_inbox()
            await client.subscribe(f"{self._inbox}.*", cb=self._answered)
        except (nats.errors.Error, OSError) as exc:
            logger.warning("NATS refused the connection", extra={"reason": str(exc)})
            await _closed(client)
            closed.set()
            return
        self._up()

    async def _answered(self, message: Msg) -> None:
        answer = self._answers.get(message.subject.rpartition(".")[2])
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _up(self) -> None:
        self._connected.set()
        for observer in list(self._observers):
            observer()

    def _down(self) -> None:
        self._connected.clear()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(UnavailableError("The connection to NATS was lost."))
                # Its asker may have been cancelled, and hear of nothing any more.
                answer.exception()


async def _closed(client: Client) -> None:
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await client.close()
    except (nats.errors.Error, OSError, TimeoutError):
        logger.debug("the connection to NATS was not closed in order")
    except asyncio.CancelledError:
        # The library waits for its transport's end in several tasks, and a cancellation of one of
        # them reaches all that wait. It is ours only if somebody has cancelled this very task.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        logger.debug("the connection to NATS was closed by somebody else, too")
