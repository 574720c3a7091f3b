"""The custom resource EventSourceMapping."""

from crd_schemas.definition import Definition
from crd_schemas.fields import (
    ARN,
    FUNCTION_NAME,
    QUALIFIER,
    Schema,
    choice,
    column,
    flag,
    record,
    records,
    table,
    text,
    texts,
    whole,
)
from crd_schemas.statuses import status

from inglenook.model import limits


def _accesses(description: str) -> Schema:
    return records(
        description,
        record(
            "One of them.",
            {
                "type": text("What it is: BASIC_AUTH, VPC_SUBNET, VIRTUAL_HOST …"),
                "uri": text("Its value: the ARN of a secret, a subnet, a name."),
            },
        ),
        maxItems=23,
    )


def _kafka(extra: Schema) -> Schema:
    registry = record(
        "Where the schemas of records are.",
        {
            "schemaRegistryUri": text("The registry."),
            "eventRecordFormat": choice("What the function gets.", "JSON", "SOURCE"),
            "accessConfigs": _accesses("How to be let in to the registry."),
            "schemaValidationConfigs": records(
                "What is validated.",
                record("One part.", {"attribute": choice("The part.", "KEY", "VALUE")}),
            ),
        },
    )
    group = text("The consumer group; a new one if none is given.", maxLength=200)
    return {"consumerGroupId": group, "schemaRegistryConfig": registry, **extra}


_MODE = choice(
    "Whether a consumer group (Stream) or a share group (Queue) reads.", *("Stream", "Queue")
)

_PROPERTIES: dict[str, Schema] = {
    "functionName": text(
        "The function that receives the records, by its name.",
        minLength=1,
        maxLength=limits.FUNCTION_NAME_LENGTH_MAX,
        pattern=FUNCTION_NAME,
    ),
    "qualifier": text(
        "The version or alias that receives them; $LATEST if none is given.",
        maxLength=128,
        pattern=QUALIFIER,
    ),
    "eventSourceArn": text("The queue, stream, table or cluster.", pattern=ARN),
    "enabled": flag("Whether records are to be read.", default=True),
    "batchSize": whole("How many records go into one invocation.", minimum=1, maximum=10_000),
    "maximumBatchingWindowInSeconds": whole(
        "How long records are gathered.", minimum=0, maximum=300
    ),
    "filterCriteria": record(
        "Which records the function receives.",
        {
            "filters": records(
                "A record passes if it matches one of these.",
                record("One filter.", {"pattern": text("A pattern, as JSON.", maxLength=4096)}),
                maxItems=10,
            )
        },
    ),
    "functionResponseTypes": texts(
        "ReportBatchItemFailures: the function says which records failed.",
        each={"enum": ["ReportBatchItemFailures"]},
        maxItems=1,
    ),
    "kmsKeyArn": text("The key of the filters. Kept only.", pattern=ARN),
    "metricsConfig": record(
        "Which metrics are kept.",
        {"metrics": texts("EventCount, ErrorCount, KafkaMetrics.", maxItems=3)},
    ),
    "loggingConfig": record(
        "How reading is logged.",
        {"systemLogLevel": choice("The least level.", "DEBUG", "INFO", "WARN")},
    ),
    "scalingConfig": record(
        "How much a queue's records may make the function scale.",
        {"maximumConcurrency": whole("Invocations at once.", minimum=2, maximum=1000)},
    ),
    "provisionedPollerConfig": record(
        "How many pollers read.",
        {
            "minimumPollers": whole("At least.", minimum=1),
            "maximumPollers": whole("At most.", minimum=1),
            "pollerGroupName": text("A group that shares pollers.", maxLength=128),
        },
    ),
    "startingPosition": choice(
        "Where reading a stream begins.", "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"
    ),
    "startingPositionTimestamp": {
        "type": "number",
        "description": "Where it begins with AT_TIMESTAMP, in seconds since 1970.",
    },
    "destinationConfig": record(
        "Where records go that were given up.",
        {
            "onFailure": record(
                "Records that failed.", {"destination": text("An ARN, or kafka:// and a topic.")}
            )
        },
    ),
    "maximumRecordAgeInSeconds": whole("How old records may get; -1 is for ever.", minimum=-1),
    "maximumRetryAttempts": whole("How often they are tried again; -1 is for ever.", minimum=-1),
    "bisectBatchOnFunctionError": flag("Whether a batch that failed is tried again in halves."),
    "parallelizationFactor": whole("Batches of one shard at once.", minimum=1, maximum=10),
    "tumblingWindowInSeconds": whole(
        "How long a window of aggregation is.", minimum=0, maximum=900
    ),
    "topics": texts("The topic of a Kafka cluster.", maxItems=1),
    "queues": texts("The queue of a broker.", maxItems=1),
    "sourceAccessConfigurations": _accesses("How to be let in to the source."),
    "selfManagedEventSource": record(
        "A Kafka cluster of your own.",
        {
            "endpoints": table(
                "KAFKA_BOOTSTRAP_SERVERS and a list of `host:port`.",
                each={"type": "array", "items": {"type": "string"}},
            )
        },
    ),
    "amazonManagedKafkaEventSourceConfig": record("How MSK is read.", _kafka({})),
    "selfManagedKafkaEventSourceConfig": record(
        "How a Kafka cluster of your own is read.", _kafka({"consumptionMode": _MODE})
    ),
    "documentDbEventSourceConfig": record(
        "Which changes of a DocumentDB cluster are read.",
        {
            "databaseName": text("The database."),
            "collectionName": text("The collection; all of them if none is given."),
            "fullDocument": choice("What of an update is read.", "UpdateLookup", "Default"),
        },
    ),
    "tags": table("Names and values of your own.", maxProperties=limits.TAGS_MAX),
}


def event_source_mapping() -> Definition:
    """Return the definition of EventSourceMapping."""
    return Definition(
        kind="EventSourceMapping",
        plural="eventsourcemappings",
        description=(
            "Which records of a queue, a stream or a topic a function receives. Made through "
            "the Lambda API, which gives it its name, a UUID."
        ),
        spec=record(
            "What is read, and how: the members of Lambda's CreateEventSourceMapping, in "
            "camelCase.",
            _PROPERTIES,
            required=("functionName",),
        ),
        status=status({"source": text("What kind of source it is.")}),
        short_names=("esm",),
        columns=(
            column("Function", ".spec.functionName"),
            column("Source", ".status.source"),
            column("Enabled", ".spec.enabled", "boolean"),
            column("Batch", ".spec.batchSize", "integer"),
            column("ARN", ".spec.eventSourceArn", priority=1),
        ),
    )
