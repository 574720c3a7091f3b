"""A view of the file system in which a function's folders are /var/task, /opt and /tmp.

In two steps, because a child has no time. At the start the spawner enters a mount namespace of its
own, the *template*: there every mount point exists, on small tmpfs that cover /var and /var/task,
whatever the host has; not a file of the host is touched. A child then unshares once more (already
as a spare), binds three folders, empties those that a function must not see, and makes everything
but /tmp read-only, as on Lambda.

`prepare` tries all of it in a process that it throws away first, so that a host that refuses half
of it (no privilege, no user namespaces, a strict AppArmor) leaves the spawner where it was, with
the reason. It is a wall for files because the child then gives up its privileges (`setup`); it is
none for the network, nor for signals among processes of the same user.
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inglenook_runtime import kernel, preload

if TYPE_CHECKING:
    from collections.abc import Iterable

TASK = "/var/task"
OPT = "/opt"
TMP = "/tmp"  # noqa: S108 - the function's own
RUNTIME = "/var/runtime"

_EMPTY = f"{TASK}/.empty"


@dataclass(frozen=True)
class Template:
    """Whether children can be sandboxed; if not, why; and where the SDK is seen from now on."""

    is_ready: bool
    reason: str
    runtime_dir: str | None = None
    needed: tuple[str, ...] = ()
    """Real places of what the interpreter runs from."""

    def can_hide(self, folder: str) -> bool:
        """Whether a folder, named by its real path, holds nothing that a function needs."""
        return not any(place.startswith(f"{folder}/") for place in self.needed)


class CoverError(Exception):
    """The function's folders could not be put in place; what was begun has been undone."""


def prepare(origin: str | None) -> Template:
    """Enter the template if this system allows it. `origin` has the runtime's packages."""
    if not sys.platform.startswith("linux"):
        return Template(is_ready=False, reason="mount namespaces are Linux's")
    for place in {os.path.realpath(os.__file__), os.path.realpath(sys.executable)}:
        if _is_hidden(place):
            return Template(is_ready=False, reason=f"{place} would be hidden by the function's own")
    reason = _rehearse(origin)
    if reason:
        return Template(is_ready=False, reason=reason)
    runtime_dir = _enter(origin)
    needed = (os.__file__, sys.executable, __file__, *sys.path)
    return Template(
        is_ready=True,
        reason="",
        runtime_dir=runtime_dir,
        needed=tuple(os.path.realpath(place) for place in needed),
    )


def isolate() -> None:
    """Leave the spawner's mount namespace for one of this child alone."""
    kernel.unshare(kernel.NEW_MOUNTS)


def cover(
    task_dir: str | None, opt_dir: str | None, tmp_dir: str | None, hidden: Iterable[str] = ()
) -> None:
    """Make the folders appear in place and `hidden` ones empty; all or, with `CoverError`, none.

    Everything but /tmp is read-only then; on a kernel that cannot do that, these folders are.
    """
    wanted = [(_EMPTY, folder) for folder in hidden]
    wanted += [(opt_dir or _EMPTY, OPT)]
    wanted += [(task_dir, TASK)] if task_dir is not None else []
    wanted += [(tmp_dir, TMP)] if tmp_dir is not None else []
    _bind_all(wanted)
    try:
        kernel.set_all_read_only()
    except OSError:
        for _, target in wanted:
            kernel.set_read_only(target, is_read_only=True)
    if tmp_dir is not None:
        kernel.set_read_only(TMP, is_read_only=False)


def _bind_all(wanted: Iterable[tuple[str, str]]) -> None:
    held: list[tuple[int, str]] = []
    done: list[str] = []
    try:
        # All are opened first: one may lie where another is about to cover it.
        for source, target in wanted:
            held.append((os.open(source, os.O_PATH | os.O_DIRECTORY), target))
        for descriptor, target in held:
            kernel.bind(f"/proc/self/fd/{descriptor}", target)
            done.append(target)
    except OSError as error:
        for target in reversed(done):
            kernel.unmount(target)
        raise CoverError(str(error)) from error
    finally:
        for descriptor, _ in held:
            os.close(descriptor)


def _is_hidden(place: str) -> bool:
    return place.startswith((f"{OPT}/", f"{TMP}/", f"{TASK}/"))


def _rehearse(origin: str | None) -> str:
    """Do everything once in a child that ends, and return why it failed, or nothing."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            _enter(origin)
            isolate()
            cover(_EMPTY, None, _EMPTY)
        except (OSError, CoverError) as error:
            os.write(writer, str(error).encode())
        else:
            os.write(writer, b"+")
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - a descriptor
        said = pipe.read().decode()
    os.waitpid(pid, 0)
    return "" if said == "+" else said or "the rehearsal of the sandbox died"


def _enter(origin: str | None) -> str | None:
    """Unshare and lay out the template. Return where the runtime's packages are seen."""
    user, group = os.geteuid(), os.getegid()
    if user:
        kernel.unshare(kernel.NEW_USERS | kernel.NEW_MOUNTS)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    else:
        kernel.unshare(kernel.NEW_MOUNTS)
    kernel.follow_host()
    if not (os.path.isdir(TASK) and os.path.isdir(RUNTIME)):  # noqa: PTH112
        _cover_var()
    kernel.mount_tmpfs(TASK, "size=64k,nr_inodes=16,mode=755")
    os.mkdir(_EMPTY, 0o755)  # noqa: PTH102
    return _lay_runtime(origin)


def _cover_var() -> None:
    """Put a tmpfs on /var that shows all that was there, and the mount points besides."""
    below = os.open("/var", os.O_PATH | os.O_DIRECTORY)
    entries = [(e.name, e.stat(follow_symlinks=False).st_mode) for e in os.scandir("/var")]
    links = {
        name: str(Path("/var", name).readlink()) for name, mode in entries if stat.S_ISLNK(mode)
    }
    kernel.mount_tmpfs("/var", "size=1m,nr_inodes=4096,mode=755")
    for name, mode in entries:
        if name in links:
            Path("/var", name).symlink_to(links[name])
            continue
        if stat.S_ISDIR(mode):
            os.mkdir(f"/var/{name}", 0o755)  # noqa: PTH102
        else:
            _write(f"/var/{name}", "")
        kernel.bind(f"/proc/self/fd/{below}/{name}", f"/var/{name}")
    os.close(below)
    for folder in (TASK, RUNTIME):
        os.makedirs(folder, 0o755, exist_ok=True)  # noqa: PTH103


def _lay_runtime(origin: str | None) -> str | None:
    """Show the runtime's packages, and nothing else of `origin`, in /var/runtime."""
    if origin is None or os.path.realpath(origin) == RUNTIME:
        return origin
    entries = [entry for entry in os.scandir(origin) if _belongs(entry.name)]
    kernel.mount_tmpfs(RUNTIME, "size=64k,nr_inodes=256,mode=755")
    for entry in entries:
        place, real = f"{RUNTIME}/{entry.name}", os.path.realpath(entry.path)
        if not _is_hidden(real):
            Path(place).symlink_to(real)
            continue
        # The child's own /tmp or /opt will cover it: a link would dangle.
        if entry.is_dir():
            os.mkdir(place, 0o755)  # noqa: PTH102
        else:
            _write(place, "")
        kernel.bind(real, place)
    kernel.set_read_only(RUNTIME, is_read_only=True)
    return RUNTIME


def _belongs(name: str) -> bool:
    stem = name.partition(".")[0]
    if name.endswith(".dist-info"):
        project = name.partition("-")[0].replace("python_dateutil", "dateutil")
        return project in preload.THIRD_PARTY
    return stem in preload.THIRD_PARTY


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123
        file.write(text)
