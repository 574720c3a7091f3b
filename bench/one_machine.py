"""Measure the platform on this machine: `./dev bench [SCENARIO ...]`.

Over HTTP on the loopback interface, against platforms of its own, each with data of its own, with
Python handlers of a few lines. The scenarios:

- `warm`: wrk with 64 connections on one function, beside a bare aiohttp server;
- `one`: the same with one connection;
- `open`: oha at 1,000 calls a second, each counted from when it was due;
- `curve`: the same at growing rates, until the platform is saturated;
- `first`: the first invoke of new functions, one after the other;
- `further`: a call while all environments of a version are busy;
- `at-once`: 1,000 first calls of one function at the same moment, as many as the account may run;
- `many`: 1,000 functions created and invoked once each: does it stay flat, and how much memory;
- `payloads`: events and answers of 1 MB and of 6 MB, and the platform's memory meanwhile;
- `stream`: the first byte of a streamed answer, from the function's write to the caller's read;
- `events`: asynchronous invocations accepted, and run;
- `environment`: the private memory of an idle environment;
- `idle`: the CPU of an idle platform.

What is compared is measured in turns. `--against COMMIT` has that commit's platform measured in the
same run. `--profile` records the platform's process with py-spy, a file for each scenario. What
comes out is printed and kept, with the conditions, in bench/results/one-machine.json, in which a
scenario's older figures are replaced; what is short, compared or profiled in files of its own,
because it is not to be published.
"""

import argparse
import contextlib
import dataclasses
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from measuring import machine, oha, profiling, rendering, results, targets, wrk
from single import events, footprint, payloads, servers, starts, warm
from single.subjects import THIS, Sizes, Subjects

_ALL: dict[str, Callable[[Subjects], results.Result]] = {
    **warm.ALL,
    **starts.ALL,
    **payloads.ALL,
    **events.ALL,
    **footprint.ALL,
}
_WITH_OHA = {"open", "curve"}
_SHORT = Sizes(
    seconds=3,
    rounds=3,
    first=30,
    further=16,
    at_once=200,
    many=100,
    curve=(250, 500, 1000, 2000, 4000),
    curve_s=2,
    idle_s=5,
    streams=200,
)


def parser() -> argparse.ArgumentParser:
    """Return what the command line means."""
    made = argparse.ArgumentParser(
        prog="./dev bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("scenarios", nargs="*", metavar="SCENARIO", choices=[[], *_ALL])
    made.add_argument("--against", metavar="COMMIT", help="measure its platform beside this one")
    profiling.add_option(made, "the platform's process")
    made.add_argument("--short", action="store_true", help="small sizes: does it work?")
    for field in dataclasses.fields(Sizes):
        if field.name != "curve":
            name = f"--{field.name.replace('_', '-')}"
            made.add_argument(name, type=type(field.default), help=f"default {field.default:g}")
    return made


def sizes(options: argparse.Namespace) -> Sizes:
    """Return the sizes that the command line asks for."""
    asked = {
        field.name: value
        for field in dataclasses.fields(Sizes)
        if (value := getattr(options, field.name, None)) is not None
    }
    return dataclasses.replace(_SHORT if options.short else Sizes(), **asked)


def main() -> int:
    """Measure, print, and store; return 1 if a scenario could not be brought to its end."""
    options = parser().parse_args()
    wrk.require()
    wanted = chosen(options.scenarios)
    with contextlib.ExitStack() as stack:
        checkouts = {THIS: servers.ROOT}
        other = f"commit {options.against}"
        if options.against is not None:
            checkouts[other] = stack.enter_context(servers.worktree(options.against))
        run = Subjects(sizes=sizes(options), checkouts=checkouts, profile=options.profile)
        file = targets.ONE_MACHINE + "".join(
            f"-{name}" for name in ("short", "against", "profile") if getattr(options, name)
        )
        kept = {each: measured(dataclasses.replace(run, scenario=each), file) for each in wanted}
    failed = [name for name, found in kept.items() if found is None]
    if options.against is not None:
        print(rendering.comparison({k: v for k, v in kept.items() if v is not None}, other))
    print(results.FOLDER / f"{file}.json")
    if failed:
        print(f"not brought to an end: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def chosen(asked: Sequence[str]) -> Sequence[str]:
    """Return the scenarios to run: all that can be, unless they are named."""
    if asked:
        if _WITH_OHA & set(asked):
            oha.require()
        return asked
    if oha.is_there():
        return list(_ALL)
    print(f"oha is not on the PATH: without {' and '.join(sorted(_WITH_OHA))}", file=sys.stderr)
    return [name for name in _ALL if name not in _WITH_OHA]


def measured(run: Subjects, file: str) -> dict[str, Any] | None:
    """Run one scenario, show, keep and return what it brings; None if it came to no end."""
    facts, meanwhile, began = machine.facts(), machine.Meanwhile(), time.monotonic()
    try:
        found = _ALL[run.scenario](run)
    except Exception:  # noqa: BLE001 - one scenario's failure is not the others'
        traceback.print_exc()
        return None
    conditions = meanwhile.told()
    machine.show(
        {"scenario": run.scenario, "commit": facts["commit"], **conditions},
        found.figures,
        where=targets.ONE_MACHINE,
        scenario=run.scenario,
    )
    kept = {
        "machine": facts,
        "conditions": {**conditions, "profiled": run.profile is not None},
        "sizes": dataclasses.asdict(run.sizes),
        "took_s": round(time.monotonic() - began, 1),
        **dataclasses.asdict(found),
    }
    results.keep(file, run.scenario, kept)
    return kept


if __name__ == "__main__":
    sys.exit(main())
