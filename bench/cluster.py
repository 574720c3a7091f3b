"""Measure the platform on the cluster that KUBECONFIG names: `./dev bench cluster [SCENARIO ...]`.

Over HTTP, through the port that the Service `inglenook-gateway` has on a node, with Python handlers
of a few lines and 128 MB. The scenarios:

- `idle`: memory of each part, and what CPU it takes, with nothing to do for 30 s;
- `first`: the first call of a new function, with the pool full, one function after the other;
- `further`: a call that needs another environment, in a pod that has room and in another pod;
- `empty-pool`: new functions one after the other with no pod waiting, and ten at once with one or
  two;
- `warm`: wrk with 64 and 8 connections, and oha at 500 calls a second, in turns with a bare
  aiohttp server with a pod on every node;
- `at-once`: 300 first calls of one function at the same time;
- `many`: 20 first calls a second, each of another function, for a minute;
- `flat`: first calls again, while 500 other functions are there.

Each takes away what it has brought. `--profile` records gateways, operators and workers with
py-spy, a file for each process and scenario; their nodes have to be this machine. What comes out is
printed and kept, with the conditions, in bench/results/cluster.json, in which a scenario's older
figures are replaced; what is profiled in a file of its own, because it is not to be published.
"""

import argparse
import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict

from measuring import (
    cold,
    containers,
    idle,
    installed,
    machine,
    oha,
    profiling,
    results,
    targets,
    warm,
    wrk,
)

ALL: dict[str, Callable[[installed.Platform, results.Sizes], results.Result]] = {
    "idle": idle.idle,
    "first": cold.first,
    "further": cold.further,
    "empty-pool": cold.empty_pool,
    "warm": warm.warm,
    "at-once": cold.at_once,
    "many": cold.many,
    "flat": cold.flat,
}


def parser() -> argparse.ArgumentParser:
    """Return what the command line means."""
    made = argparse.ArgumentParser(
        prog="./dev bench cluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("scenarios", nargs="*", metavar="SCENARIO", choices=[[], *ALL])
    made.add_argument("--namespace", default="inglenook", help="the platform's")
    made.add_argument("--service", default="inglenook-gateway")
    made.add_argument("--image", default="inglenook/platform:dev", help="for the bare server")
    made.add_argument("--first", type=int, default=200, help="how many new functions")
    made.add_argument("--further", type=int, default=10, help="functions that grow")
    made.add_argument("--empty", type=int, default=20, help="new functions with no pod waiting")
    made.add_argument("--burst", type=int, default=10, help="new functions at once")
    made.add_argument("--seconds", type=int, default=10, help="length of each warm measurement")
    made.add_argument("--open-per-s", type=float, default=500.0)
    made.add_argument("--at-once", type=int, default=300)
    made.add_argument("--many-per-s", type=float, default=20.0)
    made.add_argument("--many-s", type=float, default=60.0)
    made.add_argument("--flat", type=int, default=500, help="functions that are there meanwhile")
    made.add_argument("--idle-s", type=float, default=30.0)
    made.add_argument("--at-most-s", type=float, default=900.0, help="for what is repeated")
    profiling.add_option(made, "gateways, operators and workers")
    return made


def main() -> int:
    """Measure, print, and store; return 1 if a scenario could not be brought to its end."""
    options = vars(parser().parse_args())
    if "KUBECONFIG" not in os.environ:
        sys.exit("set KUBECONFIG: ./dev cluster install starts a cluster and says so")
    wanted = options.pop("scenarios") or list(ALL)
    if "warm" in wanted:
        wrk.require()
        oha.require()
    platform = installed.Platform(options.pop("namespace"), options.pop("service"))
    form = options.pop("profile")
    file = targets.CLUSTER if form is None else f"{targets.CLUSTER}-profile"
    sizes = results.Sizes(**options)
    failed = []
    for name in wanted:
        facts, meanwhile, began = machine.facts(), machine.Meanwhile(), time.monotonic()
        conditions = platform.conditions()
        try:
            with _profiled(platform, name, form):
                found = ALL[name](platform, sizes)
        except Exception:  # noqa: BLE001 - one scenario's failure is not the others'
            traceback.print_exc()
            failed.append(name)
            continue
        conditions |= meanwhile.told()
        machine.show(
            {"scenario": name, **facts}, found.figures, where=targets.CLUSTER, scenario=name
        )
        kept = {
            "machine": facts,
            "conditions": conditions,
            "sizes": asdict(sizes),
            "took_s": round(time.monotonic() - began, 1),
            **asdict(found),
        }
        results.keep(file, name, kept)
    print(results.FOLDER / f"{file}.json")
    if failed:
        print(f"not brought to an end: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


@contextlib.contextmanager
def _profiled(platform: installed.Platform, scenario: str, form: str | None) -> Iterator[None]:
    """Record the platform's parts until the block ends, if a form is asked for."""
    with contextlib.ExitStack() as stack:
        if form is not None:
            parts = containers.of_parts(platform)
            if not parts:
                print("no profiles: no node of the platform is this machine", file=sys.stderr)
            for pod, pid in parts.items():
                stack.enter_context(profiling.profiled(pid, f"{scenario}-{pod}", form))
        yield


if __name__ == "__main__":
    sys.exit(main())
