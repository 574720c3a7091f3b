"""Control groups for processes: found, made, removed.

All groups of this process lie in a folder of its own, named as its scratch folder is, so that what
a killed process left is recognised and removed. Where groups cannot be made (no rights, no such
controllers, macOS) `prepare` answers None and memory is watched by `limits.sampling`.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import time
from pathlib import Path

from inglenook.aio.tasks import Tasks
from inglenook_agent import scratch
from inglenook_agent.limits import groups
from inglenook_agent.limits.limited import Limited

logger = logging.getLogger(__name__)

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
_REMOVE_TRIES = 50
_REMOVE_PAUSE_S = 0.02


def prepare(root: Path = ROOT, own: Path = OWN) -> groups.Parents | None:
    """Make this process's parent folders and clear those of dead ones. Blocks."""
    name = f"inglenook-{scratch.own_name()}"
    try:
        if (root / "cgroup.controllers").exists():
            return _prepare_v2(root, own, name)
        return _prepare_v1(root, own, name)
    except OSError as exc:
        logger.info("no control groups", extra={"reason": str(exc)})
        return None


def _prepare_v1(root: Path, own: Path, name: str) -> groups.Parents | None:
    homes = _own_groups(own)
    parents: dict[str, Path | None] = {}
    for controller in ("memory", "cpu", "pids"):
        parents[controller] = None
        if not (root / controller / "cgroup.procs").exists():
            continue
        home = root / controller / homes.get(controller, "/").lstrip("/")
        home = home if home.exists() else root / controller
        _clear(home)
        with contextlib.suppress(OSError):
            (home / name).mkdir(exist_ok=True)
            parents[controller] = home / name
    memory = parents["memory"]
    if memory is None:
        return None
    return groups.Parents(files=groups.V1, memory=memory, cpu=parents["cpu"], pids=parents["pids"])


def _prepare_v2(root: Path, own: Path, name: str) -> groups.Parents | None:
    home = root / _own_groups(own).get("", "/").lstrip("/")
    home = home if home.exists() else root
    _clear(home)
    folder = home / name
    folder.mkdir(exist_ok=True)
    # Fails where the group holds processes itself and is not the root: then there is no delegation.
    given = set()
    for controller in ("memory", "cpu", "pids"):
        with contextlib.suppress(OSError):
            (home / "cgroup.subtree_control").write_text(f"+{controller}")
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")
            given.add(controller)
    if "memory" not in given:
        folder.rmdir()
        return None
    return groups.Parents(
        files=groups.V2,
        memory=folder,
        cpu=folder if "cpu" in given else None,
        pids=folder if "pids" in given else None,
    )


def _own_groups(own: Path) -> dict[str, str]:
    """Return this process's group by controller; version 2's controller is the empty name."""
    homes = {}
    for line in own.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            homes[controller] = path
    return homes


def _clear(home: Path) -> None:
    """Remove what dead processes left in `home`, with all that still runs there."""
    for left in home.glob("inglenook-run-*"):
        # What another user's platform has left is that user's to remove.
        if os.access(left, os.W_OK) and scratch.is_dead(left.name.removeprefix("inglenook-")):
            for child in [child for child in left.iterdir() if child.is_dir()]:
                _clear_group(child)
            with contextlib.suppress(OSError):
                left.rmdir()


def _clear_group(folder: Path) -> None:
    parents = groups.Parents(files=groups.V1, memory=folder.parent, cpu=None, pids=None)
    remove(parents.group(folder.name))


def remove(group: Limited) -> None:
    """Kill what is inside and remove the group. Blocks, for a second at most."""
    for _ in range(_REMOVE_TRIES):
        group.kill()
        if group.remove():
            return
        # The kernel lets go of a group a moment after its last process has been reaped.
        time.sleep(_REMOVE_PAUSE_S)
    logger.warning("a control group stays behind", extra={"group": str(group)})


class Cgroups:
    """Put processes into groups of their own.

    Moving a process takes the kernel more than ten milliseconds when it is the first in a while: so
    it is done to spares, off everybody's path.
    """

    def __init__(self, parents: groups.Parents, tasks: Tasks) -> None:
        self._parents = parents
        self._tasks = tasks
        self._numbers = itertools.count(1)
        self._removing: set[asyncio.Task[None]] = set()

    async def furnish(self, pid: int) -> groups.Group | None:
        """Make a group with this process in it; None if that cannot be done."""
        group = self._parents.group(str(next(self._numbers)))
        try:
            await asyncio.to_thread(group.create, pid)
        except OSError as exc:
            if not isinstance(exc, ProcessLookupError):  # else it has just died
                logger.warning("no control group for a process", extra={"reason": str(exc)})
            await asyncio.to_thread(remove, group)
            return None
        return group

    def discard(self, group: Limited) -> None:
        """Kill what is inside and remove the group, in the background."""
        work = asyncio.to_thread(remove, group)
        removing = self._tasks.start(work, name="remove control group")
        self._removing.add(removing)
        removing.add_done_callback(self._removing.discard)

    async def close(self) -> None:
        """Wait until all discarded groups are gone; remove the parents."""
        if self._removing:
            await asyncio.wait(self._removing)
        await asyncio.to_thread(self._remove_parents)

    def _remove_parents(self) -> None:
        for folder in self._parents.folders():
            with contextlib.suppress(OSError):
                folder.rmdir()
