"""A plain and a rich value of every kind of document, as the operations of the API make them."""

from typing import Any

from inglenook.model import (
    code_signing,
    event_invoke,
    event_source,
    function,
    function_url,
    images,
    layer,
    lifecycle,
    policy,
    provisioned,
)
from inglenook.store import kinds
from inglenook.store.documents import Kind

SHA256 = "0123456789abcdef" * 4
ROLE = "arn:aws:iam::123456789012:role/service/robot"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:failed"
CODE = function.Code(sha256=SHA256, size_bytes=1234, unzipped_bytes=4321)
STATUS = lifecycle.created(now=1_700_000_000.5, revision="11111111-2222-3333-4444-555555555555")

Sample = tuple[Kind[Any], str, Any]


def plain_spec(name: str) -> function.Spec:
    return function.Spec(
        code=CODE,
        runtime="python3.11",
        handler="app.handler",
        role=ROLE,
        logging=function.Logging(log_group=f"/aws/lambda/{name}"),
    )


def rich_spec() -> function.Spec:
    return function.Spec(
        code=CODE,
        runtime="provided.al2023",
        handler="größe.handler",
        role=ROLE,
        logging=function.Logging(
            format="JSON", log_group="/mine", application_level="DEBUG", system_level="WARN"
        ),
        description="What it's for: “everything”",
        timeout_s=900,
        memory_mb=10_240,
        ephemeral_storage_mb=10_240,
        architecture="arm64",
        environment={"EMPTY": "", "größe": "…", "null": "null", "x.y/z": "1"},
        tracing="Active",
        layers=(
            function.Layer(arn="arn:aws:lambda:us-east-1:123456789012:layer:a:1", code=CODE),
            function.Layer(arn="arn:aws:lambda:us-east-1:123456789012:layer:b:2", code=CODE),
        ),
        dead_letter_target=QUEUE,
        kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/1",
        code_kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/2",
        vpc=function.Vpc(
            subnet_ids=("subnet-1",),
            security_group_ids=("sg-1", "sg-2"),
            ipv6_allowed_for_dual_stack=True,
        ),
        file_systems=(
            function.FileSystem(
                arn="arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-1",
                local_mount_path="/mnt/data",
                direct_s3_read="Enabled",
            ),
        ),
        snap_start=function.SnapStart.PUBLISHED_VERSIONS,
        placement=function.Placement(runtime_class="gvisor", environments_per_pod=8),
    )


def plain_function(name: str = "hello") -> function.Function:
    return function.Function(name=name, uid="uid", spec=plain_spec(name), status=STATUS)


def image_spec(uri: str = "registry.example/app:1") -> function.Spec:
    return function.Spec(
        code=function.Code(sha256=images.sha256(uri), size_bytes=0),
        runtime=None,
        handler=None,
        image=function.Image(
            uri=uri, entry_point=("/app", "--serve"), command=("app.handler",),
            working_directory="/srv",
        ),
        role=ROLE,
        logging=function.Logging(log_group="/mine"),
    )  # fmt: skip


def image_function(uri: str = "registry.example/app:1") -> function.Function:
    return function.Function(name="pictured", uid="uid", spec=image_spec(uri), status=STATUS)


def rich_function(name: str = "My_Function") -> function.Function:
    spec = rich_spec()
    return function.Function(
        name=name,
        uid="uid",
        spec=spec,
        status=STATUS,
        before_update=function.Serving(spec=spec, generation=3),
        tags={"team": "", "größe": "…"},
        last_version=12,
        last_published_generation=2,
        reserved_concurrency=0,
        runtime_management=function.RuntimeManagement(
            update_on="Manual", runtime_version_arn="arn:aws:lambda:us-east-1::runtime:abc"
        ),
        recursive_loop="Allow",
        code_signing_config="csc-0123456789abcdef0",
    )


def version(name: str, number: int, description: str = "") -> function.Version:
    spec = function.Spec(
        code=CODE,
        runtime="python3.11",
        handler="app.handler",
        role=ROLE,
        description=description,
        logging=function.Logging(log_group="/mine"),
    )
    return function.Version(
        function_name=name, function_uid="uid", number=number, spec=spec, status=STATUS
    )


def alias(name: str, alias: str, weights: dict[str, float] | None = None) -> function.Alias:
    return function.Alias(
        function_name=name,
        function_uid="uid",
        name=alias,
        function_version="1",
        additional_version_weights=weights or {},
        revision_id="revision",
    )


def url(name: str, qualifier: str | None, cors: function_url.Cors | None) -> object:
    return function_url.FunctionUrl(
        function_name=name,
        function_uid="uid",
        qualifier=qualifier,
        url_id="a" * 32,
        auth_type="AWS_IAM" if qualifier else "NONE",
        cors=cors,
        invoke_mode="RESPONSE_STREAM" if qualifier else None,
        created="2026-11-21T13:46:00.123456Z",
        last_modified="2026-11-21T13:46:00.123456Z",
    )


def statements() -> tuple[policy.Statement, ...]:
    return (
        policy.Statement(
            sid="one",
            principal={"AWS": ("arn:aws:iam::123456789012:root", "*")},
            action="lambda:InvokeFunction",
            resource="arn:aws:lambda:us-east-1:123456789012:function:hello",
            condition={"StringEquals": {"aws:SourceArn": ["a", "b"]}, "Bool": {"x": True}},
        ),
        policy.Statement(effect="Deny", not_principal="*", not_action=("a", "b"), not_resource="*"),
    )


def sources() -> list[event_source.EventSourceMapping]:
    common = {"function_name": "hello", "last_modified": 1.5, "batch_size": 10}
    return [
        event_source.EventSourceMapping(
            uuid="7d3a2d5e-8f0c-4a53-9c41-1f6c3ad4a1f1",
            qualifier=None,
            source=event_source.Source.SQS,
            event_source_arn="arn:aws:sqs:us-east-1:123456789012:q.fifo",
            function_response_types=(),
            maximum_concurrency=2,
            filters=('{"a":[1]}',),
            **common,  # type: ignore[arg-type] # of the fields' own types
        ),
        event_source.EventSourceMapping(
            uuid="7d3a2d5e-8f0c-4a53-9c41-1f6c3ad4a1f2",
            qualifier="live",
            source=event_source.Source.KINESIS,
            event_source_arn="arn:aws:kinesis:us-east-1:123456789012:stream/s",
            enabled=False,
            starting_position="AT_TIMESTAMP",
            starting_position_timestamp=1_700_000_000.25,
            on_failure=QUEUE,
            maximum_record_age_s=-1,
            maximum_retry_attempts=-1,
            bisect_batch_on_function_error=False,
            parallelization_factor=10,
            tumbling_window_s=0,
            function_response_types=("ReportBatchItemFailures",),
            tags={"a": ""},
            metrics=("EventCount",),
            kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/1",
            **common,  # type: ignore[arg-type] # of the fields' own types
        ),
        event_source.EventSourceMapping(
            uuid="7d3a2d5e-8f0c-4a53-9c41-1f6c3ad4a1f3",
            qualifier="7",
            source=event_source.Source.SELF_MANAGED_KAFKA,
            bootstrap_servers=("a:9092", "b:9092"),
            topics=("orders",),
            source_access=(
                event_source.SourceAccess(type="VPC_SUBNET", uri="subnet:1"),
                event_source.SourceAccess(type="BASIC_AUTH"),
            ),
            consumer_group_id="group",
            schema_registry=event_source.SchemaRegistry(
                uri="https://registry",
                record_format="JSON",
                access=(event_source.SourceAccess(type="BASIC_AUTH", uri="arn:x"),),
                validated=("KEY", "VALUE"),
            ),
            consumption_mode="Queue",
            pollers=event_source.Pollers(minimum=1, maximum=2000, group="g"),
            system_log_level="DEBUG",
            **common,  # type: ignore[arg-type] # of the fields' own types
        ),
        event_source.EventSourceMapping(
            uuid="7d3a2d5e-8f0c-4a53-9c41-1f6c3ad4a1f4",
            qualifier=None,
            source=event_source.Source.DOCUMENTDB,
            event_source_arn="arn:aws:rds:us-east-1:123456789012:cluster:c",
            maximum_batching_window_s=300,
            document_db=event_source.DocumentDb(database="d", collection="c"),
            queues=("q",),
            **common,  # type: ignore[arg-type] # of the fields' own types
        ),
    ]


def samples() -> list[Sample]:
    """Return documents of every kind, each with its name in the store."""
    cors = function_url.Cors(
        allow_credentials=False,
        allow_headers=("x-a",),
        allow_methods=("GET", "*"),
        allow_origins=("https://a.example",),
        expose_headers=(),
        max_age_s=0,
    )
    return [
        (kinds.FUNCTION, "hello", plain_function()),
        (kinds.FUNCTION, "My_Function", rich_function()),
        (kinds.FUNCTION, "x" * 64, plain_function("x" * 64)),
        (kinds.FUNCTION, "pictured", image_function()),
        (kinds.VERSION, kinds.version_name("hello", 1), version("hello", 1, "the first")),
        (kinds.VERSION, kinds.version_name("A_b", 12), version("A_b", 12)),
        (kinds.ALIAS, kinds.alias_name("hello", "live"), alias("hello", "live")),
        (kinds.ALIAS, kinds.alias_name("A_b", "PROD"), alias("A_b", "PROD", {"2": 0.125})),
        (kinds.URL, kinds.qualified_name("hello", None), url("hello", None, None)),
        (kinds.URL, kinds.qualified_name("hello", "live"), url("hello", "live", cors)),
        (
            kinds.PROVISIONED,
            kinds.qualified_name("hello", "7"),
            provisioned.ProvisionedConcurrency(
                function_name="hello",
                function_uid="uid",
                qualifier="7",
                requested=3,
                last_modified="2026-11-21T13:46:00+0000",
            ),
        ),
        (
            kinds.EVENT_INVOKE,
            kinds.qualified_name("hello", function.LATEST),
            event_invoke.EventInvokeConfig(
                function_name="hello",
                function_uid="uid",
                qualifier=function.LATEST,
                last_modified=1.5,
                maximum_retry_attempts=0,
            ),
        ),
        (
            kinds.EVENT_INVOKE,
            kinds.qualified_name("hello", "PROD"),
            event_invoke.EventInvokeConfig(
                function_name="hello",
                function_uid="uid",
                qualifier="PROD",
                last_modified=1.5,
                maximum_event_age_s=60,
                on_success=QUEUE,
                on_failure=QUEUE,
            ),
        ),
        *(
            (
                kinds.POLICY,
                kinds.qualified_name("hello", qualifier),
                policy.Policy(
                    function_name="hello",
                    function_uid="uid",
                    qualifier=qualifier,
                    statements=statements(),
                ),
            )
            for qualifier in (None, "live")
        ),
        (kinds.LAYER, "deps", layer.Layer(name="deps", last_version=1)),
        (kinds.LAYER, "Deps_2", layer.Layer(name="Deps_2")),
        (
            kinds.LAYER_VERSION,
            kinds.layer_version_name("deps", 1),
            layer.LayerVersion(
                layer_name="deps",
                number=1,
                code=CODE,
                created="2026-11-21T13:46:00.000+0000",
                description="a",
                license_info="MIT",
                compatible_runtimes=("python3.11",),
                compatible_architectures=("x86_64", "arm64"),
                statements=statements()[:1],
            ),
        ),
        (
            kinds.CODE_SIGNING,
            "csc-0123456789abcdef0",
            code_signing.CodeSigningConfig(
                id="csc-0123456789abcdef0",
                description="d",
                allowed_publishers=("arn:aws:signer:us-east-1:123456789012:/signing-profiles/p/v",),
                untrusted_artifact_on_deployment="Enforce",
                last_modified="2026-11-21T13:46:00.000+0000",
                tags={"a": "b"},
            ),
        ),
        *((kinds.EVENT_SOURCE, one.uuid, one) for one in sources()),
    ]
