"""A forked child, from spare to corpse."""

import os
from typing import TYPE_CHECKING

from inglenook_agent.supervisor.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

    from inglenook_agent.limits.limited import Limited
    from inglenook_agent.supervisor.storage import Storage


class Process:
    """One child of a spawner: its channel, its output pipe, and how it ended.

    Its pid is its process group, in which all that it starts stays unless it takes pains to leave.
    Whoever takes the process closes `output`.
    """

    __slots__ = (
        "_kill",
        "channel",
        "group",
        "has_sandbox",
        "max_rss_kb",
        "on_exit",
        "output",
        "pid",
        "status",
        "storage",
    )

    def __init__(
        self,
        pid: int,
        channel: Channel,
        output: int,
        *,
        has_sandbox: bool,
        kill: "Callable[[int], None]",
    ) -> None:
        """`kill` kills a process group by its number; one that is gone is no mistake."""
        self.pid = pid
        """As its spawner has it."""
        self._kill = kill
        self.channel = channel
        self.output = output
        """The read end of its stdout and stderr; does not block."""
        self.has_sandbox = has_sandbox
        """Whether it can have /var/task, /opt and /tmp of its own."""
        self.group: Limited | None = None
        """Its limits, where there are such; go with it."""
        self.storage: Storage | None = None
        """The /tmp that it came with, until somebody takes it over."""
        self.status: int | None = None
        """None while it lives; then its exit status, negative for a signal."""
        self.max_rss_kb = 0
        self.on_exit: Callable[[int], None] | None = None

    def kill(self) -> None:
        """Kill the whole group at once. Safe to repeat, also when the leader has ended."""
        self._kill(self.pid)

    def ended(self, status: int, max_rss_kb: int = 0) -> None:
        """Record how it ended and tell who waits for it. Only the first call counts."""
        if self.status is not None:
            return
        self.status = status
        self.max_rss_kb = max_rss_kb
        if self.on_exit is not None:
            self.on_exit(status)

    def discard(self) -> None:
        """End a process that nobody took. Its group is left to the supervisor."""
        self.on_exit = None
        if self.storage is not None:
            self.storage.release()
        self.kill()
        self.channel.close()
        os.close(self.output)
