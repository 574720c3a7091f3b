"""The zygote's loop: fork on order, reap, report; end with the agent.

One thread, so that forking is safe. Every child is a session and a process group of its own, and
what is left of its group is killed when it ends, and then its namespace of processes: nothing of an
environment outlives it. Without namespaces, what has left its group is the control group's to end;
when the agent is gone, that is done here.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any

from inglenook_runtime import kernel, orders, processes, reaping, storage, streams, usage

FORK_FAILED = 71
"""EX_OSERR: the status reported for a child that could not be forked; its pid is 0."""


@dataclass(frozen=True)
class Born:
    """What a child knows at birth: its end of the control socket, and the number of its storage."""

    control: int
    storage: int | None


@dataclass(frozen=True)
class Child:
    """What the spawner knows of a child."""

    number: int
    init: int | None
    """Of its namespace of processes, where it has one."""


class Spawner:
    """Forks children for one agent until the agent goes away.

    SIGTERM ends it; but *beside* the agent, in another container, where there is a meter, it is how
    that container is asked to end: then the agent is told, and decides when.
    """

    def __init__(
        self,
        agent: orders.Orders,
        nursery: processes.Nursery | None,
        meter: usage.Meter | None = None,
    ) -> None:
        self._agent = agent
        self._nursery = nursery
        self._children: dict[int, Child] = {}
        self._is_stopping = False
        self._is_beside = meter is not None
        self._own = () if meter is None else (meter.pid,)
        """Children that are no function's."""
        self._is_asked_to_end = False
        self._sweeps = False
        self._is_sweeping = False
        """Whether orphans may still come of a child that has ended."""
        self._wakeup, self._wakeup_end = socket.socketpair()
        self._wakeup.setblocking(False)
        self._wakeup_end.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(agent.fileno(), selectors.EVENT_READ, self._obey)
        self._selector.register(self._wakeup.fileno(), selectors.EVENT_READ, self._wake)
        self._watch: storage.Watch | None = None
        if nursery is not None:
            self._watch_storage()
        signal.set_wakeup_fd(self._wakeup_end.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)
        signal.signal(signal.SIGTERM, self._stop)
        if sys.platform.startswith("linux"):
            kernel.adopt_orphans()
        # Ctrl-C reaches the whole foreground group; it is the agent that decides what ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _watch_storage(self) -> None:
        try:
            self._watch = storage.Watch()
        except OSError:
            return  # this user has no more: then every storage counts as used
        self._selector.register(self._watch.fileno(), selectors.EVENT_READ, self._see)

    def run(self) -> Born | None:
        """Serve the agent. Return `None` when it is gone, and `Born` in each child."""
        born: Born | None = None
        while born is None and not self._is_stopping:
            for key, _ in self._selector.select():
                born = key.data()
                if born is not None:
                    break
        if born is None:
            reaping.kill_all(self._children)
        return born

    def _stop(self, number: int, frame: object) -> None:
        del number, frame
        if self._is_beside:
            self._is_asked_to_end = True  # the signal has come amid anything: said by `_wake`
        else:
            self._is_stopping = True

    def _wake(self) -> None:
        try:
            while self._wakeup.recv(4096):
                pass
        except BlockingIOError:
            pass
        if self._is_asked_to_end:
            self._is_asked_to_end = False
            self._say({"op": "terminating"})
        self._reap()

    def _obey(self) -> Born | None:
        try:
            messages = self._agent.receive()
        except ConnectionError:
            messages = None
        if messages is None:
            self._is_stopping = True
            return None
        for index, (message, descriptors) in enumerate(messages):
            born = self._follow(message, descriptors)
            if born is not None:
                for _, others in messages[index + 1 :]:
                    for descriptor in others:
                        os.close(descriptor)
                return born
        return None

    def _follow(self, order: dict[str, Any], descriptors: list[int]) -> Born | None:
        op = order["op"]
        if op == "fork":
            return self._fork(order["id"], order.get("storage"), *descriptors)
        if op == "release" and self._nursery is not None:
            storage.remove(order["id"])
        elif op == "kill" and order["pid"] in self._children:
            reaping.kill_group(order["pid"])
        elif op == "sweep":
            self._sweeps = True
        return None

    def _fork(self, number: int, kept: int | None, control: int, output: int) -> Born | None:
        """Fork a child with a storage of its own, or one that was `kept` from an earlier child."""
        init = None
        try:
            init = self._furnish(None if kept is not None else number)
            pid = os.fork()
        except OSError as error:
            os.close(control)
            os.close(output)
            if init is not None:
                processes.end(init)
            if self._nursery is not None and kept is None:
                storage.remove(number)
            print(f"cannot fork: {error}", file=sys.stderr)
            self._say_exited(number, 0, FORK_FAILED, 0)
            return None
        if pid:
            os.close(control)
            os.close(output)
            self._children[pid] = Child(number, init)
            self._say({"op": "forked", "id": number, "pid": pid})
            return None
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._forget()
        os.set_inheritable(control, False)
        streams.redirect(output)
        found = number if kept is None else kept
        return Born(control, None if self._nursery is None else found)

    def _furnish(self, number: int | None) -> int | None:
        """Make a child's storage, if it has a number, and its namespace; return that one's init."""
        if self._nursery is None:
            return None
        if number is not None:
            storage.make(number)
            if self._watch is not None:
                self._watch.add(number)
            else:
                self._say({"op": "used", "id": number})
        try:
            return self._nursery.enter()
        except processes.NurseryLostError as error:
            self._is_stopping = True  # the agent will have another spawner
            raise OSError("the nursery has ended") from error

    def _forget(self) -> None:
        """Close in a child what is the spawner's."""
        self._selector.close()
        self._agent.close()
        self._wakeup.close()
        self._wakeup_end.close()
        if self._watch is not None:
            self._watch.close()
        if self._nursery is not None:
            self._nursery.close()

    def _see(self) -> None:
        """Tell of storage that is used from now on."""
        for number in self._watch.receive() if self._watch is not None else ():
            self._say({"op": "used", "id": number})

    def _reap(self) -> None:
        while (ended := reaping.bury(self._children)) is not None:
            child = self._children.pop(ended.pid, None)
            if child is not None:
                if child.init is not None:
                    processes.end(child.init)
                self._is_sweeping = self._sweeps
                self._say_exited(child.number, ended.pid, ended.status, ended.max_rss_kb)
        if self._is_sweeping:
            self._is_sweeping = reaping.kill_orphans((*self._children, *self._own))

    def _say_exited(self, number: int, pid: int, status: int, max_rss_kb: int) -> None:
        self._say(
            {
                "op": "exited",
                "id": number,
                "pid": pid,
                "status": status,
                "max_rss_kb": max_rss_kb,
            }
        )

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self._agent.send(message)
        except ConnectionError:
            self._is_stopping = True


def _ignore(number: int, frame: object) -> None:
    """Be a handler: only with one does the signal reach the wakeup descriptor."""
    del number, frame
