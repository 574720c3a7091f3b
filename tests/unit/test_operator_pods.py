"""The pods that the operator makes, and how it reads those that there are."""

from typing import Any

import msgspec
import pytest

from inglenook import settings
from inglenook.settings import CpuLimits
from inglenook_cluster import labels
from inglenook_operator.control import leading
from inglenook_operator.reconcile import pods
from inglenook_operator.reconcile.pods import State
from inglenook_operator.resources import pod, runtime, sizes

RUNTIME = runtime.decode({"image": "inglenook/runtime-python3.11:1", "pool": {"min": 2, "max": 4}})
OWNER = pod.Owner(name="python3.11", uid="u")


def manifest(
    spec: runtime.Runtime = RUNTIME, runtime_class: str | None = None, **platform: Any
) -> dict[str, Any]:
    return pod.manifest(
        platform=pod.Platform(agent_image="inglenook/agent:1", **platform),
        runtime=spec,
        owner=OWNER,
        runtime_class=runtime_class,
        namespace="functions",
    )


def containers(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    spec = made["spec"]
    return {one["name"]: one for one in (*spec["initContainers"], *spec["containers"])}


def test_what_a_function_may_put_into_tmp_is_limited_by_nothing_else() -> None:
    made = manifest()
    for container in containers(made).values():
        # The limits of containers add up to one of the pod, volumes included.
        assert "ephemeral-storage" not in container["resources"]["limits"]
    (tmp,) = (each for each in made["spec"]["volumes"] if each["name"] == "tmp")
    assert tmp["emptyDir"] == {"sizeLimit": "10240Mi"}


def test_every_container_is_hardened() -> None:
    found = containers(manifest())
    assert sorted(found) == ["agent", "function"]
    for one in found.values():
        context = one["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert one["resources"]["limits"]["memory"]
    users = {name: one["securityContext"]["runAsUser"] for name, one in found.items()}
    assert users == {"agent": 65531, "function": 65532}


def test_a_pod_has_no_token_no_service_links_and_no_second_life() -> None:
    spec = manifest()["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["restartPolicy"] == "Never"
    assert "hostNetwork" not in spec
    assert not any("hostPath" in volume for volume in spec["volumes"])


def test_agents_are_told_what_the_operator_was_told_of_them() -> None:
    told = leading.agent_variables(settings.Agent(init_timeout_s=20.0, sandbox=False))
    assert told == {"INGLENOOK_AGENT_INIT_TIMEOUT_S": "20.0"}
    agent = containers(manifest(agent_variables=told))["agent"]
    assert {"name": "INGLENOOK_AGENT_INIT_TIMEOUT_S", "value": "20.0"} in agent["env"]
    variables = {one["name"]: one["value"] for one in agent["env"] if "value" in one}
    assert settings.from_environment(variables).agent.init_timeout_s == 20.0
    assert leading.agent_variables(settings.Agent()) == {}


def test_the_secret_is_the_agents_alone() -> None:
    found = containers(manifest())
    mounts = {name: [one["name"] for one in each["volumeMounts"]] for name, each in found.items()}
    assert "secret" in mounts["agent"]
    assert "secret" not in mounts["function"]


def test_the_function_cannot_write_its_code() -> None:
    mounts = {one["mountPath"]: one for one in containers(manifest())["function"]["volumeMounts"]}
    assert mounts["/var/task"]["readOnly"] is True
    assert mounts["/opt"]["readOnly"] is True
    assert not mounts["/tmp"].get("readOnly")


def test_the_agent_is_a_native_sidecar_that_starts_first() -> None:
    agent = manifest()["spec"]["initContainers"][0]
    assert agent["restartPolicy"] == "Always"


def test_only_an_images_container_waits_for_what_the_agent_brings() -> None:
    image = msgspec.structs.replace(RUNTIME, package_type=runtime.IMAGE)
    assert "startupProbe" in manifest(image)["spec"]["initContainers"][0]
    assert "startupProbe" not in manifest()["spec"]["initContainers"][0]


def test_a_pod_is_the_runtimes_and_goes_with_it() -> None:
    metadata = manifest()["metadata"]
    assert metadata["ownerReferences"][0]["uid"] == "u"
    assert metadata["labels"][labels.POOL] == "python3.11"
    assert metadata["labels"][labels.STATE] == "pooled"
    assert metadata["generateName"] == "python3-11-"


def test_a_runtime_class_makes_a_pool_of_its_own() -> None:
    made = manifest(runtime_class="gvisor")
    assert made["spec"]["runtimeClassName"] == "gvisor"
    assert made["metadata"]["labels"][labels.POOL] == "python3.11--gvisor"
    assert labels.parts("python3.11--gvisor") == ("python3.11", "gvisor")
    assert labels.parts("python3.11") == ("python3.11", None)


def test_the_same_template_has_the_same_hash_and_another_has_another() -> None:
    hashes = {
        pod.template(made)
        for made in (
            manifest(),
            manifest(),
            manifest(agent_pull_policy="Never"),
            manifest(msgspec.structs.replace(RUNTIME, image="other")),
            manifest(runtime_class="gvisor"),
        )
    }
    assert len(hashes) == 4


def test_the_size_of_the_pool_is_no_part_of_the_template() -> None:
    larger = msgspec.structs.replace(RUNTIME, pool=runtime.Pool(min=5, max=9))
    assert pod.template(manifest(larger)) == pod.template(manifest())


def test_what_a_runtime_asks_for_goes_over_the_defaults() -> None:
    made = manifest(
        msgspec.structs.replace(
            RUNTIME,
            resources={"limits": {"cpu": "2"}},
            node_selector={"pool": "functions"},
            tolerations=[{"key": "functions", "operator": "Exists"}],
        )
    )
    resources = containers(made)["function"]["resources"]
    assert resources["limits"] == {"cpu": "2", "memory": "512Mi"}
    assert resources["requests"]["memory"] == "64Mi"
    assert made["spec"]["nodeSelector"] == {"pool": "functions"}
    assert made["spec"]["tolerations"][0]["key"] == "functions"


SIZES = [
    (128, 1, "160Mi", "72m", "10m"),
    (1769, 1, "1801Mi", "1", "100m"),
    (1769, 2, "3570Mi", "2", "200m"),
    (10240, 1, "10272Mi", "5788m", "579m"),
]


@pytest.mark.parametrize(("memory_mb", "environments", "memory", "most", "requested"), SIZES)
def test_memory_and_the_share_of_cpu_follow_the_functions_memory(
    memory_mb: int, environments: int, memory: str, most: str, requested: str
) -> None:
    free = sizes.container(memory_mb, environments, CpuLimits.NONE)
    assert free == {
        "requests": {"memory": memory, "cpu": requested},
        "limits": {"memory": memory},
    }
    limited = sizes.container(memory_mb, environments, CpuLimits.PROPORTIONAL)
    assert limited == {**free, "limits": {"memory": memory, "cpu": most}}


@pytest.mark.parametrize(
    ("memory_mb", "environments", "memory", "cpu"),
    [
        (992, 1, "1Gi", "560m"),
        (993, 1, "1025Mi", "561m"),
        (2016, 1, "2Gi", "1139m"),
        (1769, 10, "17722Mi", "10"),
    ],
)
def test_sizes_are_written_as_kubernetes_prints_them(
    memory_mb: int, environments: int, memory: str, cpu: str
) -> None:
    # Else they would differ from what is there for ever, and be written again and again.
    found = sizes.container(memory_mb, environments, CpuLimits.PROPORTIONAL)
    assert found["limits"] == {"memory": memory, "cpu": cpu}
    assert sizes.container(17690, 1, CpuLimits.NONE)["requests"]["cpu"] == "1"


@pytest.mark.parametrize(("chosen", "cpu"), [(CpuLimits.NONE, None), (CpuLimits.PROPORTIONAL, "1")])
def test_a_pod_that_waits_has_a_cpu_limit_only_where_functions_are_to_have_one(
    chosen: CpuLimits, cpu: str | None
) -> None:
    # What it lacks now a resize adds; what it has now no resize can take away.
    made = manifest(cpu_limits=chosen)
    assert containers(made)["function"]["resources"]["limits"].get("cpu") == cpu


POOLED = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}


@pytest.mark.parametrize(
    ("memory_mb", "limits", "larger"),
    [
        (128, POOLED["limits"], {}),
        (480, POOLED["limits"], {}),
        (1024, POOLED["limits"], {"memory": "1056Mi"}),
        (3008, POOLED["limits"], {"memory": "3040Mi", "cpu": "1700m"}),
        (3008, {"cpu": "1500m", "memory": "4G"}, {"cpu": "1700m"}),
        (128, {"cpu": "0", "memory": "1048576"}, {"memory": "160Mi", "cpu": "72m"}),
        # What has no limit cannot be given a larger one.
        (1024, {"cpu": "1"}, {}),
    ],
)
def test_until_an_environment_has_started_a_pod_only_grows(
    memory_mb: int, limits: dict[str, str], larger: dict[str, str]
) -> None:
    wanted = sizes.container(memory_mb, 1, CpuLimits.PROPORTIONAL)
    found = sizes.for_init(wanted, {**POOLED, "limits": limits})
    assert found.get("limits", {}) == larger
    requests = {name: wanted["requests"][name] for name in larger}
    assert found.get("requests", {}) == requests


def body(status: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "p",
            "uid": "u",
            "resourceVersion": "7",
            "creationTimestamp": "2026-11-21T20:00:00Z",
            "labels": {labels.POOL: "python3.11", labels.STATE: "pooled"},
            **metadata,
        },
        "spec": {"containers": [{"name": "function", "resources": {"limits": {"cpu": "1"}}}]},
        "status": status or {},
    }


def test_a_pod_is_read() -> None:
    found = pods.view(
        body(
            {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
            annotations={labels.MEMORY_MB: "256", labels.ENVIRONMENTS_MAX: "3"},
            labels={labels.POOL: "x", labels.STATE: "specialised", labels.FUNCTION: "hello"},
        )
    )
    assert (found.state, found.is_ready, found.is_live) == (State.SPECIALISED, True, True)
    assert (found.function, found.memory_mb, found.environments_max) == ("hello", 256, 3)
    assert not found.has_started
    assert pods.view(body(annotations={labels.STARTED: "true"})).has_started


def test_annotations_that_are_no_numbers_are_none() -> None:
    found = pods.view(body(annotations={labels.MEMORY_MB: "much", labels.ENVIRONMENTS_MAX: "0"}))
    assert (found.memory_mb, found.environments_max) == (None, 1)


def waiting(why: str) -> dict[str, Any]:
    return {"name": "agent", "state": {"waiting": {"reason": why}}}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"initContainerStatuses": [waiting("ImagePullBackOff")]}, "ImagePullFailed"),
        ({"containerStatuses": [waiting("ErrImageNeverPull")]}, "ImagePullFailed"),
        ({"containerStatuses": [waiting("CreateContainerConfigError")]}, "ContainerCannotBeMade"),
        ({"containerStatuses": [waiting("PodInitializing")]}, None),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "no room"}]},
            "Unschedulable",
        ),
        ({"phase": "Failed", "reason": "Evicted", "message": "too much"}, "Evicted"),
        (
            {
                "phase": "Failed",
                "containerStatuses": [
                    {"name": "function", "state": {"terminated": {"exitCode": 137}}}
                ],
            },
            "ContainerFails",
        ),
        ({"phase": "Running"}, None),
    ],
)
def test_why_a_pod_is_not_ready_is_told(status: dict[str, Any], reason: str | None) -> None:
    found = pods.view(body(status)).trouble
    assert (found and found.reason) == reason


def test_a_resize_that_cannot_be_is_told() -> None:
    pending = {"type": "PodResizePending", "status": "True", "reason": "Infeasible", "message": "m"}
    found = pods.resize_trouble(body({"conditions": [pending]}))
    assert found is not None
    assert (found.reason, found.message) == ("ResizeInfeasible", "m")
    assert pods.resize_trouble(body()) is None


def test_a_pod_on_its_way_tells_since_when() -> None:
    found = pods.view(
        body(deletionTimestamp="2026-11-21T20:15:30Z", deletionGracePeriodSeconds=930)
    )
    assert found.is_leaving
    assert not found.is_live
    assert found.leaving_since == pods.view(body()).created
