"""A view of the system in which a function's folders are /var/task, /opt and /tmp.

In two steps, because a child has no time. At the start the spawner enters a mount namespace of its
own, the *template*: there every mount point exists, on small tmpfs that cover /var, /var/task and
/dev, whatever the host has; not a file of the host is touched. A child then has a copy of it
(already as a spare), binds three folders, empties those that a function must not see, and makes
everything but /tmp read-only, as on Lambda.

`prepare` tries all of it in a process that it throws away first, so that a host that refuses half
of it (no privilege, no user namespaces, a strict AppArmor) leaves the spawner where it was, with
the reason. First with a namespace of processes for each child and a /tmp of limited size, then
without these. It is a wall for files because the child then gives up its privileges (`setup`).
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inglenook_runtime import brought, devices, kernel, paths, processes, storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TASK = paths.TASK
OPT = paths.OPT
TMP = "/tmp"  # noqa: S108 - the function's own
RUNTIME = paths.RUNTIME

_EMPTY = f"{TASK}/.empty"
_OFF = "switched off"


@dataclass(frozen=True)
class Template:
    """Whether children can be sandboxed; if not, why; and where the SDK is seen from now on."""

    is_ready: bool
    reason: str
    has_processes: bool = False
    """Whether every child has a namespace of processes, and a /tmp from `storage`."""
    processes_reason: str = ""
    without_storage: int | None = None
    """A descriptor of the mount namespace that children go on from: see `storage`."""
    runtime_dir: str | None = None
    needed: tuple[str, ...] = ()
    """Real places of what the interpreter runs from."""

    def can_hide(self, folder: str) -> bool:
        """Whether a folder, named by its real path, holds nothing that a function needs."""
        return not any(place.startswith(f"{folder}/") for place in self.needed)


class CoverError(Exception):
    """The function's folders could not be put in place; what was begun has been undone."""


def prepare(origin: str | None, *, is_wanted: bool = True) -> Template:
    """Enter the template if this system allows it. `origin` has the runtime's packages."""
    if not is_wanted:
        return _without(_OFF)
    if not sys.platform.startswith("linux"):
        return _without("namespaces are Linux's")
    for place in {os.path.realpath(os.__file__), os.path.realpath(sys.executable)}:
        if _is_hidden(place):
            return _without(f"{place} would be hidden by the function's own")
    is_apart = not _rehearse(lambda: _rehearse_all(origin, is_apart=True))
    processes_reason = "" if is_apart else _rehearse(lambda: _rehearse_all(origin, is_apart=False))
    if processes_reason:
        reason = _rehearse(lambda: _rehearse_files(origin))
        if reason:
            return _without(reason)
    runtime_dir = _enter(origin)
    without_storage = None if processes_reason else storage.lay(is_apart=is_apart)
    return Template(
        is_ready=True,
        reason="",
        has_processes=not processes_reason,
        processes_reason=processes_reason,
        without_storage=without_storage,
        runtime_dir=runtime_dir,
        needed=_needed(),
    )


def isolate(storage_number: int | None, without_storage: int | None) -> None:
    """Leave the spawner's mount namespace for one of this child alone.

    With a storage, it is in a namespace of processes as well.
    """
    if storage_number is None:
        kernel.unshare(kernel.NEW_MOUNTS)
    else:
        storage.take(storage_number, without_storage)
        kernel.mount_proc("/proc")


def cover(
    task_dir: str | None,
    opt_dir: str | None,
    tmp_dir: str | None,
    hidden: Iterable[str] = (),
    *,
    shows_interpreter: bool = False,
) -> None:
    """Make the folders appear in place and `hidden` ones empty; all or, with `CoverError`, none.

    `shows_interpreter` puts this one into Lambda's /var/lang, unless there is something. Everything
    but /tmp is read-only then; on a kernel that cannot do that, these folders are.
    """
    wanted = [(_EMPTY, folder) for folder in hidden]
    wanted += [(opt_dir or _EMPTY, OPT)]
    wanted += [(task_dir, TASK)] if task_dir is not None else []
    wanted += [(tmp_dir, TMP)] if tmp_dir is not None else []
    if shows_interpreter and brought.can_show_interpreter():
        wanted += [(brought.OUR_LANG, brought.LANG)]
    _bind_all(wanted)
    try:
        kernel.set_all_read_only()
    except OSError:
        for target in [target for _, target in wanted] + ["/proc", "/sys"]:
            kernel.set_read_only(target, is_read_only=True)
    if tmp_dir is not None:
        kernel.set_read_only(TMP, is_read_only=False)
    if os.geteuid():
        # Nothing of the kernel's can be set there by an ordinary user, and `walls` has to write.
        with contextlib.suppress(OSError):  # it was so before, and is not the child's own
            kernel.set_read_only("/proc", is_read_only=False)


def _without(reason: str) -> Template:
    return Template(is_ready=False, reason=reason, processes_reason=reason, needed=_needed())


def _needed() -> tuple[str, ...]:
    places = (os.__file__, sys.executable, __file__, *sys.path)
    return tuple(os.path.realpath(place) for place in places)


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


def _rehearse(play: Callable[[], None]) -> str:
    """Do everything once in a child that ends, and return why it failed, or nothing."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            play()
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


def _rehearse_files(origin: str | None) -> None:
    _enter(origin)
    isolate(None, None)
    cover(_EMPTY, None, _EMPTY)


def _rehearse_all(origin: str | None, *, is_apart: bool) -> None:
    _enter(origin)
    without = storage.lay(is_apart=is_apart)
    storage.make(0)
    init = processes.Nursery().enter()
    pid = os.fork()
    if pid:
        # The child says for both how it went.
        os.waitpid(pid, 0)
        processes.end(init)
        os._exit(0)
    isolate(0, without)
    cover(_EMPTY, None, storage.OWN)


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
    devices.cover()
    if not (os.path.isdir(TASK) and os.path.isdir(RUNTIME)):  # noqa: PTH112
        _cover_var()
    kernel.mount_tmpfs(TASK, "size=64k,nr_inodes=16,mode=755")
    os.mkdir(_EMPTY, 0o755)  # noqa: PTH102
    return brought.lay(origin, _is_hidden)


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
    for folder in (TASK, RUNTIME, brought.LANG):
        os.makedirs(folder, 0o755, exist_ok=True)  # noqa: PTH103


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:  # noqa: PTH123
        file.write(text)
