"""Calls that find no environment: of new functions, of busy ones, and very many at once."""

import contextlib
import http.client
import json
import time
from collections import defaultdict
from collections.abc import Callable

from measuring import calls, figures, results
from measuring.functions import EVENT, HANDLER, TELLING_HANDLER
from single import servers
from single.subjects import THIS, Subjects

_BUSY = 8
"""Environments of a function that are busy, at most, while one more is asked for."""
_HELD_S = 0.8
_IDLE = {"INGLENOOK_GATEWAY_ENVIRONMENT_IDLE_TIMEOUT_S": "60"}
"""So that environments of many functions go within minutes."""
_GONE_S = 240.0
MIB = 2**20


def _first(platform: servers.Platform, name: str) -> float:
    """Return the ms until the first answer of a function, over a connection that is there."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", platform.port)) as connection:
        connection.connect()
        began = time.perf_counter()
        connection.request("POST", f"/2015-03-31/functions/{name}/invocations", EVENT)
        response = connection.getresponse()
        answer = response.read()
        taken = (time.perf_counter() - began) * 1000
    if response.status != 200 or json.loads(answer) != json.loads(EVENT):
        raise AssertionError(f"{name} has answered {response.status}: {answer[:200]!r}")
    return taken


def first(run: Subjects) -> results.Result:
    """Invoke new functions for the first time, one after the other."""
    taken: defaultdict[str, list[float]] = defaultdict(list)
    with run.platforms() as platforms:
        for number in range(run.sizes.first):
            for name, platform in platforms.items():
                platform.create(f"first-{number}")
                taken[name].append(round(_first(platform, f"first-{number}"), 3))
    return results.Result(
        figures={name: dict(figures.quantiles(each)) for name, each in taken.items()},
        raw=dict(taken),
    )


def further(run: Subjects) -> results.Result:
    """Have all environments of a version busy, and call once more."""
    found: defaultdict[str, list[figures.Answer]] = defaultdict(list)
    with run.platforms() as platforms:
        for number in range(-(-run.sizes.further // _BUSY)):
            for name, platform in platforms.items():
                function = f"further-{number}"
                platform.create(function, TELLING_HANDLER, Timeout=30)
                found[name] += _grown(platform.invoke_url(function))
                platform.client.delete_function(FunctionName=function)
    return results.of_calls(found)


def _grown(url: str) -> list[figures.Answer]:
    known = {calls.alone(url, "{}").body["environment"]}
    found = []
    for busy in range(1, _BUSY + 1):
        answer, holders = calls.run(calls.beside(url, busy, _HELD_S))
        known |= {each.body["environment"] for each in holders if each.failure is None}
        # One that ran where a call before it has, because that had ended, is no start.
        if answer.failure is not None or answer.body["environment"] not in known:
            found.append(answer)
            known |= {answer.body.get("environment")}
    return found


def at_once(run: Subjects) -> results.Result:
    """Call one new function very often at the same moment: at most the account's concurrency."""
    found = {}
    environments: results.Figures = {}
    with run.platforms() as platforms:
        for name, platform in platforms.items():
            platform.create("burst", TELLING_HANDLER, Timeout=60)
            url = platform.invoke_url("burst")
            event = json.dumps({"seconds": 0.5})
            found[name] = calls.run(calls.at_once([url] * run.sizes.at_once, event))
            ran_in = {each.body["environment"] for each in found[name] if each.failure is None}
            environments[f"environments of the {name}"] = {"n": len(ran_in)}
    return results.of_calls(found, environments)


def many(run: Subjects) -> results.Result:
    """Create functions and invoke each once; time and memory by how many there are already.

    Memory is read with the environments still there, and again when they have gone.
    """
    with run.platforms(_IDLE) as platforms:
        platform = platforms[THIS]
        platform.create("before-all", HANDLER)
        _ = _first(platform, "before-all")
        before, processes = platform.resident(), platform.processes()
        created, invoked, resident = [], [], []
        for number in range(run.sizes.many):
            began = time.perf_counter()
            platform.create(f"many-{number}")
            created.append(round((time.perf_counter() - began) * 1000, 3))
            invoked.append(round(_first(platform, f"many-{number}"), 3))
            resident.append(platform.resident() - before)
        platform.until_gone(processes, _GONE_S)
        left = platform.resident() - before
    whole = [made + ran for made, ran in zip(created, invoked, strict=True)]
    tenths = figures.tenths(whole)
    return results.Result(
        figures={
            "create, until active": dict(figures.quantiles(created)),
            "first invoke": dict(figures.quantiles(invoked)),
            "flatness": {
                "first_tenth_p50_ms": tenths[0],
                "last_tenth_p50_ms": tenths[-1],
                "last_to_first": tenths[-1] / tenths[0],
            },
            "platform, with environments": {
                "kib_per_function": resident[-1] / run.sizes.many / 1024,
                "resident_mib": (before + resident[-1]) / MIB,
            },
            "platform, when they have gone": {
                "kib_per_function": left / run.sizes.many / 1024,
                "resident_mib": (before + left) / MIB,
            },
        },
        raw={"create": created, "first invoke": invoked},
        series={
            "tenths": [
                {
                    "functions": (tenth + 1) * run.sizes.many // 10,
                    "create_p50_ms": create,
                    "first_p50_ms": invoke,
                    "resident_mib": resident[(tenth + 1) * run.sizes.many // 10 - 1] / MIB,
                }
                for tenth, (create, invoke) in enumerate(
                    zip(figures.tenths(created), figures.tenths(invoked), strict=True)
                )
            ]
        },
    )


ALL: dict[str, Callable[[Subjects], results.Result]] = {
    "first": first,
    "further": further,
    "at-once": at_once,
    "many": many,
}
