"""Processes of the function's container: what a pod has in the stead of a `Supervisor`.

One spawner, of one interpreter, that is not started from here and not started again: when it has
ended so has the container, and the pod is of no more use. The container is the wall around its
processes, and its /tmp is theirs.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from inglenook.aio.tasks import Tasks
from inglenook_agent.limits import container, disk, sampling
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor import beside
from inglenook_agent.supervisor.interpreters import CUSTOM, Available, Unavailable
from inglenook_agent.supervisor.orders import Said
from inglenook_agent.supervisor.pool import Pool
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.setup import Mode
from inglenook_agent.supervisor.spawner import Spawner
from inglenook_agent.supervisor.storage import Storage
from inglenook_agent.supervisor.tmp import SharedTmp

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The folders that agent and function share, as the one and the other see them."""

    socket: Path
    """Where the spawner connects."""
    task: Path
    """The function's code, as the agent sees it."""
    opt: Path
    """What its layers contain, likewise."""
    task_seen: Path = Path("/var/task")
    opt_seen: Path = Path("/opt")
    tmp_seen: Path = Path("/tmp")  # noqa: S108 - the function's own
    used: Path | None = None
    """A file that is there once a function's code may have run, whoever put it there."""


class Container:
    """Processes of the function's container (`supervisor.processes.Processes`).

    `open` before anything else. `on_lost` is called once when the spawner has ended, or who tells
    of /tmp, unless by `close`; `on_terminating` when the container is asked to end.
    """

    def __init__(  # noqa: PLR0913 - wiring
        self,
        places: Places,
        *,
        runtime: str,
        image: str = "",
        settings: AgentSettings,
        tasks: Tasks,
        on_lost: Callable[[], None],
        on_terminating: Callable[[], None],
        on_used: Callable[[int], None],
    ) -> None:
        """`runtime` is what the container's image is for; empty: what its interpreter tells.

        `image`, if not empty, is a function's own image, and the container runs nothing else.
        `on_used` is told now and then how many bytes /tmp holds.
        """
        self._places = places
        self._runtime = runtime
        self._image = image
        self._settings = settings
        self._on_lost = on_lost
        self._on_terminating = on_terminating
        self._listener = beside.Listener(places.socket)
        self._accounts = container.Accounts()
        self.disk = disk.DiskWatch(
            places.tmp_seen,
            settings.storage_interval_s,
            seen=on_used,
            lost=self._lost,
        )
        """To be told when something begins to run."""
        self._told: Said | None = None
        self.connected = asyncio.Event()
        """Set once the spawner has come and has told what it is."""
        self._is_over = False
        self._spawner: beside.BesideSpawner | None = None
        self._pool = Pool(
            "of the function's container",
            make=self._make,
            groups=container.Shares(self._accounts),
            settings=settings,
            tasks=tasks,
        )
        self.sampler = sampling.Sampler(settings.sampling_interval_s, tasks)

    @property
    def is_ready(self) -> bool:
        """Whether a process can be had at once."""
        return not self._is_over and self._told is not None and self._pool.spares > 0

    def open(self) -> None:
        """Let the spawner connect, and have it fork spares. Raises OSError."""
        self._listener.open()
        self._pool.warm()

    async def close(self) -> None:
        """End the spawner, and with it all processes and the container."""
        self._is_over = True
        self._listener.close()
        self.disk.close()
        await self._pool.close()
        self._accounts.close()

    async def available(self, runtime: str) -> Available | Unavailable:
        """Say whether the container runs `runtime`; waits for it while it has yet to start."""
        told = await self._met()
        if told is None:
            return _NOT_THERE
        if self._image:
            return Unavailable(reason=f"This pod runs the image {self._image}, and not {runtime}.")
        minor = _minor(told.python)
        own = self._runtime or f"python3.{minor}"
        if runtime != own and not {runtime, own} <= CUSTOM:
            return Unavailable(reason=f"This pod runs {own}, and not {runtime}.")
        mode = Mode.EXEC if runtime in CUSTOM else Mode.PYTHON
        return _available(mode, told)

    async def available_image(self, uri: str) -> Available | Unavailable:
        told = await self._met()
        if told is None:
            return _NOT_THERE
        if uri != self._image:
            own = f"the image {self._image}" if self._image else "no image of a function's"
            return Unavailable(reason=f"This pod runs {own}, and not {uri}.")
        if self._places.used is not None:
            await asyncio.to_thread(self._places.used.touch)
        return _available(Mode.IMAGE, told)

    async def _met(self) -> Said | None:
        """Return what the spawner has said, once it has come; None if there is none."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.start_timeout_s):
                await self.connected.wait()
        return None if self._is_over else self._told

    def warm(self, runtime: Available, *, is_for_one: bool = False) -> None:
        """Have what outlives the process of the one environment killed; spares wait anyway."""
        del runtime
        if is_for_one and self._spawner is not None:
            self._spawner.sweep()

    async def come(self, runtime: Available) -> None:
        del runtime
        await self._pool.come()

    async def until_ready(self) -> bool:
        """Wait until the first process waits, or could not be had; return which."""
        await self._pool.come()
        return self.is_ready

    async def take(self, runtime: Available, storage: Storage | None = None) -> Process:
        del runtime
        return await self._pool.take(storage)

    def give_back(self, runtime: Available, process: Process) -> None:
        del runtime
        self._pool.discard(process)

    def bury(self, process: Process) -> None:
        """Let go of it; the spawner has buried it."""
        if process.group is not None:
            _ = process.group.remove()

    def python_path(self, runtime: Available) -> str | None:
        del runtime
        return None if self._told is None else self._told.packages

    def seen(self, folder: Path) -> Path:
        places = self._places
        return {places.task: places.task_seen, places.opt: places.opt_seen}[folder]

    def opt(self) -> Path | None:
        return self._places.opt_seen

    def tmp(self, name: str) -> SharedTmp:
        del name
        return SharedTmp(self._places.tmp_seen)

    def _make(self, on_lost: Callable[[], None]) -> Spawner:
        def lost() -> None:
            on_lost()
            self._lost()

        self._spawner = beside.BesideSpawner(
            lost,
            listener=self._listener,
            told=self._take,
            on_terminating=self._on_terminating,
            timeout_s=self._settings.start_timeout_s,
        )
        return self._spawner

    def _lost(self) -> None:
        is_news, self._is_over = not self._is_over, True
        if is_news:
            self._on_lost()

    def _take(self, said: Said, descriptors: Mapping[str, int]) -> None:
        opened = dict(descriptors)
        meter = opened.pop("storage", None)
        self._accounts.take(opened)
        if meter is None:
            logger.warning("the runtime's image cannot tell what lies in /tmp")
        else:
            self.disk.take(meter)
        self._told = said
        self.connected.set()
        logger.info("the spawner has connected", extra={"python": said.python})


_NOT_THERE = Unavailable(reason="The function's container does not run.")


def _available(mode: Mode, told: Said) -> Available | Unavailable:
    if mode.value not in told.modes:
        able = ", ".join(told.modes)
        return Unavailable(reason=f"This pod's container runs {able}, and not {mode.value}.")
    return Available(interpreter=Path("python3"), mode=mode, minor=_minor(told.python))


def _minor(version: str) -> int:
    found = re.match(r"3\.(\d+)", version)
    return int(found[1]) if found else 0
