"""What being seen costs an invocation and a scrape: `python bench/telemetry.py`."""

import asyncio
import time
import timeit

from inglenook.aio import clock
from inglenook.telemetry import runs, tally, watching
from inglenook.wire import messages

ARN = "arn:aws:lambda:us-east-1:000000000000:function:orders"
TIMES = 300_000


def version(name: str) -> messages.VersionId:
    return messages.VersionId(function_name=name, function_uid="u", version="$LATEST", generation=1)


def per_call_us(call: object) -> float:
    return min(timeit.repeat(call, number=TIMES, repeat=5)) / TIMES * 1e6  # type: ignore[arg-type]


async def page_ms(counted: tally.Tally) -> tuple[float, float, int]:
    began = time.perf_counter()
    _ = counted.collect()
    on_loop = time.perf_counter() - began
    began = time.perf_counter()
    text = await tally.Page(counted, "bench").text()
    return on_loop * 1e3, (time.perf_counter() - began) * 1e3, len(text)


def main() -> None:
    counted = tally.Tally()
    seen = runs.Runs(counted)
    watch = watching.Watcher(counted, seen, clock.SystemClock()).watch(
        version("orders"), is_traced=False
    )
    result = messages.Result(duration_ms=3.2, billed_ms=4, max_memory_mb=30)

    def warm() -> None:
        # As the dispatcher does for one that finds an environment idle.
        if watch.is_traced:
            watch.journey("", watch.now())
        watch.ran(ARN, result)

    print(f"a warm invocation: {per_call_us(warm):.2f} µs")
    print(f"a wait for an environment: {per_call_us(lambda: watch.waited(0.0)):.2f} µs")
    for number in range(1000):
        seen.of(version(f"f{number}"), f"f{number}", is_new=True).add(result)
    on_loop, whole, size = asyncio.run(page_ms(counted))
    print(f"a scrape of 1,000 functions: {on_loop:.1f} ms on the loop, {whole:.0f} ms in all, "
          f"{size / 1e6:.1f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
