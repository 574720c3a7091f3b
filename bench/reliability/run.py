"""The kill matrix: parts of the platform are killed under a steady load, and every call is counted.

    python bench/reliability/run.py [SCENARIO ...]     KUBECONFIG names a cluster with the platform

Prints a row for each scenario and writes all to bench/results/reliability.json. Ends with status 1
if an accepted event was lost, or a call failed that must not.
"""

import argparse
import asyncio
import json
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

import clusters
import load
import scenarios

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results" / "reliability.json"
_FUNCTION = "steady"
_BEFORE_S, _AFTER_S = 4.0, 12.0
_SETTLED_S = 240.0


@dataclass(kw_only=True)
class Row:
    """What came of one scenario."""

    scenario: str
    done: str
    took_s: float
    synchronous: int
    failed_in_flight: int
    failed_in_outage: int
    failed_later: int
    whole_after_s: float
    accepted: int
    refused_events: int
    lost: int
    repeated: int
    failures: list[str]

    def problems(self, scenario: scenarios.Scenario) -> list[str]:
        """Return what must not be."""
        found = []
        if self.lost:
            found.append(f"{self.lost} accepted events were lost")
        if self.failed_later:
            found.append(f"{self.failed_later} calls failed after {scenario.whole_within_s:g} s")
        if not scenario.may_fail_in_flight and (self.failed_in_flight or self.failed_in_outage):
            found.append("calls failed, and none may")
        return found


def deploy() -> None:
    """Have the function, two versions of it and an alias."""
    source = (HERE / "steady.py").read_text()
    code = {"inline": {"steady.py": source}}
    function = {"runtime": "python3.11", "handler": "steady.handler", "timeout": 30, "code": code}
    manifests = [
        {"kind": "Function", "metadata": {"name": _FUNCTION}, "spec": function},
    ]
    _apply(manifests)
    _ready("function.inglenook.dev", _FUNCTION)
    for number in (1, 2):
        spec = {"functionName": _FUNCTION}
        if number == 2:
            function = {**function, "description": "the second version"}
            _apply([{"kind": "Function", "metadata": {"name": _FUNCTION}, "spec": function}])
            _ready("function.inglenook.dev", _FUNCTION)
        _apply([{"kind": "Version", "metadata": {"name": f"steady.{number}"}, "spec": spec}])
        _ready("version.inglenook.dev", f"steady.{number}")
    alias = {"functionName": _FUNCTION, "name": "live", "functionVersion": "1"}
    _apply([{"kind": "Alias", "metadata": {"name": "steady.live"}, "spec": alias}])
    _ready("alias.inglenook.dev", "steady.live")


def _apply(manifests: list[dict[str, object]]) -> None:
    for one in manifests:
        text = json.dumps({"apiVersion": "inglenook.dev/v1", **one})
        clusters.kubectl("apply", "-f", "-", text=text, namespace="default")


def _ready(kind: str, name: str) -> None:
    clusters.kubectl(
        *("wait", f"{kind}/{name}", "--for=condition=Accepted", "--timeout=90s"),
        namespace="default",
    )


async def run(
    scenario: scenarios.Scenario, endpoints: list[str], options: argparse.Namespace
) -> Row:
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
        await asyncio.sleep(_BEFORE_S)
        done = await asyncio.to_thread(scenario.act)
        over = time.monotonic()
        await asyncio.sleep(scenario.whole_within_s + _AFTER_S)
    if scenario.undo is not None:
        await asyncio.to_thread(scenario.undo)
    lost, repeated = await asyncio.to_thread(_missing, recorded, steady.calls.accepted)
    failed = [call for call in steady.calls.synchronous if call.failure]
    at, late = done.at, over + scenario.whole_within_s
    return Row(
        scenario=scenario.name,
        done=done.what,
        took_s=round(over - at, 2),
        synchronous=len(steady.calls.synchronous),
        failed_in_flight=sum(call.began <= at <= call.ended for call in failed),
        failed_in_outage=sum(at < call.began <= late for call in failed),
        failed_later=sum(call.began > late or call.ended < at for call in failed),
        whole_after_s=round(
            max([call.began - at for call in failed if call.began > at], default=0.0), 2
        ),
        accepted=len(steady.calls.accepted),
        refused_events=sum(call.failure is not None for call in steady.calls.asynchronous),
        lost=lost,
        repeated=repeated,
        failures=sorted({str(call.failure) for call in failed})[:5],
    )


def _fresh_recorder() -> str:
    recorded = clusters.node_port("recorder", 80, clusters.NAMESPACE)[0]
    urllib.request.urlopen(urllib.request.Request(recorded, method="DELETE"), timeout=10).close()
    return recorded


def _missing(recorded: str, accepted: list[str]) -> tuple[int, int]:
    """Wait until every accepted event has run; return how many have not, and how many did twice."""
    ends = time.monotonic() + _SETTLED_S
    while True:
        with urllib.request.urlopen(recorded, timeout=10) as answer:
            counts = json.load(answer)
        lost = sum(one not in counts for one in accepted)
        if not lost or time.monotonic() > ends:
            return lost, sum(counts.get(one, 0) > 1 for one in accepted)
        time.sleep(1)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = [one.name for one in scenarios.ALL]
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(names))
    parser.add_argument("--synchronous", type=float, default=40.0, help="calls a second")
    parser.add_argument("--asynchronous", type=float, default=20.0, help="events a second")
    parser.add_argument(
        "--image", default="inglenook/platform:dev", help="has Python; for the recorder"
    )
    parser.add_argument("--service", default="inglenook-gateway")
    parser.add_argument("--kept-node", default="node0", help="the node that is never cut off")
    options = parser.parse_args()
    wanted = [
        one for one in scenarios.ALL if not options.scenarios or one.name in options.scenarios
    ]
    clusters.set_up(options.image, options.kept_node)
    problems = []
    rows = []
    try:
        deploy()
        addresses = clusters.node_addresses()
        ports = clusters.node_port(options.service, 9550, scenarios.PLATFORM)
        kept = [one for one in ports if addresses[options.kept_node] in one]
        for scenario in wanted:
            row = asyncio.run(run(scenario, kept, options))
            rows.append(row)
            bad = row.problems(scenario)
            problems += [f"{scenario.name}: {one}" for one in bad]
            print(json.dumps(asdict(row)), flush=True)
            print(f"{scenario.name}: {'; '.join(bad) or 'as it should be'}", flush=True)
    finally:
        clusters.tear_down()
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
