"""What the platform's parts may do in the cluster, and who may reach them: no more than needed."""

from collections.abc import Iterator, Sequence

import pytest
from support import chart

READ = {"get", "list", "watch"}


@pytest.fixture
def manifests() -> list[chart.Manifest]:
    return chart.render(cluster={"functionsNamespace": "functions"})


def rules(manifests: list[chart.Manifest], part: str) -> Iterator[tuple[str, str, set[str]]]:
    """Yield where, on what and what a part may do."""
    for each in chart.of_kind(manifests, "RoleBinding"):
        subjects = [one["name"] for one in each["subjects"]]
        if subjects != [f"inglenook-{part}"]:
            continue
        namespace = each["metadata"]["namespace"]
        [role] = [
            one
            for one in chart.of_kind(manifests, "Role")
            if one["metadata"]["namespace"] == namespace
            and one["metadata"]["name"] == each["roleRef"]["name"]
        ]
        for rule in role["rules"]:
            for resource in rule["resources"]:
                yield namespace, resource, set(rule["verbs"])


def may(manifests: list[chart.Manifest], part: str, namespace: str, resource: str) -> set[str]:
    return {
        verb
        for where, what, verbs in rules(manifests, part)
        if (where, what) == (namespace, resource)
        for verb in verbs
    }


def table(manifests: list[chart.Manifest]) -> str:
    """Return the rights as docs/kubernetes.md shows them."""
    lines = ["| | where | on | may |", "|---|---|---|---|"]
    places = {"functions": "functions", chart.NAMESPACE: "platform"}
    for part in ("gateway", "operator", "worker"):
        for each in chart.of_kind(manifests, "Role"):
            metadata = each["metadata"]
            if metadata["name"].split("-")[:2] != ["inglenook", part]:
                continue
            for rule in each["rules"]:
                where, on = places[metadata["namespace"]], _said(rule["resources"])
                if names := rule.get("resourceNames"):
                    on += f" `{'`, `'.join(names)}`"
                lines.append(f"| {part} | {where} | {on} | {', '.join(rule['verbs'])} |")
    for each in chart.of_kind(manifests, "ClusterRole"):
        who = "CRD upgrade" if chart.is_hook(each) else "operator"
        for rule in each["rules"]:
            on = _said(rule["resources"])
            on += " of `inglenook.dev`" if "resourceNames" in rule else ""
            lines.append(f"| {who} | cluster | {on} | {', '.join(rule['verbs'])} |")
    return "\n".join(lines)


def _said(resources: Sequence[str]) -> str:
    """Return resources in words: all that the API stores are the custom resources."""
    documents = {path.stem for path in (chart.CHART / "crds").glob("*.yaml")} - {"runtimes"}
    left, words = list(resources), []
    for ending, word in (("", "custom resources"), ("/status", "their status")):
        whole = {f"{each}{ending}" for each in documents}
        if whole <= set(left):
            words.append(word)
            left = [each for each in left if each not in whole]
    return ", ".join([*words, *left])


def test_the_documentation_shows_all_rights(manifests: list[chart.Manifest]) -> None:
    page = (chart.ROOT / "docs" / "kubernetes.md").read_text()
    assert table(manifests) in page


def test_no_right_is_for_everything_and_of_the_whole_cluster_only_nodes_are_seen(
    manifests: list[chart.Manifest],
) -> None:
    for each in chart.of_kind(manifests, "Role", "ClusterRole"):
        for rule in each["rules"]:
            assert not {"*"} & {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
    lasting = [e for e in chart.of_kind(manifests, "ClusterRole") if not chart.is_hook(e)]
    # Nodes are of no namespace, and the operator has to know when one is gone.
    (rule,) = [rule for each in lasting for rule in each["rules"]]
    assert rule == {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}


def test_no_part_reads_secrets_or_runs_commands_in_pods(manifests: list[chart.Manifest]) -> None:
    for part in ("gateway", "operator", "worker"):
        touched = {resource for _, resource, _ in rules(manifests, part)}
        assert not touched & {"secrets", "pods/exec", "pods/attach", "pods/ephemeralcontainers"}
        assert not touched & {"roles", "rolebindings", "serviceaccounts", "serviceaccounts/token"}


def test_only_the_operator_makes_and_deletes_pods(manifests: list[chart.Manifest]) -> None:
    assert may(manifests, "gateway", "functions", "pods") == READ | {"patch"}
    assert may(manifests, "worker", "functions", "pods") == set()
    assert may(manifests, "operator", "functions", "pods") == READ | {"create", "patch", "delete"}
    assert may(manifests, "operator", "inglenook", "pods") == set()


def test_a_worker_changes_nothing(manifests: list[chart.Manifest]) -> None:
    for _, resource, verbs in rules(manifests, "worker"):
        assert verbs <= READ, resource


def test_every_kind_of_resource_is_within_reach_of_the_api(manifests: list[chart.Manifest]) -> None:
    kinds = {path.stem for path in (chart.CHART / "crds").glob("*.yaml")} - {"runtimes"}
    for kind in kinds:
        assert may(manifests, "gateway", "functions", kind) >= READ | {"create", "update", "delete"}
        assert may(manifests, "gateway", "functions", f"{kind}/status") >= {"update"}
        assert may(manifests, "worker", "functions", kind) == READ


def test_definitions_are_changed_by_a_hook_alone_and_only_ours(
    manifests: list[chart.Manifest],
) -> None:
    role = chart.one(manifests, "ClusterRole", "inglenook-crd-upgrade")
    assert chart.is_hook(role)
    named, created = role["rules"]
    assert all(name.endswith(".inglenook.dev") for name in named["resourceNames"])
    assert set(named["verbs"]) == {"get", "patch"}
    assert created["verbs"] == ["create"]
    defined = {path.stem for path in (chart.CHART / "crds").glob("*.yaml")}
    assert {name.removesuffix(".inglenook.dev") for name in named["resourceNames"]} == defined
    carried = chart.one(manifests, "ConfigMap", "inglenook-crds")["binaryData"]
    assert {name.removesuffix(".yaml") for name in carried} == defined


def test_every_pod_of_the_platform_has_a_policy(manifests: list[chart.Manifest]) -> None:
    selected = {
        each["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]: each["spec"]
        for each in chart.of_kind(manifests, "NetworkPolicy")
    }
    assert selected.keys() == {"gateway", "operator", "worker", "nats", "function"}
    assert all("Ingress" in spec["policyTypes"] for spec in selected.values())


def test_only_gateways_reach_agents(manifests: list[chart.Manifest]) -> None:
    policy = chart.one(manifests, "NetworkPolicy", "inglenook-functions")
    assert policy["metadata"]["namespace"] == "functions"
    [agents] = [r for r in policy["spec"]["ingress"] if r["ports"][0]["port"] == 9600]
    [peer] = agents["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "gateway"
    namespace = peer["namespaceSelector"]["matchLabels"]
    assert namespace == {"kubernetes.io/metadata.name": chart.NAMESPACE}


def test_functions_do_not_reach_the_clouds_credentials_nor_others_metrics(
    manifests: list[chart.Manifest],
) -> None:
    policy = chart.one(manifests, "NetworkPolicy", "inglenook-functions")
    [egress] = policy["spec"]["egress"]
    assert egress["to"][0]["ipBlock"]["except"] == ["169.254.169.254/32"]
    gateway = chart.one(manifests, "NetworkPolicy", "inglenook-gateway")
    [metrics] = [r for r in gateway["spec"]["ingress"] if r["ports"][0]["port"] == 9552]
    [peer] = metrics["from"]
    [expression] = peer["podSelector"]["matchExpressions"]
    assert (expression["operator"], expression["values"]) == ("NotIn", ["function"])


def test_only_the_platform_reaches_its_engine(manifests: list[chart.Manifest]) -> None:
    policy = chart.one(manifests, "NetworkPolicy", "inglenook-nats")
    [clients] = [r for r in policy["spec"]["ingress"] if r["ports"][0]["port"] == 4222]
    assert all("namespaceSelector" not in peer for peer in clients["from"])
    parts = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for peer in clients["from"]
    }
    assert parts == {"gateway", "operator", "worker"}


def test_gateways_that_are_not_ready_own_nothing(manifests: list[chart.Manifest]) -> None:
    service = chart.one(manifests, "Service", "inglenook-gateways")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is False
