"""How the C library's allocator treats large blocks: bodies of requests and answers.

Left to itself glibc gives the memory of a large body back to the kernel after almost every request
and has it anew for the next, page by page; that takes longer than all the copying.
"""

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEPT_BYTES = 32 * 1024 * 1024
"""How much memory that is free may stay with the process."""
_LARGEST_BYTES = 8 * 1024 * 1024
"""Blocks up to here, the largest payload among them, are taken from it."""


def keep() -> bool:
    """Keep memory of this size for the next body; return whether the C library can do so."""
    try:
        set_to = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False  # not glibc
    return bool(set_to(_M_MMAP_THRESHOLD, _LARGEST_BYTES)) and bool(
        set_to(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    )
