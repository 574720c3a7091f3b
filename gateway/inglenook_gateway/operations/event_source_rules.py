"""What an event source mapping must be, beyond what the service model says of each member. Pure.

Told of the whole mapping, so that an update is judged with what it leaves as it is.
"""

from collections.abc import Mapping

from inglenook import errors
from inglenook.model import event_source, limits
from inglenook.model.event_source import KAFKA, STREAMS, EventSourceMapping, Source
from inglenook_gateway.operations import event_source_filters

_SECRETS = frozenset(("SASL_SCRAM_512_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH"))
_ACCESS: Mapping[Source, frozenset[str]] = {
    Source.MQ: frozenset(("BASIC_AUTH", "VIRTUAL_HOST")),
    Source.DOCUMENTDB: frozenset(("BASIC_AUTH",)),
    Source.MSK: _SECRETS,
    Source.SELF_MANAGED_KAFKA: _SECRETS
    | {
        *("BASIC_AUTH", "VPC_SUBNET", "VPC_SECURITY_GROUP", "SASL_SCRAM_256_AUTH"),
        *("SERVER_ROOT_CA_CERTIFICATE", "IAM_AUTH", "IAM_OAUTHBEARER_AUTH"),
        *("OAUTHBEARER_AUTH", "OAUTHBEARER_SCOPE", "OAUTHBEARER_AUDIENCE"),
        *("OAUTHBEARER_LOGICAL_CLUSTER", "OAUTHBEARER_IDENTITY_POOL"),
    },
}
"""model:SourceAccessConfiguration.Type says for each whose it is."""

_DESTINATIONS = frozenset(("sqs", "sns", "s3"))
_TOPIC = "kafka://"


def check(mapping: EventSourceMapping, *, now: float) -> None:
    """Raise InvalidParameterValueError for the first rule that a mapping breaks."""
    _check_position(mapping, now)
    _check_batching(mapping)
    _check_age(mapping)
    _check_destination(mapping)
    _check_pollers(mapping)
    _check_access(mapping)
    _check_kafka(mapping)
    _check_metrics(mapping)
    if mapping.source is Source.DOCUMENTDB and not (
        mapping.document_db and mapping.document_db.database
    ):
        raise _refused("Required 'documentDBEventSourceConfig.databaseName' parameter is missing.")
    event_source_filters.check(mapping.filters)


def _check_position(mapping: EventSourceMapping, now: float) -> None:
    position, timestamp = mapping.starting_position, mapping.starting_position_timestamp
    if position is None and mapping.source in STREAMS:
        raise _refused(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
            "constraint: Member must not be null."
        )
    if position != event_source.AT_TIMESTAMP:
        if timestamp is not None:
            raise _refused("Timestamp only valid with StartingPosition AT_TIMESTAMP")
        return
    if mapping.source is Source.DYNAMODB:
        raise _refused(f"Unsupported starting position for arn type: {mapping.event_source_arn}")
    if timestamp is None:
        raise _refused("StartingPositionTimestamp is required with StartingPosition AT_TIMESTAMP")
    if timestamp > now:
        raise _refused("StartingPositionTimestamp cannot be in the future")


def _check_batching(mapping: EventSourceMapping) -> None:
    if mapping.source is not Source.SQS:
        return
    if mapping.is_fifo:
        if mapping.batch_size > limits.SQS_FIFO_BATCH_MAX:
            raise _refused(
                f"BatchSize can be at most {limits.SQS_FIFO_BATCH_MAX} for FIFO queues: "
                f"{mapping.batch_size}"
            )
        if mapping.maximum_batching_window_s:
            raise _refused("Batching window is not supported for FIFO queues")
    elif (
        mapping.batch_size > limits.SQS_BATCH_WITHOUT_WINDOW_MAX
        and not mapping.maximum_batching_window_s
    ):
        raise _refused(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            "greater than 10"
        )


def _check_age(mapping: EventSourceMapping) -> None:
    age = mapping.maximum_record_age_s
    if age is None or age == event_source.INFINITE:
        return
    if age < limits.RECORD_AGE_S_MIN:
        raise _refused(
            f"MaximumRecordAgeInSeconds must be {event_source.INFINITE} or at least "
            f"{limits.RECORD_AGE_S_MIN}: {age}"
        )


def _check_destination(mapping: EventSourceMapping) -> None:
    target = mapping.on_failure
    if target is None:
        return
    if target.startswith(_TOPIC):
        fits = mapping.source in KAFKA
    else:
        parts = target.split(":", 5)
        fits = parts[2] in _DESTINATIONS and bool(parts[5]) and not target.endswith(".fifo")
    if not fits:
        raise _refused(
            "The provided destination config DestinationConfig(onSuccess=null, "
            f"onFailure=OnFailure(destination={target})) is invalid."
        )


def _check_pollers(mapping: EventSourceMapping) -> None:
    pollers = mapping.pollers
    if pollers is None:
        return
    if pollers.minimum > pollers.maximum:
        raise _refused(
            f"MinimumPollers ({pollers.minimum}) is more than MaximumPollers ({pollers.maximum})"
        )
    if mapping.source is not Source.SQS:
        if pollers.maximum > limits.KAFKA_POLLERS_MAX:
            raise _refused(
                f"MaximumPollers can be at most {limits.KAFKA_POLLERS_MAX}: {pollers.maximum}"
            )
        return
    if pollers.minimum < limits.SQS_POLLERS_MIN:
        raise _refused(
            f"MinimumPollers must be at least {limits.SQS_POLLERS_MIN}: {pollers.minimum}"
        )
    if pollers.group is not None:
        raise _refused("PollerGroupName is not supported for SQS event sources.")
    if mapping.maximum_concurrency is not None:
        # dg/services-sqs-scaling.html: the two are alternatives.
        raise _refused("ProvisionedPollerConfig and MaximumConcurrency cannot be used together.")


def _check_access(mapping: EventSourceMapping) -> None:
    allowed = _ACCESS.get(mapping.source, frozenset())
    for access in mapping.source_access:
        if access.type not in allowed:
            raise _refused(
                f"The source access type {access.type or 'null'} is not supported for this event "
                "source."
            )


def _check_kafka(mapping: EventSourceMapping) -> None:
    if mapping.schema_registry is not None and mapping.pollers is None:
        # dg/services-consume-kafka-events.html: schema registries need provisioned mode.
        raise _refused("SchemaRegistryConfig needs a ProvisionedPollerConfig.")
    if mapping.schema_registry is not None and not mapping.schema_registry.validated:
        raise _refused("SchemaRegistryConfig needs SchemaValidationConfigs.")
    if mapping.consumption_mode == event_source.QUEUE_MODE:
        _check_queue_mode(mapping)


def _check_queue_mode(mapping: EventSourceMapping) -> None:
    for member, is_used in (
        ("StartingPosition", mapping.starting_position is not None),
        ("MaximumBatchingWindowInSeconds", mapping.maximum_batching_window_s is not None),
        ("MaximumRetryAttempts -1", mapping.maximum_retry_attempts == event_source.INFINITE),
    ):
        if is_used:
            raise _refused(f"{member} is not supported when ConsumptionMode is Queue.")


def _check_metrics(mapping: EventSourceMapping) -> None:
    if mapping.source in KAFKA:
        return
    for metric in mapping.metrics:
        if metric != "EventCount":
            raise _refused(f"The metric {metric} is not supported for this event source.")


def _refused(text: str) -> errors.InvalidParameterValueError:
    return errors.InvalidParameterValueError(text)
