"""What all agents of one machine share: spawners, spares, control groups, the scratch folder.

An agent asks it whether a runtime is here (`available`) and for a process (`take`), which has a
control group of its own where there are such. Spawners start when their runtime is asked for.
"""

import asyncio
import functools
import importlib.util
import logging
from pathlib import Path

from inglenook.aio.tasks import Tasks
from inglenook_agent import scratch
from inglenook_agent.limits import cgroups, groups, openings, sampling
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor import interpreters, local, packages, walls
from inglenook_agent.supervisor.pool import Pool
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.storage import Storage
from inglenook_agent.supervisor.tmp import OwnTmp

logger = logging.getLogger(__name__)

_RUNTIME_PACKAGE = "inglenook_runtime"
_PRELOAD = "INGLENOOK_PRELOAD_PATH"
_SANDBOX = "INGLENOOK_SANDBOX"


class Supervisor:
    """Processes for environments, by interpreter.

    `start` before anything else; `close` after every agent has closed: it kills whatever is left.
    """

    def __init__(self, settings: AgentSettings, tasks: Tasks) -> None:
        self._settings = settings
        self._tasks = tasks
        self._pools: dict[Path, Pool] = {}
        self._found: dict[str, interpreters.Available | interpreters.Unavailable] = {}
        self._cgroups: cgroups.Cgroups | None = None
        self._openings: openings.Openings | None = None
        self._client: Path | None = settings.runtime_client
        self._packages: packages.Packages | None = None
        self.folder = settings.scratch
        """This process's own scratch folder."""
        self._environments = self.folder / "environments"
        self.walls = walls.Walls.none("not looked for yet")
        """What keeps functions apart on this machine; known once started."""
        self.sampler = sampling.Sampler(settings.sampling_interval_s, tasks)

    async def start(self) -> None:
        """Prepare folders and control groups; remove what killed processes left.

        Warns, once, of what is missing of the sandbox.
        """
        parents = await asyncio.to_thread(self._prepare)
        if (warning := self.walls.warning()) is not None:
            logger.warning(warning)
        if parents is not None:
            self._cgroups = cgroups.Cgroups(parents, self._tasks)
            # Files in /tmp count there until their group is widened. They may come faster than we
            # hear of them, if nobody can be made to wait.
            try:
                self._openings = openings.Openings()
            except OSError as exc:
                logger.info("files in /tmp are heard of late", extra={"reason": str(exc)})

    def _prepare(self) -> groups.Parents | None:
        self.folder = scratch.create(self._settings.scratch)
        self._environments = self.folder / "environments"
        self._packages = packages.link(self.folder / "runtime")
        if self._client is None:
            spec = importlib.util.find_spec(_RUNTIME_PACKAGE)
            if spec is None or spec.origin is None:
                raise FileNotFoundError(_RUNTIME_PACKAGE)
            self._client = Path(spec.origin).parent
        self.walls = walls.probe(
            self._settings.running_interpreter, self._client, self._variables()
        )
        return cgroups.prepare() if self._settings.use_cgroups else None

    async def close(self) -> None:
        """Kill every process and remove what this process made."""
        for pool in self._pools.values():
            await pool.close()
        if self._openings is not None:
            self._openings.close()
        if self._cgroups is not None:
            await self._cgroups.close()
        await asyncio.to_thread(scratch.remove, self.folder)

    async def available(self, runtime: str) -> interpreters.Available | interpreters.Unavailable:
        """Say what runs `runtime` on this machine, or why nothing does."""
        found = self._found.get(runtime)
        if found is None:
            found = await asyncio.to_thread(interpreters.find, runtime, self._settings)
            if isinstance(found, interpreters.Unavailable):
                return found  # it may be installed one day
            self._found[runtime] = found
        return found

    async def available_image(self, uri: str) -> interpreters.Available | interpreters.Unavailable:
        """Say that images run in pods only."""
        return interpreters.Unavailable(reason=f"The image {uri} runs on a cluster only.")

    def warm(self, runtime: interpreters.Available, *, is_for_one: bool = False) -> None:
        """See to it that processes for `runtime` wait; returns at once."""
        del is_for_one  # there are others on this machine
        self._pool(runtime).warm()

    async def come(self, runtime: interpreters.Available) -> None:
        """Wait until the first process for `runtime` waits, or could not be had."""
        await self._pool(runtime).come()

    async def take(
        self, runtime: interpreters.Available, storage: Storage | None = None
    ) -> Process:
        """Return a process that waits for its set-up, or raise `spawner.SpawnError`.

        With the storage of an earlier process, if that still exists.
        """
        return await self._pool(runtime).take(storage)

    def give_back(self, runtime: interpreters.Available, process: Process) -> None:
        """End a process that was taken and never told anything."""
        self._pool(runtime).discard(process)

    def bury(self, process: Process) -> None:
        """Remove what a process that was killed or ended leaves behind, in the background."""
        if self._cgroups is not None and process.group is not None:
            self._cgroups.discard(process.group)

    def python_path(self, runtime: interpreters.Available) -> str | None:
        """Return the folder of the packages that AWS's Python runtimes bring, if any fits."""
        if self._packages is None or runtime.minor < self._packages.minor_min:
            return None
        return str(self._packages.folder)

    def seen(self, folder: Path) -> Path:
        """Return the folder: all see the same files."""
        return folder

    def opt(self) -> Path | None:
        """Return None: the machine's own /opt is no function's."""
        return None

    def tmp(self, name: str) -> OwnTmp:
        """Return what is to be the /tmp of an environment; it has yet to be made."""
        return OwnTmp(self._environments, name)

    def _variables(self) -> dict[str, str]:
        """Return a spawner's environment."""
        variables = {"PATH": self._settings.host_path, "LANG": "en_US.UTF-8"}
        if not self._settings.use_sandbox:
            variables[_SANDBOX] = "off"
        return variables

    def _pool(self, runtime: interpreters.Available) -> Pool:
        pool = self._pools.get(runtime.interpreter)
        if pool is None:
            client = self._client
            if client is None:
                raise RuntimeError("the supervisor has not been started")
            variables = self._variables()
            if (preload := self.python_path(runtime)) is not None:
                variables[_PRELOAD] = preload
            pool = self._pools[runtime.interpreter] = Pool(
                runtime.interpreter.name,
                make=functools.partial(
                    local.LocalSpawner,
                    interpreter=runtime.interpreter,
                    client=client,
                    variables=variables,
                    timeout_s=self._settings.start_timeout_s,
                    openings=self._openings,
                ),
                groups=self._cgroups,
                settings=self._settings,
                tasks=self._tasks,
            )
        return pool
