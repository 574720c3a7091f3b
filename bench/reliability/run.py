"""The kill matrix: parts of the platform are killed under a steady load, and every call is counted.

    ./dev reliability [SCENARIO ...]     KUBECONFIG names a cluster with the platform

Prints a row for each scenario and puts it into bench/results/reliability.json, in the place of an
older one of the same scenario. Ends with status 1 if an accepted event was lost, or a call failed
that must not. See docs/reliability.md.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict
from pathlib import Path

import clusters
import counting
import load
import scenarios

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results" / "reliability.json"
_FUNCTION = "steady"
_BEFORE_S, _AFTER_S = 12.0, 10.0
_COLD_S = 25.0
"""Before the first scenario: the function has no environments yet."""
_SETTLED_S = 240.0


def deploy() -> None:
    """Have the function, two versions of it and an alias."""
    source = (HERE / "steady.py").read_text()
    code = {"inline": {"steady.py": source}}
    function: dict[str, object] = {
        "runtime": "python3.11",
        "handler": "steady.handler",
        "timeout": 30,
        # More than half a core: what is tried here is not what happens to functions short of CPU.
        "memorySize": 1024,
        "code": code,
    }
    _apply("Function", _FUNCTION, function)
    _ready("function.inglenook.dev", _FUNCTION)
    for number in (1, 2):
        spec: dict[str, object] = {"functionName": _FUNCTION}
        if number == 2:
            function = {**function, "description": "the second version"}
            _apply("Function", _FUNCTION, function)
            _ready("function.inglenook.dev", _FUNCTION)
        _apply("Version", f"steady.{number}", spec)
        _ready("version.inglenook.dev", f"steady.{number}")
    alias: dict[str, object] = {"functionName": _FUNCTION, "name": "live", "functionVersion": "1"}
    _apply("Alias", "steady.live", alias)
    _ready("alias.inglenook.dev", "steady.live")


def _apply(kind: str, name: str, spec: dict[str, object]) -> None:
    manifest = {
        "apiVersion": "inglenook.dev/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
    clusters.kubectl("apply", "-f", "-", text=json.dumps(manifest), namespace="default")


def _ready(kind: str, name: str) -> None:
    clusters.kubectl(
        *("wait", f"{kind}/{name}", "--for=condition=Accepted", "--timeout=90s"),
        namespace="default",
    )


async def run(
    scenario: scenarios.Scenario,
    endpoints: list[str],
    options: argparse.Namespace,
    before_s: float = _BEFORE_S,
) -> counting.Row:
    """Put the load on, do it, take the load off, and count."""
    recorded = await asyncio.to_thread(_fresh_recorder)
    steady = load.Load(
        endpoints,
        f"{_FUNCTION}:live",
        clusters.recorder_url(),
        synchronous_per_s=options.synchronous,
        asynchronous_per_s=options.asynchronous,
    )
    async with steady:
        await asyncio.sleep(before_s)
        done = await asyncio.to_thread(scenario.act)
        over = time.monotonic()
        await asyncio.sleep(scenario.whole_within_s + _AFTER_S)
    if scenario.undo is not None:
        await asyncio.to_thread(scenario.undo)
    lost, repeated = await asyncio.to_thread(_missing, recorded, steady.calls.accepted)
    return counting.counted(
        steady.calls,
        scenario=scenario.name,
        done=done.what,
        at=done.at,
        over=over,
        whole_within_s=scenario.whole_within_s,
        may_fail_in_flight=scenario.may_fail_in_flight,
        lost=lost,
        repeated=repeated,
    )


def _fresh_recorder() -> str:
    recorded = clusters.node_port("recorder", 80, clusters.NAMESPACE)[0]
    urllib.request.urlopen(urllib.request.Request(recorded, method="DELETE"), timeout=10).close()
    return recorded


def _missing(recorded: str, accepted: list[str]) -> tuple[int, int]:
    """Wait until every accepted event has run; return how many have not, and how many did twice."""
    ends = time.monotonic() + _SETTLED_S
    while True:
        with urllib.request.urlopen(recorded, timeout=60) as answer:
            counts = json.load(answer)
        lost, repeated = counting.missing(counts, accepted)
        if not lost or time.monotonic() > ends:
            return lost, repeated
        time.sleep(1)


def _conditions(options: argparse.Namespace) -> dict[str, object]:
    """Return what the counts depend on."""
    commit = subprocess.run(
        ["git", "-C", str(HERE), "describe", "--always", "--dirty"],
        check=False,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return {
        "commit": commit,
        "synchronous_per_s": options.synchronous,
        "asynchronous_per_s": options.asynchronous,
    }


def _keep(row: dict[str, object]) -> None:
    """Put a row into the results at once, whatever becomes of the scenarios after it."""
    RESULTS.parent.mkdir(exist_ok=True)
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    order = [one.name for one in scenarios.ALL]
    RESULTS.write_text(json.dumps(counting.merged(before, [row], order), indent=1) + "\n")


def main() -> int:
    """Run the scenarios that are asked for; return 1 if something came of them that must not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = [one.name for one in scenarios.ALL]
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(names))
    parser.add_argument("--synchronous", type=float, default=20.0, help="calls a second")
    parser.add_argument("--asynchronous", type=float, default=10.0, help="events a second")
    parser.add_argument(
        "--image", default="inglenook/platform:dev", help="has Python; for the recorder"
    )
    parser.add_argument("--service", default="inglenook-gateway")
    parser.add_argument("--kept-node", default="node0", help="the node that is never cut off")
    options = parser.parse_args()
    wanted = [
        one for one in scenarios.ALL if not options.scenarios or one.name in options.scenarios
    ]
    conditions = _conditions(options)
    clusters.set_up(options.image, options.kept_node)
    problems: list[str] = []
    try:
        deploy()
        addresses = clusters.node_addresses()
        ports = clusters.node_port(options.service, 9550, scenarios.PLATFORM)
        kept = [one for one in ports if addresses[options.kept_node] in one]
        for index, scenario in enumerate(wanted):
            before_s = _BEFORE_S if index else _COLD_S
            row = asyncio.run(run(scenario, kept, options, before_s))
            _keep({**asdict(row), "conditions": conditions})
            problems += [f"{scenario.name}: {one}" for one in row.problems]
            print(json.dumps(asdict(row)), flush=True)
            print(f"{scenario.name}: {'; '.join(row.problems) or 'as it should be'}", flush=True)
    finally:
        clusters.tear_down()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
