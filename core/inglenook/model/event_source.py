"""Event source mappings: which records of which queue, stream or topic a function is to receive.

A mapping names its function and does not belong to it: it outlives a function that is deleted, and
serves the next one of that name. It keeps what was asked for (`enabled`); whether anything polls
the source is not its business.
"""

import enum

import msgspec

from inglenook.model import arn


class Source(enum.Enum):
    """The kinds of event sources, which differ in their members, limits and defaults."""

    SQS = "sqs"
    KINESIS = "kinesis"
    DYNAMODB = "dynamodb"
    MSK = "msk"
    SELF_MANAGED_KAFKA = "self-managed-kafka"
    MQ = "mq"
    DOCUMENTDB = "documentdb"


STREAMS = frozenset((Source.KINESIS, Source.DYNAMODB))
KAFKA = frozenset((Source.MSK, Source.SELF_MANAGED_KAFKA))

QUEUE_MODE = "Queue"
"""The consumption mode of a Kafka share group; the other, and the default, is a consumer group."""
AT_TIMESTAMP = "AT_TIMESTAMP"
INFINITE = -1
"""Of record ages and retries: until the source itself drops the record."""

_FIFO = ".fifo"
_SERVICES = {
    "sqs": (Source.SQS, ("",)),
    "kinesis": (Source.KINESIS, ("stream/",)),
    "dynamodb": (Source.DYNAMODB, ("table/",)),
    "kafka": (Source.MSK, ("cluster/", "vpc-connection/")),
    "mq": (Source.MQ, ("broker:",)),
    "rds": (Source.DOCUMENTDB, ("cluster:",)),
}


class SourceAccess(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How to be let in to a source: a secret, a subnet, a virtual host and so on."""

    type: str
    uri: str | None = None


class SchemaRegistry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where the schemas of Kafka records are, and which parts are validated."""

    uri: str | None = None
    record_format: str | None = None
    access: tuple[SourceAccess, ...] = ()
    validated: tuple[str, ...] = ()
    """`KEY` and `VALUE`."""


class Pollers(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many pollers a source has that is polled in provisioned mode."""

    minimum: int
    maximum: int
    group: str | None = None


class DocumentDb(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which changes of a DocumentDB cluster are read."""

    database: str
    collection: str | None = None
    """None: all of the database."""
    full_document: str = "Default"


class EventSourceMapping(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One mapping. None: the source does not have it, or it was not given and is not shown."""

    uuid: str
    function_name: str
    qualifier: str | None
    """As the request had it; None: the unqualified function."""
    source: Source
    event_source_arn: str | None = None
    """None for a self-managed Kafka cluster, which has `bootstrap_servers`."""
    enabled: bool = True
    """What was asked for."""
    last_modified: float
    """Seconds since the epoch."""
    tags: dict[str, str] = {}

    batch_size: int
    maximum_batching_window_s: int | None = None
    filters: tuple[str, ...] = ()
    """Patterns; a record passes if it matches one of them, or if there are none."""
    function_response_types: tuple[str, ...] | None = None
    kms_key_arn: str | None = None
    metrics: tuple[str, ...] = ()
    system_log_level: str | None = None

    maximum_concurrency: int | None = None
    pollers: Pollers | None = None

    starting_position: str | None = None
    starting_position_timestamp: float | None = None
    """Seconds since the epoch."""
    on_failure: str | None = None
    """The destination of records that are given up: an ARN, or `kafka://` and a topic."""
    maximum_record_age_s: int | None = None
    maximum_retry_attempts: int | None = None
    bisect_batch_on_function_error: bool | None = None
    parallelization_factor: int | None = None
    tumbling_window_s: int | None = None

    topics: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    source_access: tuple[SourceAccess, ...] = ()
    bootstrap_servers: tuple[str, ...] = ()
    consumer_group_id: str | None = None
    schema_registry: SchemaRegistry | None = None
    consumption_mode: str | None = None
    document_db: DocumentDb | None = None

    @property
    def is_fifo(self) -> bool:
        """Whether the source is a FIFO queue."""
        return self.source is Source.SQS and (self.event_source_arn or "").endswith(_FIFO)

    def reads_as(self, other: "EventSourceMapping") -> bool:
        """Whether two mappings give the same records to the same function.

        Two of one cluster or broker do not if they read different topics, queues or collections.
        """
        if self.part != other.part:
            return False
        if self.event_source_arn is None or other.event_source_arn is None:
            same = set(self.bootstrap_servers) & set(other.bootstrap_servers)
        else:
            same = {self.event_source_arn} & {other.event_source_arn}
        return bool(same)

    @property
    def part(self) -> tuple[object, ...]:
        """For whom this is, and what of its source it reads."""
        changes = self.document_db and (self.document_db.database, self.document_db.collection)
        return self.function_name, self.qualifier, self.topics, self.queues, changes


def source_of(event_source_arn: str) -> Source | None:
    """Return what kind of source an ARN names; None for what cannot be one."""
    parts = event_source_arn.split(":", 5)
    if len(parts) < 6 or not parts[5]:
        return None
    source, prefixes = _SERVICES.get(parts[2], (None, ()))
    if not parts[5].startswith(prefixes):
        return None
    # A table is no source; its stream is.
    is_table = source is Source.DYNAMODB and "/stream/" not in parts[5]
    return None if is_table else source


def mapping_arn(uuid: str, *, region: str, account: str) -> str:
    """Return the ARN of a mapping."""
    return f"arn:{arn.partition(region)}:lambda:{region}:{account}:event-source-mapping:{uuid}"
