"""Reserved concurrency is exact over all gateways, whatever callers do."""

import asyncio
import collections
import contextlib
import json
import random
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support import declared, scraping
from support.kubernetes_cluster import Resources, client, invoke, platform_pods
from support.witness import VISIT, Witness

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.timeout(600)

RESERVED = 7
CALLS = 5000
CALLERS = 16
_STORM_S = 400
_SETTLED_S = 120


class Storm:
    """Callers of one function by way of all gateways, half of whom hang up."""

    def __init__(self, endpoints: Sequence[str], name: str, at: str) -> None:
        self._hosts = [urllib.parse.urlsplit(each) for each in endpoints]
        self._path = f"/2015-03-31/functions/{name}/invocations"
        self._events = [json.dumps({"at": at, "how": how}).encode() for how in ("", "", "fails")]
        self._rng = random.Random(7)
        self.statuses: collections.Counter[int] = collections.Counter()
        self.hung_up = 0
        self.broken = 0
        """Calls without an answer whose callers had not hung up."""

    async def blow(self) -> None:
        left = iter(range(CALLS))
        async with asyncio.timeout(_STORM_S), asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                _ = group.create_task(self._caller(left))

    async def _caller(self, left: Iterator[int]) -> None:
        for _ in left:
            try:
                await self._call()
            except ConnectionError:
                self.broken += 1

    async def _call(self) -> None:
        """Call by a connection of its own, so that any gateway may get it."""
        at, body = self._rng.choice(self._hosts), self._rng.choice(self._events)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        head = f"POST {self._path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        request, drawn = head.encode() + body, self._rng.random()
        try:
            if drawn < 0.1:
                # In the middle of the request.
                writer.write(request[: -self._rng.randint(1, 20)])
                await writer.drain()
                self.hung_up += 1
                return
            writer.write(request)
            # Long enough for a refusal to come, hardly for an answer; or for either.
            patience_s = self._rng.random() * 0.02 if drawn < 0.5 else 90
            async with asyncio.timeout(patience_s):
                line = await reader.readline()
            if not line:
                raise ConnectionError
            self.statuses[int(line.split()[1])] += 1
        except TimeoutError:
            assert patience_s < 1, "there was no answer"
            self.hung_up += 1
        finally:
            writer.close()


def test_seven_are_never_eight_and_remain_seven(
    name: str,
    resources: Resources,
    api: "LambdaClient",
    endpoints: list[str],
    witness: Witness,
) -> None:
    # With more memory comes more CPU: more calls of the storm get through.
    spec = {"timeout": 120, "memorySize": 1024, "reservedConcurrentExecutions": RESERVED}
    resources.apply(declared.function(name, VISIT, **spec))
    resources.until_ready(name)
    reserved = api.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"]
    assert reserved == RESERVED
    # All environments are there before, so that the storm does not blow while they start.
    fill(api, endpoints, name, witness)
    witness.open()

    storm = Storm(endpoints, name, witness.address)
    asyncio.run(storm.blow())

    until_nothing_runs(name)
    seen = witness.seen()
    assert (seen.here, seen.most) == (0, RESERVED)
    assert storm.statuses.keys() <= {200, 429}, storm.statuses
    assert storm.broken == 0
    assert storm.statuses[200] > 100, storm.statuses
    assert storm.statuses[429] > 100, storm.statuses
    assert storm.hung_up > CALLS // 10
    assert seen.total > storm.statuses[200], "a function runs on when its caller hangs up"
    if len(platform_pods("gateway")) > 1:
        # Others than the function's owner have been called, too.
        assert scraping.total(scraping.part("gateway"), "inglenook_gateway_forwarded_total")

    witness.shut()
    fill(api, endpoints, name, witness)
    assert witness.seen().most == RESERVED


def fill(api: "LambdaClient", endpoints: list[str], name: str, witness: Witness) -> None:
    """Run as many as may run at once, see that one more is refused everywhere, let them end."""
    stays = {"at": witness.address, "how": "stays"}
    with ThreadPoolExecutor(RESERVED) as pool:
        staying = [pool.submit(invoke, api, name, stays) for _ in range(RESERVED)]
        try:
            witness.until(RESERVED)
            for each in endpoints:
                with contextlib.closing(client(each)) as other:
                    with pytest.raises(other.exceptions.TooManyRequestsException) as refused:
                        _ = invoke(other, name, stays)
                    reason = refused.value.response["Reason"]
                    assert reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
        finally:
            witness.open()
        environments = {each.result() for each in staying}
    assert len(environments) == RESERVED


def until_nothing_runs(name: str) -> None:
    """Wait until no gateway counts an invocation of the function any more."""
    until = time.monotonic() + _SETTLED_S
    series = "inglenook_lambda_concurrent_executions"
    while scraping.total(scraping.part("gateway"), series, function_name=name) != 0:
        assert time.monotonic() < until, "an invocation is still counted"
