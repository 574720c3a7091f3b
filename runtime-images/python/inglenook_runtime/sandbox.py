"""A view of the file system in which a function's folders are /var/task, /opt and /tmp.

In two steps, because a child has no time. At the start the spawner enters a mount namespace of its
own, the *template*: there every mount point exists, on small tmpfs that cover /var and /var/task,
whatever the host has; not a file of the host is touched. A child then unshares once more (already
as a spare) and binds three folders.

`prepare` tries all of it in a process that it throws away first, so that a host that refuses half
of it (no privilege, no user namespaces, a strict AppArmor) leaves the spawner where it was, with
the reason. This is a view, not yet a wall: a function that runs as root can undo it.
"""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from inglenook_runtime import preload

TASK = "/var/task"
OPT = "/opt"
TMP = "/tmp"  # noqa: S108 - the function's own
RUNTIME = "/var/runtime"

_EMPTY = f"{TASK}/.empty"

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_RDONLY = 1
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_SLAVE = 1 << 19
_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1

_KEPT_FLAGS = (
    (os.ST_NOSUID, 2),
    (getattr(os, "ST_NODEV", 4), 4),
    (getattr(os, "ST_NOEXEC", 8), 8),
    (getattr(os, "ST_NOATIME", 1024), 1024),
    (getattr(os, "ST_NODIRATIME", 2048), 2048),
    (getattr(os, "ST_RELATIME", 4096), 1 << 21),
)
"""What statvfs says and what mount calls it: in a user namespace these may not be dropped."""


@dataclass(frozen=True)
class Template:
    """Whether children can be sandboxed; if not, why; and where the SDK is seen from now on."""

    is_ready: bool
    reason: str
    runtime_dir: str | None = None


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
    return Template(is_ready=True, reason="", runtime_dir=_enter(origin))


def isolate() -> None:
    """Leave the spawner's mount namespace for one of this child alone."""
    _call("unshare", _CLONE_NEWNS)


def cover(task_dir: str | None, opt_dir: str | None, tmp_dir: str | None) -> None:
    """Make the folders appear in place; all of them or, with `CoverError`, none."""
    wanted = (
        (opt_dir or _EMPTY, OPT, True),
        (task_dir, TASK, True),
        (tmp_dir, TMP, False),
    )
    held: list[tuple[int, str, bool]] = []
    done: list[str] = []
    try:
        # All are opened first: one may lie where another is about to cover it.
        for source, target, is_read_only in wanted:
            if source is not None:
                held.append((os.open(source, os.O_PATH | os.O_DIRECTORY), target, is_read_only))
        for descriptor, target, is_read_only in held:
            _bind(f"/proc/self/fd/{descriptor}", target)
            done.append(target)
            if is_read_only:
                _make_read_only(target)
    except OSError as error:
        for target in reversed(done):
            _call("umount2", target.encode(), _MNT_DETACH)
        raise CoverError(str(error)) from error
    finally:
        for descriptor, _, _ in held:
            os.close(descriptor)


def die_with_parent(parent: int) -> None:
    """Be killed when the spawner is, where the system can do that."""
    if not sys.platform.startswith("linux"):
        return
    _call("prctl", _PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


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
        _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNS)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    else:
        _call("unshare", _CLONE_NEWNS)
    # What the host mounts later still arrives; nothing of ours leaves.
    _mount("none", "/", "", _MS_REC | _MS_SLAVE, "")
    if not (os.path.isdir(TASK) and os.path.isdir(RUNTIME)):  # noqa: PTH112
        _cover_var()
    _mount("inglenook", TASK, "tmpfs", 0, "size=64k,nr_inodes=16,mode=755")
    os.mkdir(_EMPTY, 0o755)  # noqa: PTH102
    return _lay_runtime(origin)


def _cover_var() -> None:
    """Put a tmpfs on /var that shows all that was there, and the mount points besides."""
    below = os.open("/var", os.O_PATH | os.O_DIRECTORY)
    entries = [(e.name, e.stat(follow_symlinks=False).st_mode) for e in os.scandir("/var")]
    links = {
        name: str(Path("/var", name).readlink()) for name, mode in entries if stat.S_ISLNK(mode)
    }
    _mount("inglenook", "/var", "tmpfs", 0, "size=1m,nr_inodes=4096,mode=755")
    for name, mode in entries:
        if name in links:
            Path("/var", name).symlink_to(links[name])
            continue
        if stat.S_ISDIR(mode):
            os.mkdir(f"/var/{name}", 0o755)  # noqa: PTH102
        else:
            _write(f"/var/{name}", "")
        _bind(f"/proc/self/fd/{below}/{name}", f"/var/{name}")
    os.close(below)
    for folder in (TASK, RUNTIME):
        os.makedirs(folder, 0o755, exist_ok=True)  # noqa: PTH103


def _lay_runtime(origin: str | None) -> str | None:
    """Show the runtime's packages, and nothing else of `origin`, in /var/runtime."""
    if origin is None or os.path.realpath(origin) == RUNTIME:
        return origin
    entries = [entry for entry in os.scandir(origin) if _belongs(entry.name)]
    _mount("inglenook", RUNTIME, "tmpfs", 0, "size=64k,nr_inodes=256,mode=755")
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
        _bind(real, place)
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


def _bind(source: str, target: str) -> None:
    _mount(source, target, "", _MS_BIND | _MS_REC, "")


def _make_read_only(target: str) -> None:
    present = os.statvfs(target).f_flag
    kept = sum(flag for seen, flag in _KEPT_FLAGS if present & seen)
    _mount("none", target, "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept, "")


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    try:
        _call(
            "mount",
            os.fsencode(source),
            os.fsencode(target),
            kind.encode(),
            ctypes.c_ulong(flags),
            options.encode(),
        )
    except OSError as error:
        raise OSError(error.errno, f"cannot mount on {target}: {error.strerror}") from error


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc(), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
