"""The pod that runs a function: two containers, hardened, and nothing that differs between two.

The agent (a native sidecar) decides life and death, the function's container has the spawner and
all that the user's code is. They share a socket and the code, and no secret: the one that the
platform's parts prove themselves with is mounted in the agent alone. Every pod of a template is
the same, so a hash of the whole tells when a template has changed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inglenook.model import limits
from inglenook.settings import CpuLimits
from inglenook_cluster import labels
from inglenook_operator.resources.runtime import IMAGE, Runtime

AGENT = "agent"
FUNCTION = "function"

_AGENT_UID = 65531
_FUNCTION_UID = 65532
_GID = 65532
_AGENT_STATUS_PORT = 9601
_HASH_DIGITS = 10
_GRACE_S = limits.TIMEOUT_S_MAX + 30
"""A pod ends as soon as nothing runs in it; what runs may take as long as a function may."""
_GONE_NODES_S = {"not-ready": 30, "unreachable": 1}
"""How long pods stay on a node that says it is not ready, and on one that says nothing. Kubernetes'
own default is five minutes."""

_AGENT_RESOURCES = {
    "requests": {"cpu": "10m", "memory": "40Mi", "ephemeral-storage": "64Mi"},
    # None for storage: it would be the whole pod's, /tmp included. Each volume has its own.
    "limits": {"memory": "256Mi"},
}
_FUNCTION_RESOURCES = {
    "requests": {"cpu": "10m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
    "limits": {"memory": "512Mi"},
}
_CPU_LIMITS: dict[CpuLimits, dict[str, Any]] = {
    CpuLimits.NONE: {},
    # Until the pod is resized to what its function has.
    CpuLimits.PROPORTIONAL: {"limits": {"cpu": "1"}},
}
_HARDENED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsGroup": _GID,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


_INIT = ["/run/inglenook/init", "--connect", "/run/inglenook/spawner.sock"]
"""The program that the agent puts there for images: they need not have a spawner, or a shell."""
_CODE = (
    {"name": "code", "mountPath": "/var/task", "subPath": "task", "readOnly": True},
    {"name": "code", "mountPath": "/opt", "subPath": "opt", "readOnly": True},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What all function pods of an installation have in common."""

    agent_image: str
    agent_pull_policy: str = "IfNotPresent"
    agent_port: int = 9600
    secret_name: str = "inglenook-secret"  # noqa: S105 - a resource's name
    secret_folder: str = "/etc/inglenook/secret"  # noqa: S105 - a path
    region: str = "us-east-1"
    account: str = "000000000000"
    agent_variables: Mapping[str, str] = field(default_factory=dict)
    """Settings of the agent that differ from their defaults."""
    cpu_limits: CpuLimits = CpuLimits.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The Runtime's custom resource: deleted with it, its pods go."""

    name: str
    uid: str
    api_version: str = "inglenook.dev/v1"


def manifest(
    *, platform: Platform, runtime: Runtime, owner: Owner, runtime_class: str | None, namespace: str
) -> dict[str, Any]:
    """Return the pod to create, with the hash of its template among its labels."""
    pool = labels.pool(owner.name, runtime_class)
    whole: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": labels.pod_prefix(pool),
            "namespace": namespace,
            "labels": {
                labels.PART_OF: labels.PLATFORM,
                labels.COMPONENT: labels.FUNCTION_POD,
                labels.POOL: pool,
                labels.STATE: labels.POOLED,
            },
            "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"},
            "ownerReferences": [
                {
                    "apiVersion": owner.api_version,
                    "kind": "Runtime",
                    "name": owner.name,
                    "uid": owner.uid,
                    "controller": True,
                }
            ],
        },
        "spec": _spec(platform, runtime, owner.name, runtime_class, pool),
    }
    whole["metadata"]["labels"][labels.TEMPLATE] = _hash(whole)
    return whole


def template(pod: Mapping[str, Any]) -> str:
    """Return the hash of the template that a manifest was made from."""
    return str(pod["metadata"]["labels"][labels.TEMPLATE])


def _hash(whole: Mapping[str, Any]) -> str:
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def _spec(
    platform: Platform, runtime: Runtime, name: str, runtime_class: str | None, pool: str
) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_S,
        "securityContext": {
            "runAsNonRoot": True,
            # Of the sandbox itself; each container has its own.
            "runAsUser": _FUNCTION_UID,
            "runAsGroup": _GID,
            "fsGroup": _GID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [_agent(platform, runtime, name)],
        "containers": [_function(platform, runtime)],
        "volumes": _volumes(platform),
        "tolerations": [*runtime.tolerations, *_leave_gone_nodes()],
        "topologySpreadConstraints": [_spread(key, pool) for key in _TOPOLOGY],
    }
    optional = {
        "nodeSelector": runtime.node_selector,
        "affinity": runtime.affinity,
        "priorityClassName": runtime.priority_class_name,
        "imagePullSecrets": runtime.image_pull_secrets,
        "runtimeClassName": runtime_class,
    }
    return spec | {key: value for key, value in optional.items() if value}


def _agent(platform: Platform, runtime: Runtime, name: str) -> dict[str, Any]:
    status = {"port": _AGENT_STATUS_PORT}
    return {
        "name": AGENT,
        "image": platform.agent_image,
        "imagePullPolicy": platform.agent_pull_policy,
        # A native sidecar: it starts before the function's container and outlives it.
        "restartPolicy": "Always",
        "env": [
            *({"name": key, "value": text} for key, text in platform.agent_variables.items()),
            _what_runs(runtime, name),
            {"name": "INGLENOOK_CLUSTER_AGENT_PORT", "value": str(platform.agent_port)},
            {"name": "INGLENOOK_CLUSTER_SECRET_FILE", "value": f"{platform.secret_folder}/secret"},
            {"name": "INGLENOOK_CLUSTER_REGION", "value": platform.region},
            {"name": "INGLENOOK_CLUSTER_ACCOUNT", "value": platform.account},
            _from_field("INGLENOOK_CLUSTER_POD_NAME", "metadata.name"),
            _from_field("INGLENOOK_CLUSTER_POD_IP", "status.podIP"),
            _from_field("INGLENOOK_CLUSTER_FUNCTIONS_NAMESPACE", "metadata.namespace"),
        ],
        "ports": [
            {"name": "agent", "containerPort": platform.agent_port},
            {"name": "status", "containerPort": _AGENT_STATUS_PORT},
        ],
        **_startup(runtime, status),
        "readinessProbe": _probe("/ready", status, every_s=2, failures=2),
        "livenessProbe": _probe("/live", status, every_s=10, failures=6),
        "resources": _AGENT_RESOURCES,
        "securityContext": {**_HARDENED, "runAsUser": _AGENT_UID},
        "volumeMounts": [
            {"name": "run", "mountPath": "/run/inglenook"},
            {"name": "code", "mountPath": "/code"},
            {"name": "agent-tmp", "mountPath": "/tmp"},  # noqa: S108 - in the pod
            {"name": "secret", "mountPath": platform.secret_folder, "readOnly": True},
        ],
    }


def _startup(runtime: Runtime, status: Mapping[str, Any]) -> dict[str, Any]:
    """Hold an image's container back until the agent has put there what it starts with.

    The runtimes' own images wait by themselves; the kubelet would ask once a second.
    """
    if runtime.package_type != IMAGE:
        return {}
    return {"startupProbe": _probe("/live", status, every_s=1, failures=60)}


def _what_runs(runtime: Runtime, name: str) -> dict[str, str]:
    if runtime.package_type == IMAGE:
        return {"name": "INGLENOOK_AGENT_IMAGE", "value": runtime.image}
    return {"name": "INGLENOOK_AGENT_RUNTIME", "value": name}


def _function(platform: Platform, runtime: Runtime) -> dict[str, Any]:
    is_image = runtime.package_type == IMAGE
    resources = _merged(_FUNCTION_RESOURCES, _CPU_LIMITS[platform.cpu_limits])
    return {
        "name": FUNCTION,
        "image": runtime.image,
        "imagePullPolicy": runtime.image_pull_policy,
        **({"command": _INIT} if is_image else {}),
        "resources": _merged(resources, runtime.resources),
        # A resize changes the running container; nothing is to be started anew for it.
        "resizePolicy": [
            {"resourceName": one, "restartPolicy": "NotRequired"} for one in ("cpu", "memory")
        ],
        "securityContext": {**_HARDENED, "runAsUser": _FUNCTION_UID},
        "volumeMounts": [
            {"name": "run", "mountPath": "/run/inglenook"},
            # An image brings what is there.
            *(() if is_image else _CODE),
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the pod
        ],
    }


def _volumes(platform: Platform) -> list[dict[str, Any]]:
    def scratch(name: str, size: str) -> dict[str, Any]:
        return {"name": name, "emptyDir": {"sizeLimit": size}}

    return [
        scratch("run", "16Mi"),
        scratch("code", "1Gi"),
        # The most that a function may ask for: a volume's limit cannot follow what one has asked.
        # The agent ends a pod that holds more than its function's size.
        scratch("tmp", f"{limits.EPHEMERAL_STORAGE_MB_MAX}Mi"),
        scratch("agent-tmp", "1Gi"),
        {
            "name": "secret",
            "secret": {
                "secretName": platform.secret_name,
                "items": [{"key": "secret", "path": "secret"}],
                "defaultMode": 0o440,
            },
        },
    ]


_TOPOLOGY = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")


def _spread(key: str, pool: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {labels.POOL: pool, labels.STATE: labels.POOLED}},
    }


def _leave_gone_nodes() -> list[dict[str, Any]]:
    return [
        {
            "key": f"node.kubernetes.io/{taint}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": seconds,
        }
        for taint, seconds in _GONE_NODES_S.items()
    ]


def _probe(path: str, where: Mapping[str, Any], *, every_s: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, **where},
        "periodSeconds": every_s,
        "timeoutSeconds": max(1, every_s // 2),
        "failureThreshold": failures,
    }


def _from_field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    return {
        side: {**base.get(side, {}), **(over.get(side) or {})}
        for side in ("requests", "limits")
        if base.get(side) or over.get(side)
    }
