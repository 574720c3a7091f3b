"""The system calls that a function does not get: a seccomp filter that answers EPERM.

What container runtimes keep from unprivileged containers: file systems and namespaces, other
processes' memory, the kernel's modules, keys and clocks, and interfaces with a long record of holes
(bpf, userfaultfd, io_uring). Everything else is allowed. `clone3` answers ENOSYS, because a filter
cannot see its flags: the C libraries then use `clone`. Programs of another architecture (32 bits on
x86) get ENOSYS for everything.

It takes the kernel a third of a millisecond to take a filter over. So a child should have it while
it is still a spare; then it leaves out the calls by which the child puts its folders in place, and
which the kernel refuses to whoever has no privilege.
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
from dataclasses import dataclass

from inglenook_runtime import kernel

_MOUNTS = frozenset({"mount", "umount2", "mount_setattr"})

_EVERYWHERE = """
io_uring_setup:425 io_uring_enter:426 io_uring_register:427 open_tree:428 move_mount:429 fsopen:430
fsconfig:431 fsmount:432 fspick:433 pidfd_getfd:438 mount_setattr:442 quotactl_fd:443
open_tree_attr:467
"""
_X86_64 = """
ptrace:101 syslog:103 uselib:134 vhangup:153 pivot_root:155 acct:163 settimeofday:164 mount:165
umount2:166 swapon:167 swapoff:168 reboot:169 sethostname:170 setdomainname:171 iopl:172 ioperm:173
create_module:174 init_module:175 delete_module:176 get_kernel_syms:177 query_module:178
quotactl:179 nfsservctl:180 lookup_dcookie:212 clock_settime:227 kexec_load:246 add_key:248
request_key:249 keyctl:250 perf_event_open:298 fanotify_init:300 open_by_handle_at:304
clock_adjtime:305 setns:308 process_vm_readv:310 process_vm_writev:311 kcmp:312 finit_module:313
kexec_file_load:320 bpf:321 userfaultfd:323
"""
_AARCH64 = """
lookup_dcookie:18 umount2:39 mount:40 pivot_root:41 nfsservctl:42 vhangup:58 quotactl:60 acct:89
kexec_load:104 init_module:105 delete_module:106 clock_settime:112 syslog:116 ptrace:117 reboot:142
sethostname:161 setdomainname:162 settimeofday:170 add_key:217 request_key:218 keyctl:219 swapon:224
swapoff:225 perf_event_open:241 fanotify_init:262 open_by_handle_at:265 clock_adjtime:266 setns:268
process_vm_readv:270 process_vm_writev:271 kcmp:272 finit_module:273 bpf:280 userfaultfd:282
kexec_file_load:294
"""


@dataclass(frozen=True)
class _Machine:
    """What a filter must know of an architecture."""

    audit: int
    refused: str
    clone: int
    unshare: int
    seccomp: int
    foreign_from: int | None
    """Numbers from here on belong to another calling convention."""


_MACHINES = {
    "x86_64": _Machine(0xC000003E, _X86_64, 56, 272, 317, 0x40000000),
    "aarch64": _Machine(0xC00000B7, _AARCH64, 220, 97, 277, None),
}
_CLONE3 = 435

_NAMESPACES = 0x7E020000
"""CLONE_NEW*: mounts, control groups, names, IPC, users, processes, network."""
_NEW_TIME = 0x80
"""A namespace to `unshare`; to `clone` it is part of a signal's number."""

_LOAD, _EQUAL, _NOT_LESS, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS = 1, 38

_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4
"""No slower execution for having a filter: kernels before 5.16 would else see to that."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def is_known() -> bool:
    """Whether there is a list for this machine."""
    return os.uname().machine in _MACHINES


def refused() -> dict[str, int]:
    """Return the calls that are refused whatever their arguments, by name."""
    pairs = (entry.split(":") for entry in (_EVERYWHERE + _machine().refused).split())
    return {name: int(number) for name, number in pairs}


def refuse(*, has_yet_to_mount: bool = False) -> None:
    """Refuse them to this process and all that it starts, for good. After `gain_no_privileges`."""
    text = program(has_yet_to_mount=has_yet_to_mount)
    counted = _Program(len(text) // 8, text)
    kernel.call(
        "syscall",
        ctypes.c_long(_machine().seccomp),
        ctypes.c_long(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_long(_SECCOMP_FILTER_FLAG_SPEC_ALLOW),
        ctypes.byref(counted),
    )


def _machine() -> _Machine:
    return _MACHINES[os.uname().machine]


@functools.cache
def program(*, has_yet_to_mount: bool) -> bytes:
    """Return the filter, made once: classic BPF, eight bytes an instruction."""
    machine = _machine()
    text = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, machine.audit, if_so=1),
        _step(_RETURN, _ERROR | _ENOSYS),
        _step(_LOAD, _NUMBER),
    ]
    if machine.foreign_from is not None:
        text += [
            _step(_NOT_LESS, machine.foreign_from, if_not=1),
            _step(_RETURN, _ERROR | _ENOSYS),
        ]
    text += [_step(_EQUAL, _CLONE3, if_not=1), _step(_RETURN, _ERROR | _ENOSYS)]
    flags = {machine.clone: _NAMESPACES, machine.unshare: _NAMESPACES | _NEW_TIME}
    for number, mask in flags.items():
        text += [
            _step(_EQUAL, number, if_not=4),
            _step(_LOAD, _FIRST_ARGUMENT),
            _step(_ANY_BIT, mask, if_not=1),
            _step(_RETURN, _ERROR | _EPERM),
            _step(_RETURN, _ALLOW),
        ]
    left_out = _MOUNTS if has_yet_to_mount else ()
    numbers = [number for name, number in refused().items() if name not in left_out]
    return b"".join(text + _search(sorted(numbers)))


def _search(numbers: list[int]) -> list[bytes]:
    """Return the steps that look the number up and end: a tree, for it is walked at every call.

    Not quite at every one, with newer kernels; those walk it for every number there is, at once.
    """
    if not numbers:
        return [_step(_RETURN, _ALLOW)]
    middle = len(numbers) // 2
    if not middle:
        return [
            _step(_EQUAL, numbers[0], if_not=1),
            _step(_RETURN, _ERROR | _EPERM),
            _step(_RETURN, _ALLOW),
        ]
    below, above = _search(numbers[:middle]), _search(numbers[middle:])
    return [_step(_NOT_LESS, numbers[middle], if_so=len(below)), *below, *above]


def _step(code: int, value: int, *, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)
