"""Calls that find no environment: of new functions from the pool, of busy ones, and very many."""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from measuring import calls, figures, installed, pods, results
from measuring.deployed import Functions, functions_of
from measuring.functions import EVENT, TELLING_HANDLER

_REFILL_S = 90.0
_PER_POD = 4
"""Environments of a pod, where another one is to find room."""
_ROOMY_MB = 256
"""Four of these have more than half a core."""
_HELD_S = 1.5
_FLAT = 40
"""First calls that are compared: each waits for the pool to be full again."""
_FIRST = "first call, from the pool"


def first(platform: installed.Platform, sizes: results.Sizes) -> results.Result:
    """Call new functions for the first time, one after the other, with the pool full each time."""
    with functions_of(platform) as made, pods.following(platform.functions) as seen:
        before = platform.metrics()
        names = _within(sizes.at_most_s, made.create(sizes.first))
        answers = _each_first(platform, made, seen, names, lambda: _until_filled(platform, seen))
        after = platform.metrics()
    phases: dict[str, object] = dict(figures.phases(before, after))
    return results.of_calls({_FIRST: answers}, {"its phases": phases})


def _within(seconds: float, names: Sequence[str]) -> Iterator[str]:
    """Give one after the other until the time is over."""
    ends = time.monotonic() + seconds
    return itertools.takewhile(lambda _: time.monotonic() <= ends, names)


def _each_first(
    platform: installed.Platform,
    made: Functions,
    seen: pods.Pods,
    names: Iterable[str],
    until_ready: Callable[[], None],
) -> list[figures.Answer]:
    """Call new functions one after the other, each when all is ready for it."""
    answers = []
    for name in names:
        until_ready()
        answer = calls.alone(platform.invoke_url(name), EVENT)
        answers.append(answer)
        if answer.failure is None:
            # Until the cluster knows that the pool lacks a pod; then nothing is left of it.
            seen.until_taken(name, seconds=_REFILL_S)
            made.delete([name])
            seen.until_left(name, seconds=_REFILL_S)
    return answers


def further(platform: installed.Platform, sizes: results.Sizes) -> results.Result:
    """Have all environments of a function busy, and call once more: until a pod is full, and then.

    Where the call ran is what its answer tells.
    """
    found: defaultdict[str, list[figures.Answer]] = defaultdict(list)
    ends = time.monotonic() + sizes.at_most_s
    with functions_of(platform) as made, pods.following(platform.functions) as seen:
        for _ in range(sizes.further):
            if time.monotonic() > ends:
                break
            name = made.declare(TELLING_HANDLER, environmentsPerPod=_PER_POD, memorySize=_ROOMY_MB)
            _until_filled(platform, seen)
            url = platform.invoke_url(name)
            known = [calls.alone(url, "{}")]
            for busy in range(1, _PER_POD + 1):
                answer, holders = calls.run(calls.beside(url, busy, _HELD_S))
                known += holders
                before = [each.body for each in known if each.failure is None]
                where = "nowhere" if answer.failure else figures.place(before, answer.body).value
                found[where].append(answer)
                known.append(answer)
            made.delete([name])
    return results.of_calls(found)


def _until_filled(platform: installed.Platform, seen: pods.Pods) -> None:
    least = max(1, platform.pool()["min"])
    seen.until(
        "the pool is full",
        lambda now: pods.is_filled(now, installed.RUNTIME, least),
        seconds=_REFILL_S,
    )


def empty_pool(platform: installed.Platform, sizes: results.Sizes) -> results.Result:
    """Call new functions when no pod waits: one after the other, then more at once than there are.

    The first has its pod made before anything is measured: nothing of an image is read then.
    """
    with functions_of(platform) as made, pods.following(platform.functions) as seen:
        with platform.pool_of(0, 0):
            names = made.create(sizes.empty + 1)
            alone = _each_first(platform, made, seen, names, lambda: None)
        names = made.create(sizes.burst)
        most = platform.pool()["max"]
        with platform.pool_of(1, 2):
            platform.set_pool(1, most)
            urls = [platform.invoke_url(name) for name in names]
            burst = calls.run(calls.at_once(urls, EVENT))
    return results.of_calls(
        {
            "first call, no pod waiting": alone[1:],
            f"{sizes.burst} first calls at once, 1 to 2 pods waiting": burst,
        }
    )


def at_once(platform: installed.Platform, sizes: results.Sizes) -> results.Result:
    """Call one new function very often at the same time."""
    with functions_of(platform) as made:
        url = platform.invoke_url(made.create(1, TELLING_HANDLER)[0])
        answers = calls.run(calls.at_once([url] * sizes.at_once, "{}"))
    environments = {each.body["environment"] for each in answers if each.failure is None}
    return results.of_calls(
        {f"{sizes.at_once} first calls of one function at once": answers},
        {"environments that they ran in": {"n": len(environments)}},
    )


def many(platform: installed.Platform, sizes: results.Sizes) -> results.Result:
    """Call new functions at a fixed rate, each once."""
    with functions_of(platform) as made:
        names = made.create(int(sizes.many_per_s * sizes.many_s))
        urls = [platform.invoke_url(name) for name in names]
        answers = calls.run(calls.open_loop(urls, EVENT, per_s=sizes.many_per_s))
    return results.of_calls({f"{sizes.many_per_s:g} first calls/s for {sizes.many_s:g} s": answers})


def flat(platform: installed.Platform, sizes: results.Sizes) -> results.Result:
    """Measure first calls, then again while many other functions are there."""
    sizes = replace(sizes, first=min(sizes.first, _FLAT))
    alone = first(platform, sizes)
    with functions_of(platform) as made:
        _ = made.create(sizes.flat)
        beside = first(platform, sizes)
    found = {"alone": alone, f"beside {sizes.flat}": beside}
    p50s = [_p50(each) for each in found.values()]
    ratio: results.Figures = {"flatness": {"last_to_first": p50s[1] / p50s[0]}} if all(p50s) else {}
    calls_of = {name: each.figures[_FIRST] for name, each in found.items()}
    return results.Result(
        figures={**calls_of, **ratio}, raw={name: each.raw[_FIRST] for name, each in found.items()}
    )


def _p50(found: results.Result) -> float:
    return float(str(found.figures[_FIRST].get("p50_ms", 0)))
