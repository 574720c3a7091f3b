"""Asynchronous invocations: accepted, each on the disk before its 202, and run."""

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from measuring import results, wrk
from measuring.functions import EVENT
from single.subjects import THIS, Subjects

_CONNECTIONS = 64
_RUN_WITHIN_S = 180.0


def events(run: Subjects) -> results.Result:
    """Send events with 64 connections while they also run; then run what has piled up."""
    with run.platforms() as platforms:
        platform = platforms[THIS]
        platform.create("echo")
        url = platform.invoke_url("echo")
        _ = wrk.sample(url, EVENT, connections=_CONNECTIONS, seconds=2)
        found = wrk.sample(
            url, EVENT, connections=_CONNECTIONS, seconds=run.sizes.seconds, kind="Event"
        )
        backlog, began = _waiting(platform.data), time.perf_counter()
        waiting = backlog
        while waiting and time.perf_counter() - began < _RUN_WITHIN_S:
            time.sleep(0.02)
            waiting = _waiting(platform.data)
        took = time.perf_counter() - began
    figures: results.Figures = {"accepted": found.figures()}
    if backlog:
        figures["run from the backlog"] = {"rate": (backlog - waiting) / took, "n": backlog}
    return results.Result(figures=figures, histograms={"accepted": found.times.encoded()})


def _waiting(data: Path) -> int:
    """Count the events in the queue."""
    with contextlib.closing(sqlite3.connect(f"file:{data}/events.sqlite?mode=ro", uri=True)) as db:
        count: int = db.execute("SELECT count(*) FROM items").fetchone()[0]
        return count


ALL: dict[str, Callable[[Subjects], results.Result]] = {"events": events}
