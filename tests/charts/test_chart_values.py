"""What the chart takes as values, and what becomes of them."""

import dataclasses

import pytest
from support import chart

from inglenook import settings


def variables(manifests: list[chart.Manifest]) -> dict[str, str]:
    data = chart.one(manifests, "ConfigMap", "inglenook-settings")["data"]
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize(
    "values",
    [
        {"gateway": {"replica": 3}},
        {"gateway": {"replicas": 0}},
        {"gateway": {"drainTimeout": -1}},
        {"gateway": {"drainTimeout": "10s"}},
        {"gateway": {"service": {"type": "Ingress"}}},
        {"gateway": {"service": {"nodePort": 70000}}},
        {"gateway": {"resources": {"limits": {"memory": "much"}}}},
        {"cluster": {"functionsNamespace": "No Name"}},
        {"cluster": {"natsUrl": "nats://elsewhere:4222"}},
        {"worker": {"eventConcurrency": 1.5}},
        {"nats": {"replicas": 2}},
        {"nats": {"storage": {"size": "a lot"}}},
        {"nats": {"syncInterval": "sometimes"}},
        {"image": {"prefix": "no-slash-at-the-end"}},
        {"image": {"pullPolicy": "Sometimes"}},
        {"runtimes": {"python3.11": {"pool": {"min": -1}}}},
        {"networkPolicy": {"functionsExcept": ["169.254.169.254"]}},
        {"unheardOf": True},
    ],
    ids=str,
)
def test_values_that_mean_nothing_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(chart.RefusedError, match="schema"):
        chart.render(**values)


@pytest.mark.parametrize(
    ("values", "variable", "text"),
    [
        ({"gateway": {"drainTimeout": 7}}, "INGLENOOK_GATEWAY_DRAIN_TIMEOUT_S", "7"),
        ({"gateway": {"queueTimeout": 0.5}}, "INGLENOOK_GATEWAY_QUEUE_TIMEOUT_S", "0.5"),
        (
            {"gateway": {"codeStorageBytes": 80530636800}},
            "INGLENOOK_GATEWAY_CODE_STORAGE_BYTES",
            "80530636800",
        ),
        ({"gateway": {"strictRuntimes": False}}, "INGLENOOK_GATEWAY_STRICT_RUNTIMES", "false"),
        ({"worker": {"eventConcurrency": 5}}, "INGLENOOK_WORKER_EVENT_CONCURRENCY", "5"),
        ({"cluster": {"account": "012345678901"}}, "INGLENOOK_CLUSTER_ACCOUNT", "012345678901"),
        (
            {"cluster": {"functionsNamespace": "functions"}},
            "INGLENOOK_CLUSTER_FUNCTIONS_NAMESPACE",
            "functions",
        ),
    ],
)
def test_a_setting_given_as_a_value_reaches_the_processes(
    values: dict[str, object], variable: str, text: str
) -> None:
    assert variables(chart.render(**values))[variable] == text


def test_the_processes_understand_all_that_the_chart_tells_them() -> None:
    told = variables(chart.render())
    known = {
        f"INGLENOOK_{group.name}_{one.name}".upper()
        for group in dataclasses.fields(settings.Settings)
        for one in dataclasses.fields(getattr(settings.Settings(), group.name))
    }
    assert told.keys() <= known
    taken = settings.from_environment(told)
    assert taken.gateway.drain_timeout_s == 900
    assert taken.cluster.namespace == chart.NAMESPACE


def test_functions_have_a_namespace_and_the_platform_another() -> None:
    manifests = chart.render(
        cluster={"functionsNamespace": "functions", "createFunctionsNamespace": True}
    )
    namespace = chart.one(manifests, "Namespace", "functions")
    assert namespace["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert {e["metadata"]["namespace"] for e in chart.of_kind(manifests, "Runtime")} == {
        "functions"
    }
    for each in chart.of_kind(manifests, "Deployment", "StatefulSet", "Service"):
        assert each["metadata"]["namespace"] == chart.NAMESPACE


def test_both_namespaces_hold_one_and_the_same_secret() -> None:
    manifests = chart.render(cluster={"functionsNamespace": "functions"})
    found = {
        each["metadata"]["namespace"]: each["data"]["secret"]
        for each in chart.of_kind(manifests, "Secret")
        if each["metadata"]["name"] == "inglenook-secret"
    }
    assert found.keys() == {chart.NAMESPACE, "functions"}
    assert len(set(found.values())) == 1


def test_one_namespace_for_all_holds_everything_once() -> None:
    manifests = chart.render(cluster={"functionsNamespace": chart.NAMESPACE})
    names = [(e["kind"], e["metadata"].get("namespace"), e["metadata"]["name"]) for e in manifests]
    assert len(names) == len(set(names))


def test_a_secret_of_ones_own_is_used_instead() -> None:
    manifests = chart.render(secret={"existing": "mine"})
    assert "inglenook-secret" not in {
        each["metadata"]["name"] for each in chart.of_kind(manifests, "Secret")
    }
    spec = dict(chart.pod_specs(manifests))["inglenook-gateway"]
    assert [v["secret"]["secretName"] for v in spec["volumes"] if "secret" in v] == ["mine"]
    assert variables(manifests)["INGLENOOK_OPERATOR_SECRET_NAME"] == "mine"


def test_three_servers_of_nats_are_one_engine_that_keeps_everything_three_times() -> None:
    manifests = chart.render(nats={"replicas": 3})
    assert variables(manifests)["INGLENOOK_CLUSTER_NATS_REPLICAS"] == "3"
    config = chart.one(manifests, "ConfigMap", "inglenook-nats")["data"]["nats.conf"]
    assert config.count(":6222\n") == 3 + 1
    url = chart.one(manifests, "Secret", "inglenook-nats")["stringData"]["url"]
    assert len(url.split(",")) == 3


def test_a_nats_of_ones_own_takes_the_place_of_the_charts() -> None:
    manifests = chart.render(nats={"enabled": False, "url": "nats://a:4222", "streamReplicas": 3})
    assert not chart.of_kind(manifests, "StatefulSet")
    url = chart.one(manifests, "Secret", "inglenook-nats")["stringData"]["url"]
    assert url == "nats://a:4222"
    assert variables(manifests)["INGLENOOK_CLUSTER_NATS_REPLICAS"] == "3"


def test_without_any_nats_nothing_is_installed() -> None:
    with pytest.raises(chart.RefusedError, match=r"nats\.url"):
        chart.render(nats={"enabled": False})


def test_a_runtime_is_left_out_by_null_and_added_by_its_name() -> None:
    manifests = chart.render(
        runtimes={"python3.11": None, "ruby3.3": {"image": "mine:1", "pool": {"min": 0, "max": 1}}}
    )
    found = {e["metadata"]["name"]: e["spec"] for e in chart.of_kind(manifests, "Runtime")}
    assert found.keys() == {"provided.al2023", "ruby3.3"}
    assert found["ruby3.3"]["image"] == "mine:1"
    assert found["provided.al2023"]["image"] == "inglenook/runtime-provided.al2023:dev"
