"""All settings of the platform, and the only place that reads the process environment.

Every field has a default, a unit in its name and a sentence. A field is set by the variable
`INGLENOOK_<GROUP>_<FIELD>`; all mistakes are reported together, naming the variables.
"""

import dataclasses
import enum
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from inglenook.model import limits


class SettingsError(Exception):
    """The environment holds settings that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The Lambda API and the invoke path."""

    account_concurrency: int = limits.CONCURRENT_EXECUTIONS_DEFAULT
    """Concurrent executions of all functions together (the account's quota)."""
    code_storage_bytes: int = limits.CODE_STORAGE_BYTES_MAX
    """What all zips of functions, versions and layer versions may take (the account's quota)."""
    queue_timeout_s: float = 60.0
    """How long an admitted invocation may wait for an environment before it fails with 500."""
    starts_in_flight: int = 32
    """How many environments may be starting at once; more wait their turn."""
    environment_idle_timeout_s: float = 600.0
    """How long an environment without work is kept."""
    answer_grace_s: float = 30.0
    """How long past a function's timeout an agent may stay silent before it is given up."""
    strict_runtimes: bool = False
    """Whether runtimes that AWS has retired are refused, as AWS does, instead of warned of."""
    connection_idle_timeout_s: float = 75.0
    """How long a connection may take for the whole head of its next request."""
    uploads_bytes: int = 512 * limits.MIB
    """How much of the bodies of calls other than invocations may be in memory at once; while there
    is no room, further ones are refused with 429."""
    request_rate_limit: bool = False
    """Whether synchronous requests are limited to ten a second for each unit of concurrency, and
    for each environment, as AWS does."""
    api_rate_limit: bool = False
    """Whether calls of the API but invocations are limited as AWS does: 100 a second of
    GetFunction, 15 of GetPolicy, and 15 of all others together."""
    drain_timeout_s: float = 10.0
    """How long invocations in flight may take when the process stops."""
    drain_delay_s: float = 3.0
    """How long a gateway of several goes on serving once it has said that it will stop: until
    nobody sends it anything new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Asynchronous invocations."""

    event_concurrency: int = 100
    """How many events may be under way at once."""
    lease_s: float = 60.0
    """How long a claimed event is left to its worker without a sign of life."""
    queue_bytes: int = 2 * 1024 * limits.MIB
    """How much may wait; further events are refused with 429."""
    queue_events: int = 1_000_000
    """How many events may wait; further ones are refused with 429."""
    time_scale: float = 1.0
    """How much faster than in reality the delays between attempts pass; for tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """Services beside Lambda that the platform itself calls: S3 for code, queues and topics."""

    endpoint_url: str = ""
    """Where they are served; empty: AWS's own, found and signed for as AWS's tools do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Execution environments."""

    init_timeout_s: float = limits.INIT_TIMEOUT_S
    """How long init may take before it is killed and left to the first invocation."""
    spares: int = 2
    """How many forked processes are kept ready for each interpreter."""
    stream_bytes_per_s: int = limits.STREAM_BYTES_PER_S
    """How fast a streamed answer goes once its first 6 MB have; 0: as fast as it can."""
    sandbox: bool = True
    """Whether to put walls around functions, as far as the kernel has them: files, processes, /tmp,
    system calls."""
    runtime: str = ""
    """In a pod, the runtime that the function's image is for; empty: what its interpreter tells."""
    image: str = ""
    """In a pod of a function whose code is a container image, that image; empty: of none."""
    init_source: str = "/usr/lib/inglenook/init"
    """Where the program lies that starts an image's."""
    init_file: str = "/run/inglenook/init"
    """Where the agent of such a pod puts it, for the function's container."""
    environments_max: int = 1
    """How many environments a pod holds of a function that does not say."""
    orphan_timeout_s: float = 60.0
    """How long a pod waits for a gateway to adopt it when its own has gone."""
    drain_timeout_s: float = limits.TIMEOUT_S_MAX
    """How long what runs in a pod may take when the pod is asked to end."""
    linger_s: float = 10.0
    """How long the agent of a pod that has ended waits to be told so."""
    status_port: int = 9601
    """Where the agent of a pod answers probes and shows its metrics."""
    code_folder: str = "/code"
    """Where the agent of a pod puts code: in `task` and `opt`."""
    packages_folder: str = "/tmp/packages"  # noqa: S108 - a volume of its own
    """Where it keeps zips until then."""
    spawner_socket: str = "/run/inglenook/spawner.sock"
    """Where the function's container connects."""
    task_folder: str = "/var/task"
    """Where that container sees `task`."""
    opt_folder: str = "/opt"
    """Where that container sees `opt`."""
    tmp_folder: str = "/tmp"  # noqa: S108 - the container's own
    """Where that container has its /tmp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What a part of the platform that runs in a pod has to know of the cluster."""

    functions_namespace: str = "default"
    """Where the custom resources are, and the pods that run functions."""
    namespace: str = "inglenook"
    """Where the platform's own parts run."""
    pod_name: str = ""
    """This pod's."""
    pod_ip: str = ""
    """This pod's: where other parts reach it."""
    gateways_service: str = "inglenook-gateways"
    """The headless service whose ready endpoints are the gateways."""
    secret_file: str = "/etc/inglenook/secret/secret"  # noqa: S105 - a path
    """What the platform's parts prove themselves to each other with; no function sees it."""
    nats_url: str = "nats://inglenook-nats:4222"
    """Where the engine is; several are separated by commas."""
    nats_replicas: int = 1
    """In how many servers everything durable is kept."""
    http_port: int = 9550
    """Where a gateway serves the Lambda API."""
    peers_port: int = 9551
    """Where a gateway listens for other gateways and workers."""
    status_port: int = 9552
    """Where every part answers probes (`/live`, `/ready`) and shows its metrics (`/metrics`)."""
    agent_port: int = 9600
    """Where an agent listens for gateways."""
    region: str = "us-east-1"
    account: str = "000000000000"
    public_url: str = ""
    """The Lambda API's address as clients see it, for addresses in answers; empty: the Host that a
    client has named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """What the platform tells of itself and of functions, beside their logs."""

    otlp_endpoint: str = ""
    """Where traces go, as OTLP over HTTP (`http://collector:4318`); empty: nowhere."""


class CpuLimits(enum.Enum):
    """How much CPU the pod of a function may use at most."""

    NONE = "none"
    PROPORTIONAL = "proportional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """What keeps a cluster as its custom resources declare."""

    api_url: str = ""
    """Where the operator finds the Lambda API; empty: the Service `inglenook-gateway` in the
    platform's namespace."""
    agent_image: str = "inglenook/agent:dev"
    """The sidecar of every function pod."""
    agent_image_pull_policy: str = "IfNotPresent"
    """When nodes pull it: `IfNotPresent`, `Always` or `Never`."""
    image_pull_policy: str = "IfNotPresent"
    """When nodes pull the container images that are functions' code: `IfNotPresent`, `Always` or
    `Never`."""
    image_pull_secrets: str = ""
    """Names of Secrets in the functions' namespace to pull those images with, between commas."""
    image_pool_max: int = 20
    """How many pods of one such image wait at most, after much demand. Without any none waits."""
    secret_name: str = "inglenook-secret"  # noqa: S105 - a resource's name
    """The Secret in the functions' namespace that agents prove themselves with."""
    cpu_limits: CpuLimits = CpuLimits.NONE
    """What bounds a function's CPU: `none`, its pod's share of a node alone, which follows its
    memory; `proportional`, a limit that does, as on Lambda (a full vCPU at 1,769 MB)."""
    lease_duration_s: float = 10.0
    """How long a replica waits for a silent leader before it leads itself."""
    resync_interval_s: float = 60.0
    """How often everything is listed and looked at, whether anything has happened or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process."""

    gateway: Gateway = field(default_factory=Gateway)
    agent: Agent = field(default_factory=Agent)
    worker: Worker = field(default_factory=Worker)
    aws: Aws = field(default_factory=Aws)
    cluster: Cluster = field(default_factory=Cluster)
    operator: Operator = field(default_factory=Operator)
    telemetry: Telemetry = field(default_factory=Telemetry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubernetes:
    """Where Kubernetes itself says that its API is: no setting of the platform's."""

    service_host: str = ""
    """In a pod: the API server; empty elsewhere."""
    service_port: str = "443"
    kubeconfig: str = ""
    """Files that say which cluster a user uses, as KUBECONFIG has them; empty: the usual one."""


def kubernetes(environment: Mapping[str, str] | None = None) -> Kubernetes:
    """Read what pods and users of Kubernetes have in their environment."""
    variables = os.environ if environment is None else environment
    return Kubernetes(
        service_host=variables.get("KUBERNETES_SERVICE_HOST", ""),
        service_port=variables.get("KUBERNETES_SERVICE_PORT", "443"),
        kubeconfig=variables.get("KUBECONFIG", ""),
    )


_POSITIVE = frozenset(
    {"event_concurrency", "lease_s", "time_scale", "lease_duration_s", "resync_interval_s"}
)
"""What can be anything but zero."""

G = TypeVar("G", Gateway, Agent, Worker, Aws, Cluster, Telemetry, Operator)


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises SettingsError with all mistakes in one message."""
    variables = os.environ if environment is None else environment
    mistakes: list[str] = []
    settings = Settings(
        gateway=_group(Gateway, "GATEWAY", variables, mistakes),
        agent=_group(Agent, "AGENT", variables, mistakes),
        worker=_group(Worker, "WORKER", variables, mistakes),
        aws=_group(Aws, "AWS", variables, mistakes),
        cluster=_group(Cluster, "CLUSTER", variables, mistakes),
        operator=_group(Operator, "OPERATOR", variables, mistakes),
        telemetry=_group(Telemetry, "TELEMETRY", variables, mistakes),
    )
    if mistakes:
        raise SettingsError("; ".join(mistakes))
    return settings


def _group(kind: type[G], prefix: str, variables: Mapping[str, str], mistakes: list[str]) -> G:
    values: dict[str, object] = {}
    for each in dataclasses.fields(kind):
        name = f"INGLENOOK_{prefix}_{each.name.upper()}"
        text = variables.get(name)
        if text is None:
            continue
        try:
            values[each.name] = _parsed(text, each.type)
            if not values[each.name] and each.name in _POSITIVE:
                raise ValueError(text)  # noqa: TRY301 - one mistake like any other
        except ValueError:
            mistakes.append(f"{name}={text!r} is not a valid {_kind_name(each.type)}")
    return kind(**values)  # type: ignore[arg-type] # checked by _parsed, field by field


def _parsed(text: str, kind: object) -> object:
    if kind is bool:
        lowered = text.lower()
        if lowered not in {"true", "false", "1", "0"}:
            raise ValueError(text)
        return lowered in {"true", "1"}
    if kind is str:
        return text
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(text)
    number = int(text) if kind is int else float(text)
    if number < 0:
        raise ValueError(text)
    return number


def _kind_name(kind: object) -> str:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return f"one of {', '.join(each.value for each in kind)}"
    return {bool: "boolean", int: "whole number"}.get(kind, "number")  # type: ignore[call-overload, no-any-return] # keyed by the types above
