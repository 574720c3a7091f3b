"""Which pods run a function: those that are labelled so, and those whose agents say so.

Labels come after the fact, and a gateway that dies may not have written them. So every pod that is
not labelled is asked, all of them at once; those who ask for a census while one is under way share
the next.
"""

import asyncio
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from inglenook.aio import tasks
from inglenook_gateway.cluster import dialling, podmap
from inglenook_gateway.dispatch import pods

if TYPE_CHECKING:
    from inglenook.wire import messages

_AT_ONCE = 64
"""How many agents are being asked at the same time."""


class PodCensus:
    """Asks the agents of pods what they run."""

    def __init__(self, known: podmap.PodMap, dialler: dialling.Dialler, owned: tasks.Tasks) -> None:
        self._map = known
        self._dialler = dialler
        self._tasks = owned
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._is_running = False
        self._next: asyncio.Future[None] | None = None
        """Resolved with the census that begins next."""

    async def of(
        self, function_name: str, known: Container[str]
    ) -> Sequence[tuple[pods.Pod, pods.Found]]:
        """Return connections to the pods of a function, but for those that are `known`."""
        await self._whole()
        found = await asyncio.gather(
            *(self._greet(seen) for seen in self._map.of(function_name) if seen.name not in known)
        )
        wanted = []
        for greeted, welcome, seen in filter(None, found):
            version = welcome.version
            if version is None or version.function_name != function_name:
                greeted.connection.close("it runs something else")
                continue
            pod = pods.Pod(name=seen.name, connection=greeted.connection, is_local=False)
            wanted.append((pod, pods.Found(version=version)))
        return wanted

    async def _whole(self) -> None:
        """Wait for a census that has begun after this call."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            if not self._is_running:
                self._is_running = True
                _ = self._tasks.start(self._run(), name="ask the pods what they run")
        await asyncio.shield(self._next)

    async def _run(self) -> None:
        """Take censuses while anybody waits for one."""
        try:
            while self._next is not None:
                waiting, self._next = self._next, None
                try:
                    await self._take()
                finally:
                    waiting.set_result(None)
        finally:
            self._is_running = False

    async def _take(self) -> None:
        await asyncio.gather(*(self._learn(seen) for seen in self._map.doubtful()))

    async def _learn(self, seen: podmap.Seen) -> None:
        found = await self._greet(seen)
        if found is None:
            return
        greeted, welcome, _ = found
        greeted.connection.close("only asked")
        if welcome.version is not None:
            self._map.runs(seen.name, welcome.version.function_name)

    async def _greet(
        self, seen: podmap.Seen
    ) -> "tuple[dialling.Greeted, messages.Welcome, podmap.Seen] | None":
        try:
            async with self._turns:
                greeted, welcome = await self._dialler.greet(seen.address or "")
        except dialling.UnreachableError:
            return None
        return greeted, welcome, seen
