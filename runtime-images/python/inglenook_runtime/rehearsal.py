"""Doing, while nobody waits, what a child will do when somebody does.

A forked page that is written costs a fault (4 µs and more), and a start writes some hundreds. So
every spare plays its start and one invocation once, with nothing at stake, before it waits for its
setup; the zygote does too, so that the interpreter's own caches are filled before the fork.
Afterwards environment, log and modules are as before.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from typing import Any

from inglenook_runtime import frames, logs, lookup, loop, preload, setup

_MODULE = "inglenook_runtime.rehearsed"
_HEADER = {"id": "0-0", "deadline_ms": 1, "arn": "", "trace_id": "Root=1", "client_context": None}
_SETUP: dict[str, Any] = {
    "mode": "python",
    "handler": f"{_MODULE}.handler",
    "argv": [],
    "variables": {f"AWS_LAMBDA_{number}": "x" * number for number in range(24)},
    "task_dir": "/",
    "opt_dir": None,
    "tmp_dir": "/",
    "sandbox": False,
    "join": [],
    "descriptors_max": 1024,
    "log_mark": "00" * 16,
    "ignored": 0,
}


def play(loaded: preload.Loaded) -> None:
    """Start a function that does nothing, and give it one event."""
    variables = dict(os.environ)
    here, there = socket.socketpair()
    null = os.open(os.devnull, os.O_WRONLY)
    root = logging.getLogger()
    handlers = list(root.handlers)
    try:
        there.sendall(_frame(frames.SETUP, json.dumps(_SETUP).encode()))
        control = frames.Control(here)
        frame = control.receive()
        if frame is None:
            return
        told = setup.Setup.parse(json.loads(bytes(frame[1])))
        preload.forget(loaded, ())
        setup.wear(told.variables)
        log = logs.Log(bytes.fromhex(told.log_mark), is_json=False, level=None, descriptor=null)
        serving = loop.Loop(control, log, told.variables)
        handler = lookup.find(told.handler)
        header = json.dumps(_HEADER).encode()
        event = len(header).to_bytes(4, "big") + header + b'{"key": ["value", 1, 2.5, null]}'
        there.sendall(_frame(frames.EVENT, event))
        frame = control.receive()
        if frame is not None:
            serving.invoke(handler, frame[1])
        there.recv(4096)
    finally:
        root.handlers[:] = handlers
        sys.modules.pop(_MODULE, None)
        setup.wear(variables)
        os.close(null)
        here.close()
        there.close()


def _frame(kind: int, payload: bytes) -> bytes:
    return (len(payload) + 1).to_bytes(4, "big") + bytes((kind,)) + payload
