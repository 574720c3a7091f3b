"""Owners for long-lived asyncio tasks.

Every task of the platform has an owner who awaits it. Inside one scope that is an
`asyncio.TaskGroup`; for work that outlives the call that began it, it is a `Tasks`. A task that
fails is logged where it ends and reported to `on_failure`, so that a dead background loop stops the
process instead of leaving it half alive.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class Tasks:
    """Own named background tasks until they end or `close` cancels them.

    A task that raises is logged once, here; `on_failure`, if given, is then called with its name.
    """

    def __init__(self, on_failure: Callable[[str], None] | None = None) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_failure = on_failure

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Run `work` in the background, owned by this object."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        failure = task.exception()
        if failure is not None:
            logger.error(
                "background task failed", extra={"task": task.get_name()}, exc_info=failure
            )
            if self._on_failure is not None:
                self._on_failure(task.get_name())

    async def wait(self, timeout_s: float) -> bool:
        """Let what runs now end by itself; return whether it did, within the time."""
        pending = set(self._tasks)
        if pending:
            _, pending = await asyncio.wait(pending, timeout=timeout_s)
        return not pending

    async def close(self, timeout_s: float = 5.0) -> None:
        """Cancel what still runs and wait for it, at most `timeout_s` seconds."""
        pending = set(self._tasks)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=timeout_s)
