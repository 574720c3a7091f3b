"""Doing, while nobody waits, what a child will do when somebody does.

A forked page that is written costs a fault (4 µs and more), and a start writes some hundreds. So
every spare plays its start and one invocation once, with nothing at stake, before it waits for its
setup; the zygote does so several times, so that the interpreter's own caches are filled and its
code has adapted before the fork. The function played is ours, from the folder of these files.
Afterwards environment, log, modules and `sys.path` are as before.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Any

from inglenook_runtime import belongings, frames, libraries, logs, lookup, loop, preload, setup

_MODULE = "rehearsed"
_FOLDER = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
_NOTHING = preload.Loaded(standard=frozenset(), third_party=frozenset(), origin=None)
_HEADER = {"id": "0-0", "deadline_ms": 1, "arn": "", "trace_id": "Root=1", "client_context": None}
_SETUP: dict[str, Any] = {
    "mode": "python",
    "handler": f"{_MODULE}.handler",
    "argv": [],
    "variables": {
        **{f"AWS_LAMBDA_{number}": "x" * number for number in range(24)},
        "LAMBDA_TASK_ROOT": _FOLDER,
        "LD_LIBRARY_PATH": f"{_FOLDER}/lib",
    },
    "task_dir": _FOLDER,
    "opt_dir": None,
    "tmp_dir": "/",
    "sandbox": False,
    "join": [],
    "descriptors_max": 1024,
    "log_mark": "00" * 16,
    "ignored": 0,
}


def play() -> None:
    """Start a function that does nothing, and give it one event."""
    variables = dict(os.environ)
    path, argv, main = list(sys.path), list(sys.argv), sys.modules["__main__"]
    writes_no_bytecode = sys.dont_write_bytecode
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
        told = setup.outside(setup.Setup.parse(json.loads(bytes(frame[1]))))
        libraries.fill((os.dup(null),), told.variables, setup.own_folders(told))
        setup.wear(told.variables)
        belongings.take(told, _NOTHING, path)
        # Of this one there may be compiled code, of a function's there is none.
        source = Path(_FOLDER, f"{_MODULE}.py").read_bytes()
        compile(source, _MODULE, "exec", dont_inherit=True)
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
        sys.modules["__main__"] = main
        sys.path[:], sys.argv[:] = path, argv
        sys.path_importer_cache.pop(_FOLDER, None)
        sys.dont_write_bytecode = writes_no_bytecode
        setup.wear(variables)
        os.close(null)
        here.close()
        there.close()


def _frame(kind: int, payload: bytes) -> bytes:
    return (len(payload) + 1).to_bytes(4, "big") + bytes((kind,)) + payload
