"""A child's life: a spare until it is told what to be, then a function or another program."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import NoReturn

from inglenook_runtime import (
    belongings,
    brought,
    frames,
    libraries,
    logs,
    loop,
    preload,
    program,
    rehearsal,
    sandbox,
    setup,
    spawner,
    walls,
    wrapped,
)

_CANNOT_START = 70
"""EX_SOFTWARE: the platform's part of the start failed, before the function's began."""


class Spare:
    """What is ready in every child before it has a name."""

    def __init__(
        self,
        *,
        loaded: preload.Loaded,
        template: sandbox.Template,
        has: walls.Walls,
        slots: tuple[int, ...],
    ) -> None:
        self._slots = slots
        self._loaded = loaded
        self._template = template
        self._walls = has
        self._standard_path = list(sys.path)
        self._parent = os.getpid()

    def rehearse(self) -> None:
        rehearsal.play()

    def live(self, born: spawner.Born) -> NoReturn:
        """Wait for the setup, then be that. Never returns to the spawner's code."""
        if self._template.is_ready:
            sandbox.isolate(born.storage, self._template.without_storage)
        rules = walls.confine_spare(self._walls, self._template)
        setup.die_with_parent(0 if self._template.has_processes else self._parent)
        setup.limit_spare()
        # The agent is to hear of this child's end when it has ended, with its status: not while the
        # interpreter tidies up, which closes the socket. This descriptor is nobody's to close.
        os.dup(born.control)
        control = frames.Control(socket.socket(fileno=born.control))
        if control.is_waiting():
            self.rehearse()
        frame = control.receive()
        if frame is None:
            os._exit(0)
        told = setup.Setup.parse(json.loads(bytes(frame[1])))
        del frame
        try:
            setup.join(told.join)
            now = setup.place(told, self._template)
            libraries.fill(self._slots, now.variables, setup.own_folders(now))
            setup.limit(told.descriptors_max)  # the slots may lie beyond
            if told.sandbox and not now.sandbox:
                walls.limit_files(told)
            walls.confine(
                told,
                self._walls,
                self._template,
                is_covered=now.sandbox,
                origin=self._loaded.origin,
                rules=rules,
            )
        except OSError as error:
            os.write(1, f"the execution environment cannot be prepared: {error}\n".encode())
            os._exit(_CANNOT_START)
        if now.mode == "exec":
            program.become(now.argv, told.argv[0], now.variables, control)
        if now.mode == "wrapper":
            wrapped.become(now, told.argv[0], self._loaded.origin, brought.interpreter())
        setup.wear(now.variables)
        belongings.take(now, self._loaded, self._standard_path)
        log = logs.Log(
            bytes.fromhex(now.log_mark),
            is_json=now.variables.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON",
            level=now.variables.get("AWS_LAMBDA_LOG_LEVEL"),
        )
        serving = loop.Loop(control, log, now.variables)
        serving.serve(serving.init(now.handler))
