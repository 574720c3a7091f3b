"""The spawner's process from its first line to its last, and the beginning of every child.

Wiring only: prepare the file system's template, preload, spawn; and in a child, whose stack must be
free of the spawner's frames (a handler may exit, and its traceback is shown), live as told.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

from inglenook_runtime import (
    beside,
    child,
    holes,
    libraries,
    orders,
    preload,
    processes,
    sandbox,
    spawner,
    storage,
    streams,
    usage,
    walls,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PRELOAD_PATH = "INGLENOOK_PRELOAD_PATH"
SANDBOX = "INGLENOOK_SANDBOX"
_OFF = "off"
_REHEARSALS = 16
"""Until the interpreter has adapted its code to what it does, which writes to it."""


def probe() -> None:
    """Print which walls a spawner would find, and end."""
    is_wanted = os.environ.get(SANDBOX) != _OFF
    template = sandbox.prepare(None, is_wanted=is_wanted)
    print(json.dumps(walls.survey(template, is_wanted=is_wanted).told()))


def run(descriptor: int) -> None:
    """Serve an agent on this machine, over a socket that it has given to this program."""
    slots = libraries.take_slots(os.environ)
    streams.own((descriptor, *slots))
    os.set_inheritable(descriptor, False)
    is_wanted = os.environ.get(SANDBOX) != _OFF
    agent = orders.Orders(socket.socket(fileno=descriptor))
    _serve(lambda: agent, slots, is_sandbox_wanted=is_wanted, is_beside=False)


def run_beside(path: str) -> None:
    """Serve an agent in another container, which listens on `path`.

    Our own container is all the walls that there are: it may not make namespaces.
    """
    beside.end_on_request()
    slots = libraries.take_slots(os.environ)
    if not slots and sys.platform.startswith("linux"):
        beside.begin_anew(path)
    streams.own(slots)
    _serve(
        lambda: orders.Orders(beside.connect(path)),
        slots,
        is_sandbox_wanted=False,
        is_beside=True,
    )


def _serve(
    agent_of: Callable[[], orders.Orders],
    slots: tuple[int, ...],
    *,
    is_sandbox_wanted: bool,
    is_beside: bool,
) -> None:
    # Not the platform's virtual environment: a function that starts a Python of its own must find
    # the bare one, and the environment may lie where the sandbox hides it.
    sys.executable = os.path.realpath(sys.executable)
    for slot in slots:
        os.set_inheritable(slot, False)
    meter = usage.Meter() if is_beside else None
    preload.builtins()
    origin = os.environ.get(PRELOAD_PATH)
    template = sandbox.prepare(origin, is_wanted=is_sandbox_wanted)
    # As early as can be: what is loaded from here on is no burden to an init.
    nursery = processes.Nursery() if template.has_processes else None
    has = walls.survey(template, is_wanted=is_sandbox_wanted)
    if template.runtime_dir is not None:
        origin = template.runtime_dir
    loaded = preload.load(origin)
    agent = agent_of()
    keeper = spawner.Spawner(agent, nursery, meter)
    ready = {
        "op": "ready",
        "python": "%d.%d.%d" % sys.version_info[:3],  # noqa: UP031 - three numbers of a tuple
        "pid": os.getpid(),
        "sandbox": template.is_ready,
        "sandbox_reason": template.reason,
        "walls": has.told(),
        "storage_folder": storage.FOLDER if template.has_processes else None,
    }
    try:
        _say_ready(agent, ready, origin, meter)
    except ConnectionError:
        return  # it does not want us, or has gone again
    spare = child.Spare(loaded=loaded, template=template, has=has, slots=slots)
    for _ in range(_REHEARSALS):
        spare.rehearse()
    gc.collect()
    holes.fill()
    gc.freeze()
    born = keeper.run()
    if born is None:
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    spare.live(born)


def _say_ready(
    agent: orders.Orders, ready: dict[str, Any], origin: str | None, meter: usage.Meter | None
) -> None:
    if meter is None:
        agent.send(ready)
        return
    accounts = beside.accounts(meter)
    try:
        agent.send({**ready, "packages": origin, "descriptors": list(accounts)}, accounts.values())
    finally:
        for descriptor in accounts.values():
            os.close(descriptor)
