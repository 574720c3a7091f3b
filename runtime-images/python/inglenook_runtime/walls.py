"""Which walls this system can put around a function, and putting up those of the process itself.

Each wall stands or has a reason why not; what is missing is found out once, by trying, before there
are children. A wall that stood then and cannot be put up in a child raises: better no function than
one with less around it than was said.
"""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from inglenook_runtime import kernel, landlock, sandbox, storage, system_calls

if TYPE_CHECKING:
    from inglenook_runtime.setup import Setup

_MIB = 1024 * 1024
_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty"))


@dataclass(frozen=True)
class Walls:
    """Why a wall is missing; empty where it stands."""

    files: str
    """/var/task, /opt and /tmp of its own, everything else read-only, the platform's unseen."""
    processes: str
    """No other processes to see or to signal."""
    storage: str
    """A /tmp of limited size."""
    system_calls: str
    """No calls that are the kernel's own business."""
    landlock: str
    """The kernel's second look at every file that is opened."""

    def told(self) -> dict[str, str]:
        return asdict(self)


def survey(template: sandbox.Template, *, is_wanted: bool = True) -> Walls:
    """Find out what there is. Forks once: only where there are no threads."""
    if not is_wanted:
        reason = template.reason
        return Walls(reason, reason, reason, reason, reason)
    is_linux = sys.platform.startswith("linux")
    if is_linux:
        kernel.look_up()
    return Walls(
        files=template.reason,
        processes=template.processes_reason,
        storage=template.processes_reason,
        system_calls=_try_system_calls() if is_linux else "seccomp is Linux's",
        landlock=_try_landlock() if is_linux else "Landlock is Linux's",
    )


def confine_spare(walls: Walls, template: sandbox.Template) -> int | None:
    """Do ahead what need not wait until there is a function.

    An ordinary user cannot have the filter yet: a namespace is still to be made. Return the rules
    for a function that has its files in place and its own storage, for `confine`.
    """
    has_yet_to_mount = template.is_ready
    if not walls.system_calls and not (has_yet_to_mount and os.geteuid()):
        kernel.gain_no_privileges()
        system_calls.refuse(has_yet_to_mount=has_yet_to_mount)
    if walls.landlock or not template.has_processes:
        return None
    return landlock.rules(readable=["/"], writable=[storage.OWN], devices=["/dev", "/proc"])


def confine(
    setup: Setup,
    walls: Walls,
    template: sandbox.Template,
    *,
    is_covered: bool,
    origin: str | None,
    rules: int | None,
) -> None:
    """Be an ordinary process, as every function is on Lambda, also where the spawner is root.

    So it cannot undo its view of the file system, nor look into the spawner, the agent and other
    functions. `is_covered` tells whether it has that view; `origin` has the runtime's packages;
    `rules` is what `confine_spare` has returned.
    """
    if not sys.platform.startswith("linux"):
        return
    if is_covered and template.has_processes and os.geteuid():
        _limit_processes(setup.processes_max)
    kernel.gain_no_privileges()
    if setup.sandbox and not walls.landlock:
        own = template.needed if origin is None else (*template.needed, origin)
        if rules is None or not is_covered or setup.storage_mb is None:
            landlock.restrict(_rules(setup, is_covered=is_covered, readable=own))
        else:
            landlock.restrict(rules)
            rules = None
    if rules is not None:
        os.close(rules)
    kernel.drop_capabilities()
    if not os.geteuid():
        # Of anybody else the kernel would now take /proc/self, and /dev/stdout with it.
        kernel.close_memory()
    if not walls.system_calls and template.is_ready and os.geteuid():
        system_calls.refuse()


def limit_files(setup: Setup) -> None:
    """Let no single file be larger than the storage: all that there is without an own /tmp."""
    if setup.storage_mb is not None:
        size = setup.storage_mb * _MIB
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _rules(setup: Setup, *, is_covered: bool, readable: tuple[str, ...]) -> int:
    if is_covered:
        return landlock.rules(readable=["/"], writable=[sandbox.TMP], devices=["/dev", "/proc"])
    own = [folder for folder in (setup.task_dir, setup.opt_dir) if folder is not None]
    writable = [setup.tmp_dir] if setup.tmp_dir is not None else []
    if not any(folder.startswith(f"{sandbox.TMP}/") for folder in setup.hidden):
        # The machine's, which many functions name: better shared than refused.
        writable.append(sandbox.TMP)
    return landlock.rules(
        readable=[*landlock.around(setup.hidden), *readable, *own],
        writable=writable,
        devices=_DEVICES,
    )


def _limit_processes(processes_max: int | None) -> None:
    """Have a count of processes of one's own, and a limit to it.

    The limit counts a user's processes in a user namespace. Of root's it counts none; there the
    control group does.
    """
    if processes_max is None:
        return
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEW_USERS)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
            file.write(text)
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    most = processes_max if hard == resource.RLIM_INFINITY else min(hard, processes_max)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def _try_system_calls() -> str:
    if not system_calls.is_known():
        return f"no list of system calls for {os.uname().machine}"
    for has_yet_to_mount in (True, False):  # for all children
        system_calls.program(has_yet_to_mount=has_yet_to_mount)
    pid = os.fork()
    if not pid:
        number = 255
        try:
            kernel.gain_no_privileges()
            system_calls.refuse()
            number = 0
        except OSError as error:
            number = error.errno or number
        finally:
            os._exit(number)
    _, status = os.waitpid(pid, 0)
    number = os.WEXITSTATUS(status)
    return "" if status == 0 else f"seccomp: {os.strerror(number)}"


def _try_landlock() -> str:
    version = landlock.abi()
    if not version:
        return "this kernel has no Landlock, or it is not switched on"
    if version < landlock.ABI_MIN:
        return f"Landlock {version} is too old: {landlock.ABI_MIN} is needed (Linux 5.19)"
    return ""
