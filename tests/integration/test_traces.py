"""Traces, as a collector receives them from a platform."""

import asyncio
import json
import random
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from support import otlp_collector

from inglenook import settings
from inglenook.aio import clock
from inglenook.model import function_url
from inglenook.telemetry import metrics, spans, tally, tracing

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

HANDLER = """
import os

def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked for")
    return {"header": os.environ["_X_AMZN_TRACE_ID"]}
"""
ACTIVE = {"TracingConfig": {"Mode": "Active"}}


@pytest.fixture(scope="module")
def collector() -> Iterator[otlp_collector.Collector]:
    with otlp_collector.collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def platform(collector, tmp_path_factory) -> Iterator[platform_process.Platform]:
    variables = {"INGLENOOK_TELEMETRY_OTLP_ENDPOINT": collector.endpoint}
    folder = tmp_path_factory.mktemp("traced")
    with platform_process.running(folder, variables=variables) as running:
        yield running


@pytest.fixture(scope="module")
def client(platform) -> "LambdaClient":
    return platform.client()


def new_trace() -> tuple[str, str]:
    """Return the id of a trace as OpenTelemetry has it, and as X-Ray's header writes it."""
    trace_id = f"6920c0de{secrets.token_hex(12)}"
    return trace_id, f"Root=1-{trace_id[:8]}-{trace_id[8:]}"


def invoke(
    platform: platform_process.Platform, name: str, header: str | None, event: str = "{}"
) -> tuple[Any, str]:
    """Invoke with a trace header; return the answer, and the header that came with it."""
    request = urllib.request.Request(
        f"{platform.endpoint}/2015-03-31/functions/{name}/invocations", event.encode()
    )
    if header is not None:
        request.add_header("X-Amzn-Trace-Id", header)
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response), response.headers["X-Amzn-Trace-Id"]


def attributes(span: Any) -> dict[str, object]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_a_cold_invocation_is_a_tree_of_what_it_went_through(platform, client, collector):
    platform_process.create(client, "cold", HANDLER, **ACTIVE)
    trace_id, root = new_trace()
    answer, _ = invoke(platform, "cold", f"{root};Parent=53995c3f42cd8ad8;Sampled=1")
    found = collector.wait_for(trace_id, "cold")
    assert set(found) == {
        "cold", "routing", "wait", "lease", "specialise", "start", "init", "invocation",
    }  # fmt: skip
    whole, work, wait = found["cold"], found["invocation"], found["wait"]
    assert whole.parent_span_id.hex() == "53995c3f42cd8ad8"
    assert {found[name].parent_span_id for name in ("routing", "wait", "invocation")} == {
        whole.span_id
    }
    assert {found[name].parent_span_id for name in ("lease", "specialise", "start", "init")} == {
        wait.span_id
    }
    assert answer["header"] == f"{root};Parent={work.span_id.hex()};Sampled=1"
    for span in found.values():
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        # Times of spans are made of floats that hold them to less than a microsecond.
        assert whole.start_time_unix_nano <= span.start_time_unix_nano + 1000
        assert span.end_time_unix_nano <= whole.end_time_unix_nano + 1000
    assert wait.end_time_unix_nano <= work.start_time_unix_nano + 1000
    assert attributes(work)["faas.coldstart"] is True
    assert attributes(whole)["faas.name"] == "cold"


def test_a_warm_invocation_waits_for_nothing(platform, client, collector):
    platform_process.create(client, "warm", HANDLER, **ACTIVE)
    invoke(platform, "warm", f"{new_trace()[1]};Sampled=0")
    trace_id, root = new_trace()
    invoke(platform, "warm", f"{root};Sampled=1")
    found = collector.wait_for(trace_id, "warm")
    assert set(found) == {"warm", "routing", "invocation"}
    assert found["warm"].parent_span_id == b""
    assert attributes(found["invocation"])["faas.coldstart"] is False


def test_a_function_error_is_an_error_of_its_spans(platform, client, collector):
    platform_process.create(client, "failing", HANDLER, **ACTIVE)
    trace_id, root = new_trace()
    invoke(platform, "failing", f"{root};Sampled=1", '{"fail": true}')
    found = collector.wait_for(trace_id, "failing")
    assert found["invocation"].status.message == "ValueError"
    assert found["failing"].status.code == found["invocation"].status.code == 2


def test_an_untraced_invocation_leaves_nothing_and_hands_its_header_on(platform, client, collector):
    platform_process.create(client, "untraced", HANDLER, **ACTIVE)
    platform_process.create(client, "through", HANDLER)
    not_sampled, root = new_trace()
    header = f"{root};Parent=53995c3f42cd8ad8;Sampled=0"
    answer, told = invoke(platform, "untraced", header)
    assert (answer["header"], told) == (header, header)
    through, root = new_trace()
    header = f"{root};Parent=53995c3f42cd8ad8;Sampled=1"
    answer, told = invoke(platform, "through", header)
    assert (answer["header"], told) == (header, header)
    last, root = new_trace()
    invoke(platform, "untraced", f"{root};Sampled=1")
    collector.wait_for(last, "untraced")
    assert collector.of(not_sampled) == collector.of(through) == []


def test_without_a_header_the_first_in_a_second_is_traced(platform, client, collector):
    platform_process.create(client, "unasked", HANDLER, **ACTIVE)
    _, told = invoke(platform, "unasked", None)
    assert told.endswith(";Sampled=1")
    trace_id = told.partition(";")[0].removeprefix("Root=1-").replace("-", "")
    assert collector.wait_for(trace_id, "unasked")["unasked"].parent_span_id == b""


def test_an_event_of_a_function_url_is_traced(platform, client, collector):
    platform_process.create(client, "addressed", HANDLER, **ACTIVE)
    made = client.create_function_url_config(FunctionName="addressed", AuthType="NONE")
    url_id = made["FunctionUrl"].partition("//")[2].partition(".")[0]
    trace_id, root = new_trace()
    request = urllib.request.Request(
        f"{platform.endpoint}{function_url.PATH_PREFIX}{url_id}/",
        headers={"X-Amzn-Trace-Id": f"{root};Sampled=1"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 200
    assert "invocation" in collector.wait_for(trace_id, "addressed")


def test_an_asynchronous_event_is_traced_when_it_runs(platform, client, collector):
    platform_process.create(client, "later", HANDLER, **ACTIVE)
    trace_id, root = new_trace()
    request = urllib.request.Request(
        f"{platform.endpoint}/2015-03-31/functions/later/invocations",
        b"{}",
        {"X-Amzn-Trace-Id": f"{root};Sampled=1", "X-Amz-Invocation-Type": "Event"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 202
    assert "invocation" in collector.wait_for(trace_id, "later")


def test_the_collector_hears_who_tells_it(platform, client, collector):
    platform_process.create(client, "named", HANDLER, **ACTIVE)
    trace_id, root = new_trace()
    invoke(platform, "named", f"{root};Sampled=1")
    collector.wait_for(trace_id, "named")
    assert collector.resources[-1]["service.name"] == "inglenook"
    assert collector.resources[-1]["service.instance.id"]


def opened(endpoint: str, counted: tally.Tally) -> tracing.Tracing:
    return tracing.Tracing(
        settings.Telemetry(otlp_endpoint=endpoint),
        counted,
        instance="test",
        time=clock.SystemClock(),
        rng=random.Random(1),
    )


def dropped(counted: tally.Tally) -> dict[str, float]:
    return {
        sample.labels["reason"]: sample.value
        for family in counted.collect()
        if family.name == metrics.SPANS_DROPPED.name
        for sample in family.samples
    }


async def test_what_a_collector_refuses_is_dropped_and_counted(collector):
    with otlp_collector.collecting() as refusing:
        refusing.status = 400
        counted = tally.Tally()
        traced = await asyncio.to_thread(opened, refusing.endpoint, counted)
        for _ in range(3):
            traced.tracer.end("lost", trace_id=1 << 96, parent_id=None, began=0.0)
        await traced.close()
        assert refusing.requests == 1
        assert dropped(counted) == {"failed": 3}


async def test_a_collector_that_is_away_holds_nobody_up():
    counted = tally.Tally()
    # Nothing listens there.
    traced = await asyncio.to_thread(opened, "http://127.0.0.1:9", counted)
    traced.tracer.end("lost", trace_id=1 << 96, parent_id=None, began=0.0)
    async with asyncio.timeout(10):
        await traced.close()


def test_what_does_not_fit_into_the_queue_is_dropped_and_counted():
    counted = tally.Tally()
    waiting = spans.Waiting(counted, waiting_max=2)
    tracer = spans.Tracer(waiting, clock.SystemClock(), random.Random(1))
    for _ in range(5):
        tracer.end("one", trace_id=1, parent_id=None, began=0.0)
    assert waiting.queue.qsize() == 2
    assert dropped(counted) == {"full": 3}


def test_without_a_collector_nothing_of_opentelemetry_is_loaded():
    program = "import sys, inglenook_local.app; print('opentelemetry' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
