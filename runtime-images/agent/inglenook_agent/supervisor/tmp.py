"""An environment's /tmp, which outlives its processes.

Where processes come with a storage it is that of the first one, which later ones are given again;
elsewhere a folder of the machine. When the spawner has died, and its storage with it, the next
process brings another: the environment goes on with an empty /tmp. In a pod it is its container's.
"""

from pathlib import Path
from typing import Protocol

from inglenook_agent import scratch
from inglenook_agent.supervisor.process import Process
from inglenook_agent.supervisor.storage import Storage


class Tmp(Protocol):
    """The files of one environment."""

    @property
    def folder(self) -> Path:
        """Where its processes find it, if they cannot have it at /tmp."""

    @property
    def storage(self) -> Storage | None:
        """What the next process is to have, if it still exists."""

    @property
    def is_made(self) -> bool:
        """Whether processes that have moved in need nothing more."""

    def make(self) -> None:
        """Make the folder, with the mode that one has. Blocks."""

    def move_in(self, process: Process) -> None:
        """Take over the storage that a process came with, if it came with one."""

    def release(self) -> None:
        """Let go of the storage, if there is one; at once."""

    def remove(self) -> None:
        """Remove the folder. Blocks."""


class OwnTmp:
    """A folder of this machine, or a storage in its stead."""

    __slots__ = ("_has_folder", "_name", "_parent", "_storage")

    def __init__(self, parent: Path, name: str) -> None:
        """Have a folder of this name in `parent`; it has yet to be made."""
        # Not one path: it would be kept for each environment, and is asked for twice.
        self._parent = parent
        self._name = name
        self._storage: Storage | None = None
        self._has_folder = False

    @property
    def folder(self) -> Path:
        return self._parent / self._name

    @property
    def storage(self) -> Storage | None:
        return None if self._storage is None or self._storage.is_gone else self._storage

    @property
    def is_made(self) -> bool:
        # A process with a storage makes the folder itself, should it have no use for the storage.
        return self._has_folder or self.storage is not None

    def make(self) -> None:
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o1777)
        self._has_folder = True

    def move_in(self, process: Process) -> None:
        if process.storage is not None:
            if self.storage is not None:
                self.storage.release()
            self._storage, process.storage = process.storage, None

    def release(self) -> None:
        if self._storage is not None:
            self._storage.release()

    def remove(self) -> None:
        if self.folder.exists():
            scratch.remove(self.folder)


class SharedTmp:
    """The one /tmp of a container, which goes with it. No process there comes with a storage."""

    storage = None
    is_made = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        """Nothing: it is there."""

    def move_in(self, process: Process) -> None:
        """Nothing: no process has one."""

    def release(self) -> None:
        """Nothing: it goes with the container."""

    def remove(self) -> None:
        """Nothing: it goes with the container."""
