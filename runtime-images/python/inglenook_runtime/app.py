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

from inglenook_runtime import (
    child,
    libraries,
    orders,
    preload,
    processes,
    sandbox,
    spawner,
    streams,
    walls,
)

PRELOAD_PATH = "INGLENOOK_PRELOAD_PATH"
SANDBOX = "INGLENOOK_SANDBOX"
_OFF = "off"


def probe() -> None:
    """Print which walls a spawner would find, and end."""
    is_wanted = os.environ.get(SANDBOX) != _OFF
    template = sandbox.prepare(None, is_wanted=is_wanted)
    print(json.dumps(walls.survey(template, is_wanted=is_wanted).told()))


def run(descriptor: int) -> None:
    slots = libraries.take_slots(os.environ)
    streams.own((descriptor, *slots))
    # Not the platform's virtual environment: a function that starts a Python of its own must find
    # the bare one, and the environment may lie where the sandbox hides it.
    sys.executable = os.path.realpath(sys.executable)
    agent = orders.Orders(socket.socket(fileno=descriptor))
    for each in (descriptor, *slots):
        os.set_inheritable(each, False)
    preload.builtins()
    origin = os.environ.get(PRELOAD_PATH)
    is_wanted = os.environ.get(SANDBOX) != _OFF
    template = sandbox.prepare(origin, is_wanted=is_wanted)
    # As early as can be: what is loaded from here on is no burden to an init.
    nursery = processes.Nursery() if template.has_processes else None
    has = walls.survey(template, is_wanted=is_wanted)
    if template.runtime_dir is not None:
        origin = template.runtime_dir
    loaded = preload.load(origin)
    keeper = spawner.Spawner(agent, nursery)
    agent.send(
        {
            "op": "ready",
            "python": "%d.%d.%d" % sys.version_info[:3],  # noqa: UP031 - three numbers of a tuple
            "pid": os.getpid(),
            "sandbox": template.is_ready,
            "sandbox_reason": template.reason,
            "walls": has.told(),
        }
    )
    spare = child.Spare(loaded=loaded, template=template, has=has, slots=slots)
    spare.rehearse()
    spare.rehearse()
    gc.collect()
    gc.freeze()
    born = keeper.run()
    if born is None:
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    spare.live(born)
