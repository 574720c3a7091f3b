"""The pods of the platform's own parts: hardened, spread, probed, given time to stop."""

import pytest
from support import chart

RUN_BY_THE_CHART = {"inglenook-gateway", "inglenook-operator", "inglenook-worker"}


@pytest.fixture(params=[1, 3], ids=["one NATS", "three NATS"])
def manifests(request: pytest.FixtureRequest) -> list[chart.Manifest]:
    return chart.render(nats={"replicas": request.param})


def test_the_chart_passes_helms_own_checks() -> None:
    report = chart.helm("lint", "--strict", "--kube-version", chart.KUBERNETES, str(chart.CHART))
    assert "0 chart(s) failed" in report


def test_no_container_can_do_more_than_it_has_to(manifests: list[chart.Manifest]) -> None:
    pods = dict(chart.pod_specs(manifests))
    assert pods.keys() == RUN_BY_THE_CHART | {"inglenook-nats", "inglenook-crd-upgrade"}
    for name, spec in pods.items():
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] is True, name
        assert pod["runAsUser"] >= 65530, name
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["enableServiceLinks"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        for volume in spec["volumes"]:
            assert not {"hostPath", "projected"} & volume.keys(), name
        for container in spec["containers"]:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["readOnlyRootFilesystem"] is True, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert "memory" in container["resources"]["limits"], name
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, name


def test_only_what_calls_the_cluster_can(manifests: list[chart.Manifest]) -> None:
    for name, spec in chart.pod_specs(manifests):
        if name == "inglenook-nats":
            assert spec["automountServiceAccountToken"] is False
        else:
            assert spec["serviceAccountName"] == name


def test_a_part_that_stops_is_given_the_time_that_its_settings_ask_for() -> None:
    manifests = chart.render(
        gateway={"drainTimeout": 30, "drainDelay": 4}, worker={"stopTimeout": 20}
    )
    pods = dict(chart.pod_specs(manifests))
    assert pods["inglenook-gateway"]["terminationGracePeriodSeconds"] > 30 + 4
    settings = next(
        each["data"]
        for each in chart.of_kind(manifests, "ConfigMap")
        if each["metadata"]["name"] == "inglenook-settings"
    )
    assert settings["INGLENOOK_GATEWAY_DRAIN_DELAY_S"] == "4"
    assert pods["inglenook-worker"]["terminationGracePeriodSeconds"] > 20


def test_every_part_says_whether_it_lives_and_is_ready(manifests: list[chart.Manifest]) -> None:
    for name, spec in chart.pod_specs(manifests):
        if name == "inglenook-crd-upgrade":
            continue
        [container] = spec["containers"]
        ports = {each["name"] for each in container["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["port"] in ports, (name, probe)


def test_parts_are_spread_and_taken_away_one_at_a_time(manifests: list[chart.Manifest]) -> None:
    guarded = {
        each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]: each["spec"]
        for each in chart.of_kind(manifests, "PodDisruptionBudget")
    }
    for each in chart.of_kind(manifests, "Deployment", "StatefulSet"):
        labels = each["spec"]["template"]["metadata"]["labels"]
        part = labels["app.kubernetes.io/component"]
        assert guarded[part]["maxUnavailable"] == 1
        spec = each["spec"]["template"]["spec"]
        # With another beside it, the scheduler ignores nodes that have no zone.
        [over_nodes] = spec["topologySpreadConstraints"]
        [over_zones] = spec["affinity"]["podAntiAffinity"][
            "preferredDuringSchedulingIgnoredDuringExecution"
        ]
        assert over_nodes["topologyKey"] == "kubernetes.io/hostname"
        assert over_zones["podAffinityTerm"]["topologyKey"] == "topology.kubernetes.io/zone"
        for one in (over_nodes, over_zones["podAffinityTerm"]):
            assert one["labelSelector"]["matchLabels"].items() <= labels.items()
            assert one["matchLabelKeys"] == ["pod-template-hash"]
        assert each["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_two_of_each_part_run_unless_told_otherwise() -> None:
    for each in chart.of_kind(chart.render(), "Deployment"):
        assert each["spec"]["replicas"] == 2
        assert each["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_every_change_of_a_setting_starts_the_parts_anew() -> None:
    def marks(manifests: list[chart.Manifest]) -> set[str]:
        return {
            each["spec"]["template"]["metadata"]["annotations"]["inglenook.dev/settings"]
            for each in chart.of_kind(manifests, "Deployment")
        }

    [before] = marks(chart.render())
    [after] = marks(chart.render(gateway={"queueTimeout": 5}))
    assert before != after


def test_images_come_from_where_the_values_say() -> None:
    manifests = chart.render(image={"prefix": "mirror/", "tag": "1.2", "pullPolicy": "Always"})
    for _, spec in chart.pod_specs(manifests):
        for container in spec["containers"]:
            assert container["image"].startswith("mirror/inglenook/")
            assert container["image"].endswith(":1.2")
            assert container["imagePullPolicy"] == "Always"
    for runtime in chart.of_kind(manifests, "Runtime"):
        assert runtime["spec"]["image"].startswith("mirror/inglenook/runtime-")
    settings = chart.one(manifests, "ConfigMap", "inglenook-settings")["data"]
    assert settings["INGLENOOK_OPERATOR_AGENT_IMAGE"] == "mirror/inglenook/agent:1.2"
