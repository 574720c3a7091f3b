"""Measure the platform on the cluster that KUBECONFIG names: `./dev bench cluster [SCENARIO ...]`.

Over HTTP, through the port that the Service `inglenook-gateway` has on a node, with Python handlers
of a few lines and 128 MB. The scenarios:

- `idle`: memory of each part, and what CPU it takes, with nothing to do for 30 s;
- `first`: the first call of a new function, with the pool full, one function after the other;
- `further`: a call that needs another environment, in a pod that has room and in another pod;
- `empty-pool`: ten new functions at once, with one or two pods waiting;
- `warm`: wrk with 64 and 8 connections, and 500 calls a second, beside a bare aiohttp server with
  a pod on every node;
- `at-once`: 300 first calls of one function at the same time;
- `many`: 20 first calls a second, each of another function, for a minute.

Each takes away what it has brought. What comes out is printed and kept, with the conditions, in
bench/results/cluster.json, in which a scenario's older figures are replaced.
"""

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from measuring import cold, idle, installed, machine, results, warm, wrk

RESULTS = Path(__file__).resolve().parent / "results" / "cluster.json"
ALL: dict[str, Callable[[installed.Platform, results.Sizes], results.Result]] = {
    "idle": idle.idle,
    "first": cold.first,
    "further": cold.further,
    "empty-pool": cold.empty_pool,
    "warm": warm.warm,
    "at-once": cold.at_once,
    "many": cold.many,
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
    made.add_argument("--first", type=int, default=100, help="how many new functions")
    made.add_argument("--further", type=int, default=10, help="functions that grow")
    made.add_argument("--burst", type=int, default=10, help="new functions for an empty pool")
    made.add_argument("--seconds", type=int, default=10, help="length of each warm measurement")
    made.add_argument("--open-per-s", type=float, default=500.0)
    made.add_argument("--at-once", type=int, default=300)
    made.add_argument("--many-per-s", type=float, default=20.0)
    made.add_argument("--many-s", type=float, default=60.0)
    made.add_argument("--idle-s", type=float, default=30.0)
    made.add_argument("--at-most-s", type=float, default=900.0, help="for what is repeated")
    return made


def keep(name: str, kept: dict[str, object]) -> None:
    """Put a scenario's outcome in the place of the one before it."""
    RESULTS.parent.mkdir(exist_ok=True)
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**before, name: kept}, indent=1) + "\n")


def main() -> int:
    """Measure, print, and store; return 1 if a scenario could not be brought to its end."""
    options = vars(parser().parse_args())
    if "KUBECONFIG" not in os.environ:
        sys.exit("set KUBECONFIG: ./dev cluster install starts a cluster and says so")
    wanted = options.pop("scenarios") or list(ALL)
    if "warm" in wanted:
        wrk.require()
    platform = installed.Platform(options.pop("namespace"), options.pop("service"))
    sizes = results.Sizes(**options)
    failed = []
    for name in wanted:
        facts, began = machine.facts(), time.monotonic()
        conditions = platform.conditions()
        try:
            found = ALL[name](platform, sizes)
        except Exception:  # noqa: BLE001 - one scenario's failure is not the others'
            traceback.print_exc()
            failed.append(name)
            continue
        machine.show({"scenario": name, **facts}, found.figures)
        keep(
            name,
            {
                "machine": facts,
                "conditions": conditions,
                "sizes": asdict(sizes),
                "took_s": round(time.monotonic() - began, 1),
                "figures": found.figures,
                "raw": found.raw,
            },
        )
    print(RESULTS)
    if failed:
        print(f"not brought to an end: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
