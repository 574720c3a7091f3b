"""A steady load of synchronous and asynchronous calls, and what came of every one of them.

An open loop: a call begins when its time has come, whatever became of those before it. Each has a
connection of its own, as many clients would. A connection that is refused is tried again, as every
AWS client does: nothing was sent. What breaks after it was sent is a failed call, and is not
repeated.
"""

import asyncio
import contextlib
import itertools
import json
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence

import aiohttp
from counting import Call, Calls

_CONNECT_FOR_S = 20.0
_CONNECT_PAUSE_S = 0.05
_ANSWER_S = 60.0


class Load:
    """Calls at a fixed rate, from `start` to `stop`."""

    def __init__(
        self,
        endpoints: Sequence[str],
        function: str,
        recorder: str,
        *,
        synchronous_per_s: float,
        asynchronous_per_s: float,
        seconds: float = 0.05,
    ) -> None:
        """Call any of `endpoints`; each event of the function takes so many seconds."""
        self._endpoints = itertools.cycle(endpoints)
        self._path = f"/2015-03-31/functions/{function}/invocations"
        self._recorder = recorder
        self._rates = synchronous_per_s, asynchronous_per_s
        self._seconds = seconds
        self._running: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self.calls = Calls()

    async def __aenter__(self) -> "Load":
        # One connection for each call: a kept one would hide which gateway is alive.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=2.0)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        synchronous_per_s, asynchronous_per_s = self._rates
        self._loops = [
            asyncio.create_task(self._every(synchronous_per_s, self._synchronous)),
            asyncio.create_task(self._every(asynchronous_per_s, self._asynchronous)),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await asyncio.gather(*self._running)
        await self._session.close()

    async def _every(self, per_s: float, call: Callable[[], Coroutine[None, None, None]]) -> None:
        due = time.monotonic()
        while True:
            due += 1 / per_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(call())
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _synchronous(self) -> None:
        call = Call(began=time.monotonic())
        self.calls.synchronous.append(call)
        event = {"id": str(uuid.uuid4()), "seconds": self._seconds}
        status, body = await self._post(call, event, "RequestResponse")
        if call.failure is None and (status != 200 or json.loads(body).get("id") != event["id"]):
            call.failure = f"{status} {body[:300]!r}"

    async def _asynchronous(self) -> None:
        call = Call(began=time.monotonic())
        self.calls.asynchronous.append(call)
        id_ = str(uuid.uuid4())
        event: dict[str, object] = {"id": id_, "recorder": self._recorder}
        status, body = await self._post(call, event, "Event")
        if status == 202:
            self.calls.accepted.append(id_)
        elif call.failure is None:
            call.failure = f"{status} {body[:300]!r}"

    async def _post(self, call: Call, event: dict[str, object], kind: str) -> tuple[int, bytes]:
        headers = {"X-Amz-Invocation-Type": kind}
        try:
            async with asyncio.timeout(_ANSWER_S):
                while True:
                    url = next(self._endpoints) + self._path
                    with contextlib.suppress(
                        aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError
                    ):
                        async with self._session.post(url, json=event, headers=headers) as answer:
                            return answer.status, await answer.read()
                    if time.monotonic() > call.began + _CONNECT_FOR_S:
                        call.failure = "no connection"
                        return 0, b""
                    await asyncio.sleep(_CONNECT_PAUSE_S)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            call.failure = f"{type(error).__name__}: {error}"
            return 0, b""
        finally:
            call.ended = time.monotonic()
