"""That every query of the dashboard runs, on a real Prometheus that has scraped a real platform."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import platform_process
import pytest
from support import prometheus_server

from inglenook.model import function_url
from inglenook.telemetry import metrics

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "charts/inglenook/dashboards/inglenook.json").read_text())
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
QUERIES = [
    pytest.param(target["expr"], id=f"{title}, {target['legendFormat']}")
    for title, panel in PANELS.items()
    for target in panel["targets"]
]
LOAD_S = 4.0

# What one machine, no NATS and no collector have nothing to say of.
ONLY_IN_A_CLUSTER = (
    "inglenook_pool_pods",
    "inglenook_gateway_forwarded_total",
    "inglenook_gateway_peers",
    "inglenook_spans_dropped_total",
)

HANDLER = """
import time

def handler(event, context):
    time.sleep(event.get("s", 0) if "headers" not in event else 0)
    if event.get("fail") or event.get("rawQueryString") == "wrong":
        raise ValueError("as asked for")
    return {"statusCode": 200}
"""

pytestmark = [
    pytest.mark.skipif(prometheus_server.PROGRAM is None, reason="there is no prometheus here"),
    pytest.mark.timeout(180),
]


def load(client: "LambdaClient", url: str, until: float) -> None:
    """Make something of everything that the dashboard shows."""
    payloads: list[dict[str, Any]] = [{"s": 0.02}, {}, {"fail": True}]
    while time.monotonic() < until:
        for payload in payloads:
            client.invoke(FunctionName="shown", Payload=json.dumps(payload))
        client.invoke(FunctionName="shown", InvocationType="Event", Payload=b"{}")
        for name in ("given-up", "lost"):
            client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"fail":true}')
        client.invoke(FunctionName="ready", Qualifier="1", Payload=b'{"s": 0.05}')
        with pytest.raises(botocore.exceptions.ClientError):
            client.invoke(FunctionName="throttled", Payload=b"{}")
        with urllib.request.urlopen(url, timeout=10) as response:
            assert response.status == 200
        for wrong in (
            urllib.request.Request(f"{url}?wrong"),
            urllib.request.Request(url, method="PROPFIND"),
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(wrong, timeout=10)
            refused.value.close()
        time.sleep(0.1)


def prepare(client: "LambdaClient", endpoint: str) -> str:
    """Make the functions; return the address of a function URL."""
    queue = "arn:aws:sqs:us-east-1:000000000000:nowhere"
    platform_process.create(client, "shown", HANDLER)
    platform_process.create(client, "throttled", HANDLER)
    client.put_function_concurrency(FunctionName="throttled", ReservedConcurrentExecutions=0)
    platform_process.create(client, "given-up", HANDLER, DeadLetterConfig={"TargetArn": queue})
    platform_process.create(client, "lost", HANDLER)
    client.put_function_event_invoke_config(
        FunctionName="lost",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    client.put_function_event_invoke_config(FunctionName="given-up", MaximumRetryAttempts=0)
    platform_process.create(client, "ready", HANDLER, Publish=True)
    platform_process.wait_published(client, "ready", "1")
    client.put_provisioned_concurrency_config(
        FunctionName="ready", Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    made = client.create_function_url_config(FunctionName="shown", AuthType="NONE")
    url_id = made["FunctionUrl"].partition("//")[2].partition(".")[0]
    return f"{endpoint}{function_url.PATH_PREFIX}{url_id}/"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[prometheus_server.Prometheus]:
    """A server that has seen a platform under load, with something in every counter."""
    folder = tmp_path_factory.mktemp("seen")
    variables = {
        # Nothing listens there.
        "INGLENOOK_AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "INGLENOOK_WORKER_TIME_SCALE": "100",
    }
    with platform_process.running(folder / "platform", variables=variables) as platform:
        client = platform.client()
        address = platform.endpoint.removeprefix("http://")
        with prometheus_server.scraping(folder, address, "/_inglenook/metrics") as server:
            server.wait_for_scrapes(1)
            url = prepare(client, platform.endpoint)
            server.wait_for_scrapes(1)
            until = time.monotonic() + LOAD_S
            # A second caller at times finds the one provisioned environment busy.
            with futures.ThreadPoolExecutor(2) as callers:
                for done in [callers.submit(load, client, url, until) for _ in range(2)]:
                    done.result()
            server.wait_for_scrapes(2)
            yield server


def concrete(expression: str) -> str:
    """Put in for Grafana's variables what Grafana would."""
    concrete = expression.replace("$__rate_interval", "1m")
    concrete = concrete.replace("$function", ".*")
    assert "$" not in concrete
    return concrete


@pytest.mark.parametrize("expression", QUERIES)
def test_a_query_of_the_dashboard_runs_and_shows_something(prometheus, expression):
    found = prometheus.query(concrete(expression))
    if not any(name in expression for name in ONLY_IN_A_CLUSTER):
        assert found, expression
        assert any(series["value"][1] != "NaN" for series in found)


def test_the_variable_lists_the_functions(prometheus):
    variable = next(one for one in DASHBOARD["templating"]["list"] if one["name"] == "function")
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"]).groups()
    assert set(prometheus.labels(label, metric)) >= {"shown", "ready", "lost", "given-up"}


def test_every_metric_of_the_dashboard_is_one_of_ours():
    known = {name for metric in metrics.ALL for name in metric.series}
    used = set(re.findall(r"\binglenook_\w+", json.dumps(DASHBOARD)))
    assert used - known == set()


def test_every_metric_of_lambda_is_on_the_dashboard():
    text = json.dumps(DASHBOARD)
    absent = {
        metric.name
        for metric in metrics.ALL
        if metric.cloudwatch and not any(name in text for name in metric.series)
    }
    # Utilisation says the same.
    assert absent == {"inglenook_lambda_provisioned_concurrent_executions"}


def test_panels_do_not_overlap_and_name_their_units():
    places = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & places
        assert place["x"] + place["w"] <= 24
        places |= cells
        if panel["type"] != "row":
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert panel["description"]
