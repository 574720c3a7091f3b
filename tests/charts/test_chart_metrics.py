"""What the chart makes for Prometheus and Grafana."""

import json

import pytest
from support import chart

DASHBOARD = chart.CHART / "dashboards" / "inglenook.json"


def test_there_is_nothing_of_other_operators_unless_asked_for():
    assert chart.of_kind(chart.render(), "PodMonitor") == []


def test_a_monitor_selects_the_platforms_pods_by_their_status_port():
    manifests = chart.render(metrics={"podMonitor": {"enabled": True, "labels": {"release": "p"}}})
    [monitor] = chart.of_kind(manifests, "PodMonitor")
    assert monitor["metadata"]["labels"]["release"] == "p"
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    selector = monitor["spec"]["selector"]
    [among] = selector["matchExpressions"]
    assert monitor["spec"]["namespaceSelector"]["matchNames"] == [chart.NAMESPACE]
    deployments = chart.of_kind(manifests, "Deployment")
    assert {one["metadata"]["name"] for one in deployments} == {
        f"inglenook-{part}" for part in among["values"]
    }
    for one in deployments:
        pod = one["spec"]["template"]
        assert selector["matchLabels"].items() <= pod["metadata"]["labels"].items()
        assert pod["metadata"]["labels"][among["key"]] in among["values"]
        ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert endpoint["port"] in ports


def test_the_agents_are_scraped_where_they_are_if_asked_for():
    manifests = chart.render(
        metrics={"podMonitor": {"enabled": True, "functions": True}},
        cluster={"functionsNamespace": "functions"},
    )
    monitor = chart.one(manifests, "PodMonitor", "inglenook-functions")
    assert monitor["spec"]["namespaceSelector"]["matchNames"] == ["functions"]
    [among] = monitor["spec"]["selector"]["matchExpressions"]
    assert among["values"] == ["function"]


def test_the_dashboard_comes_as_it_is_with_the_label_of_grafanas_sidecar():
    manifests = chart.render(metrics={"dashboard": {"enabled": True}})
    made = chart.one(manifests, "ConfigMap", "inglenook-dashboard")
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(made["data"]["inglenook.json"]) == json.loads(DASHBOARD.read_text())


@pytest.mark.parametrize(
    "values", [{"podMonitor": {"interval": "often"}}, {"dashboard": {"label": "x"}}], ids=str
)
def test_what_makes_no_sense_is_refused(values):
    with pytest.raises(chart.RefusedError):
        chart.render(metrics=values)
