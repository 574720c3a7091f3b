"""Where a platform of 10,000 functions on 100 nodes bends, and what moves the bend: computed.

`./dev bench model`: from the results of one machine, and assumptions that
bench/modelling/parameters.py names as such. The warm path is worked out (queueing formulas),
the pools are simulated, with a seed. Nothing here is measured at that size.
"""

import argparse
import dataclasses
import random
import sys

from measuring import figures, machine, results, targets
from modelling import bends, parameters, pool
from modelling.parameters import Platform
from report import MODEL, latest

_LEAST, _MOST = 10.0, 1_000_000.0
_POOL_S = 120.0
_POOLS = (20, 60, 200)
_BURST = 500
_MADE_IN_S = 3.0
"""A pod of two containers on a node that makes few at a time: an assumption."""

VARIANTS: dict[str, dict[str, float | bool]] = {
    "as it is": {},
    "twice the gateways": {"gateways": 40},
    "hot functions over 4 owners": {"hot_split": 4},
    "4 environments a pod": {"environments_per_pod": 4},
    "idle time of 60 s": {"idle_timeout_s": 60.0},
    "idle time of 10 s": {"idle_timeout_s": 10.0},
    "idle time of 10 s, labels and size in one write": {
        "idle_timeout_s": 10.0,
        "writes_merged": True,
    },
    "250 pods a node": {"pods_per_node": 250},
    "250 pods a node, 4 environments a pod": {"pods_per_node": 250, "environments_per_pod": 4},
    "250 pods a node, 4 environments a pod, hot functions over 4 owners, twice the gateways": {
        "pods_per_node": 250,
        "environments_per_pod": 4,
        "hot_split": 4,
        "gateways": 40,
    },
}


def main() -> int:
    """Compute, print, and store."""
    parser = argparse.ArgumentParser(prog="./dev bench model", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        costs = parameters.measured(latest(targets.ONE_MACHINE))
    except KeyError:
        print("no figures of `warm`: ./dev bench warm")
        return 1
    facts = machine.facts()
    shown: results.Figures = {}
    series: list[dict[str, float]] = []
    for name, changes in VARIANTS.items():
        curve = bends.Model(dataclasses.replace(Platform(), **changes), costs).curve(_LEAST, _MOST)
        shown[name] = {each.part: each.per_s for each in bends.bends(curve)}
        if not changes:
            series = [{"calls_per_s": load, **use} for load, use in curve]
    waits = _waits(random.Random(options.seed))
    machine.show({"model": "calls/s at which a part bends", "commit": facts["commit"]}, shown)
    machine.show({"model": "first calls that wait for a pod"}, waits)
    for name, found, points in (("bends", shown, series), ("pools", waits, [])):
        kept = {
            "machine": facts,
            "conditions": {"costs": dataclasses.asdict(costs), "seed": options.seed},
            "sizes": dataclasses.asdict(Platform()),
            "figures": found,
            "series": {"use": points},
        }
        path = results.keep(MODEL, name, kept)
    print(path)
    return 0


def _waits(drawn: random.Random) -> results.Figures:
    found: results.Figures = {}
    for size in _POOLS:
        given = pool.Pool(size=size, made_at_once=100, made_in_s=_MADE_IN_S)
        steady = pool.arrivals(20, _POOL_S, drawn)
        burst = [each / 1000 for each in range(_BURST)]
        for what, calls in (("20/s", steady), (f"{_BURST} within {_BURST / 1000:g} s", burst)):
            taken = pool.waits(given, calls, drawn)
            found[f"{what}, {size} pods waiting"] = dict(
                figures.quantiles(1000 * each for each in taken)
            )
    return found


if __name__ == "__main__":
    sys.exit(main())
