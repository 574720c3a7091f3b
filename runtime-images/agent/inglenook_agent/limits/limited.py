"""What keeps a process and all that it starts within its limits, whatever that is.

On a machine of our own a control group (`limits.groups`); in a pod the function's container
(`limits.container`).
"""

from typing import Protocol


class Limited(Protocol):
    """One process group under limits, and what it has used."""

    @property
    def is_wide(self) -> bool:
        """Whether its memory has to be watched (`limits.sampling`)."""

    def limit(self, memory_mb: int) -> None:
        """Set the limits for a function of this memory size, once; at once."""

    def widen(self, storage_mb: int) -> None:
        """Make room for a /tmp of this size, from now on."""

    def own_bytes(self, limit_bytes: int) -> int:
        """Return the memory of its processes; may look less closely while far from the limit."""

    def peak_bytes(self, pid: int) -> int:
        """Return the most memory used so far, of its leader `pid` and all others."""

    def oom_kills(self) -> int:
        """Return how many processes the kernel has killed for want of memory."""

    def kill(self) -> bool:
        """Kill what is still inside; answer whether anything was."""

    def remove(self) -> bool:
        """Let go of it; answer whether it is gone. Blocks."""
