"""Where processes for environments come from: this machine, or a container beside the agent's.

What environments and their makers need of it, and no more. `supervisor.supervisor` is the one of a
machine; `supervisor.container` that of a pod.
"""

from pathlib import Path
from typing import Protocol

from inglenook_agent.limits.sampling import Sampler
from inglenook_agent.supervisor.interpreters import Available, Unavailable
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.storage import Storage
from inglenook_agent.supervisor.tmp import Tmp


class Processes(Protocol):
    """Processes, by what they run."""

    @property
    def sampler(self) -> Sampler:
        """Who looks at memory that has to be watched."""

    async def available(self, runtime: str) -> Available | Unavailable:
        """Say what runs `runtime` here, or why nothing does."""

    async def available_image(self, uri: str) -> Available | Unavailable:
        """Say whether this is the image's container; from then on it counts as used."""

    def warm(self, runtime: Available, *, is_for_one: bool = False) -> None:
        """See to it that processes for `runtime` wait; returns at once.

        `is_for_one`: there will be one environment at a time, and no other in a pod.
        """

    async def come(self, runtime: Available) -> None:
        """Wait until the first process for `runtime` waits, or could not be had. After `warm`."""

    async def take(self, runtime: Available, storage: Storage | None = None) -> Process:
        """Return a process that waits for its set-up, or raise `spawner.SpawnError`.

        With the storage of an earlier process, if that still exists.
        """

    def give_back(self, runtime: Available, process: Process) -> None:
        """End a process that was taken and never told anything."""

    def bury(self, process: Process) -> None:
        """Remove what a process that was killed or ended leaves behind, in the background."""

    def python_path(self, runtime: Available) -> str | None:
        """Return the folder of the packages that AWS's Python runtimes bring, if any fits."""

    def seen(self, folder: Path) -> Path:
        """Return where processes see a folder of code that the agent has put in place."""

    def opt(self) -> Path | None:
        """Return the folder that is /opt of a function without layers, if there is one."""

    def tmp(self, name: str) -> Tmp:
        """Return what is to be the /tmp of an environment; it has yet to be made."""
