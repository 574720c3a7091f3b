"""Which pods run a function: those that are labelled so, and those whose agents say so.

Labels come after the fact, and a gateway that dies may not have written them. So every pod that is
not labelled is asked, all of them at once; what they say is kept, and whoever adopts them writes
the labels.
"""

import asyncio
from collections.abc import Container, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from inglenook_gateway.cluster import dialling, labelling, podmap
from inglenook_gateway.dispatch import pods

if TYPE_CHECKING:
    from inglenook.wire import messages

_AT_ONCE = 64
"""How many agents are being asked at the same time."""


class PodCensus:
    """Asks the agents of pods what they run."""

    def __init__(
        self, known: podmap.PodMap, dialler: dialling.Dialler, labels: labelling.Labelling
    ) -> None:
        self._map = known
        self._dialler = dialler
        self._labels = labels
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def take(self) -> None:
        """Ask all pods of which nobody says what they run."""
        async with asyncio.TaskGroup() as asking:
            for seen in self._map.doubtful():
                _ = asking.create_task(self._learn(seen))

    async def _learn(self, seen: podmap.Seen) -> None:
        found = await self._greet(seen)
        if found is None:
            return
        greeted, welcome = found
        greeted.connection.close("only asked")
        if welcome.version is not None:
            self._map.runs(seen.name, welcome.version.function_name)

    def functions(self) -> set[str]:
        """Return the functions that pods run, as far as is known."""
        return self._map.functions()

    async def of(
        self, function_name: str, known: Container[str]
    ) -> Sequence[tuple[pods.Pod, pods.Found]]:
        """Return connections to the pods of a function, but for those that are `known`."""
        found: list[tuple[pods.Pod, pods.Found]] = []
        try:
            async with asyncio.TaskGroup() as asking:
                for seen in self._map.of(function_name):
                    if seen.name not in known:
                        _ = asking.create_task(self._find(seen, function_name, found))
        except BaseException:
            for pod, _ in found:
                pod.connection.close("not wanted any more")
            raise
        return found

    async def _find(
        self,
        seen: podmap.Seen,
        function_name: str,
        found: list[tuple[pods.Pod, pods.Found]],
    ) -> None:
        answer = await self._greet(seen)
        if answer is None:
            return
        greeted, welcome = answer
        version = welcome.version
        if version is None or version.function_name != function_name:
            greeted.connection.close("it runs something else")
            return
        if welcome.is_draining and not welcome.busy:
            greeted.connection.close("nothing runs there any more")
            return
        unwritten: dict[str, Any] = {}
        if seen.function is None:
            unwritten["specialised"] = partial(self._labels.specialised, seen.name)
        if not seen.has_started:
            unwritten["started"] = partial(self._labels.started, seen.name)
        pod = pods.Pod(name=seen.name, connection=greeted.connection, is_local=False, **unwritten)
        found.append((pod, pods.Found(version=version)))

    async def _greet(self, seen: podmap.Seen) -> "tuple[dialling.Greeted, messages.Welcome] | None":
        try:
            async with self._turns:
                return await self._dialler.greet(seen.address or "")
        except dialling.UnreachableError:
            return None
