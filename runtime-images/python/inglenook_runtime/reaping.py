"""How children end: killed with their group, buried, and reported with what they have used."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_END_WITHIN_S = 2.0
_END_PAUSE_S = 0.005
# Kilobytes on Linux, bytes on macOS.
_RSS_SCALE = 1024 if sys.platform == "darwin" else 1


@dataclass(frozen=True)
class Ended:
    """A child that is buried."""

    pid: int
    status: int
    """As `os.waitstatus_to_exitcode` gives it."""
    max_rss_kb: int


def bury(leaders: Collection[int]) -> Ended | None:
    """Reap one child that has ended, if any has.

    What one of `leaders` has left in its group is killed.
    """
    try:
        if not hasattr(os, "waitid"):  # macOS, before Python 3.13
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid in leaders:
                kill_group(pid)
        else:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return None
            if ended.si_pid in leaders:
                # Before its zombie goes, while the number of its group cannot be anybody else's.
                kill_group(ended.si_pid)
            pid, status, usage = os.wait4(ended.si_pid, 0)
    except ChildProcessError:
        return None
    return Ended(pid, _exit_code(status), usage.ru_maxrss // _RSS_SCALE) if pid else None


def kill_group(pid: int) -> None:
    # A child that was forked just now may not have its group yet.
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
        return


def kill_orphans(known: Collection[int]) -> bool:
    """Kill what has left the group of a child that has ended; answer whether there was anything.

    It is our own child now. Its children come to us when it has been buried, and are next.
    """
    orphans = [pid for pid in _own_children() if pid not in known]
    for pid in orphans:
        kill_group(pid)
    return bool(orphans)


def kill_all(leaders: Collection[int]) -> None:
    """Kill and bury all children, and what they leave."""
    for pid in leaders:
        kill_group(pid)
    # Without namespaces a daemon is in a group of its own, and comes here when its parent goes.
    until = time.monotonic() + _END_WITHIN_S
    while time.monotonic() < until:
        kill_orphans(())
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not ended:
            time.sleep(_END_PAUSE_S)


def _own_children() -> list[int]:
    """Return the processes whose parent this is, where the system says so."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _exit_code(status: int) -> int:
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
