"""From the members of a request to an event source mapping. Pure.

Which members a source takes, what they are when they are not given, and how they are kept. Whether
what comes out can be is judged by `event_source_rules`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from inglenook import errors
from inglenook.model import event_source, limits
from inglenook.model.arn import FunctionRef
from inglenook.model.event_source import KAFKA, STREAMS, EventSourceMapping, Source

_POSITIONED = frozenset(Source) - {Source.SQS, Source.MQ}
_RETRYING = STREAMS | KAFKA

_TAKEN_BY: Mapping[str, frozenset[Source]] = {
    "SelfManagedEventSource": frozenset((Source.SELF_MANAGED_KAFKA,)),
    "ScalingConfig": frozenset((Source.SQS,)),
    "ProvisionedPollerConfig": KAFKA | {Source.SQS},
    "StartingPosition": _POSITIONED,
    "StartingPositionTimestamp": _POSITIONED,
    "ParallelizationFactor": STREAMS,
    "TumblingWindowInSeconds": STREAMS,
    "BisectBatchOnFunctionError": _RETRYING,
    "MaximumRecordAgeInSeconds": _RETRYING,
    "MaximumRetryAttempts": _RETRYING,
    "DestinationConfig": _RETRYING,
    "FunctionResponseTypes": _RETRYING | {Source.SQS},
    "LoggingConfig": KAFKA,
    "Topics": KAFKA,
    "Queues": frozenset((Source.MQ,)),
    "SourceAccessConfigurations": KAFKA | {Source.MQ, Source.DOCUMENTDB},
    "AmazonManagedKafkaEventSourceConfig": frozenset((Source.MSK,)),
    "SelfManagedKafkaEventSourceConfig": frozenset((Source.SELF_MANAGED_KAFKA,)),
    "DocumentDBEventSourceConfig": frozenset((Source.DOCUMENTDB,)),
}
"""The members that not every source takes: api/API_CreateEventSourceMapping.html says for each."""

_NEEDED_BY: Mapping[Source, tuple[str, ...]] = {
    Source.MSK: ("Topics",),
    Source.SELF_MANAGED_KAFKA: ("Topics", "SourceAccessConfigurations"),
    Source.MQ: ("Queues", "SourceAccessConfigurations"),
    Source.DOCUMENTDB: ("DocumentDBEventSourceConfig", "SourceAccessConfigurations"),
}

_KEPT_AS: Mapping[str, str] = {
    "Enabled": "enabled",
    "BatchSize": "batch_size",
    "MaximumBatchingWindowInSeconds": "maximum_batching_window_s",
    "ParallelizationFactor": "parallelization_factor",
    "StartingPosition": "starting_position",
    "MaximumRecordAgeInSeconds": "maximum_record_age_s",
    "BisectBatchOnFunctionError": "bisect_batch_on_function_error",
    "MaximumRetryAttempts": "maximum_retry_attempts",
    "TumblingWindowInSeconds": "tumbling_window_s",
}


def source(params: Mapping[str, Any]) -> Source:
    """Return what kind of source a request to create a mapping names."""
    event_source_arn = params.get("EventSourceArn")
    if event_source_arn:
        found = event_source.source_of(event_source_arn)
    else:
        found = Source.SELF_MANAGED_KAFKA if params.get("SelfManagedEventSource") else None
    if found is None:
        raise errors.InvalidParameterValueError("Unrecognized event source.")
    return found


def check_taken(source: Source, params: Mapping[str, Any]) -> None:
    """Raise InvalidParameterValueError for a member that this kind of source does not take."""
    for member, sources in _TAKEN_BY.items():
        if params.get(member) is None or source in sources:
            continue
        if source is Source.SQS and member.startswith("StartingPosition"):
            text = "StartingPosition is not valid for SQS event sources."
        elif member == "DestinationConfig":
            text = "Unsupported DestinationConfig parameter for given event source mapping type."
        else:
            text = _unsupported(_lower(member))
        raise errors.InvalidParameterValueError(text)


def check_needed(source: Source, params: Mapping[str, Any]) -> None:
    """Raise InvalidParameterValueError if a member is absent that this kind of source needs."""
    for member in _NEEDED_BY.get(source, ()):
        if not params.get(member):
            raise errors.InvalidParameterValueError(
                f"Required '{_lower(member)}' parameter is missing."
            )


def check_changeable(params: Mapping[str, Any]) -> None:
    """Raise InvalidParameterValueError for what is fixed when a mapping is created."""
    for block in ("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig"):
        for member in ("ConsumerGroupId", "ConsumptionMode"):
            if (params.get(block) or {}).get(member) is not None:
                raise errors.InvalidParameterValueError(
                    _unsupported(f"{_lower(block)}.{_lower(member)}")
                )
    if any(
        one.get("Type") == "VIRTUAL_HOST" for one in params.get("SourceAccessConfigurations") or ()
    ):
        raise errors.InvalidParameterValueError("VIRTUAL_HOST cannot be updated.")


def empty(
    uuid: str, ref: FunctionRef, kind: Source, params: Mapping[str, Any], now: float
) -> EventSourceMapping:
    """Return a mapping of a request's source with nothing but defaults."""
    servers = (params.get("SelfManagedEventSource") or {}).get("Endpoints") or {}
    is_stream, is_sqs = kind in STREAMS, kind is Source.SQS
    # The other sources wait 500 ms unless told otherwise, which is no number of seconds to show.
    waits_in_seconds = is_stream or kind in (Source.SQS, Source.DOCUMENTDB)
    return EventSourceMapping(
        uuid=uuid,
        function_name=ref.name,
        qualifier=ref.qualifier,
        source=kind,
        event_source_arn=params.get("EventSourceArn") or None,
        last_modified=now,
        batch_size=limits.SQS_BATCH_DEFAULT if is_sqs else limits.EVENT_SOURCE_BATCH_DEFAULT,
        maximum_batching_window_s=0 if waits_in_seconds else None,
        function_response_types=() if is_stream or is_sqs else None,
        maximum_record_age_s=event_source.INFINITE if is_stream else None,
        maximum_retry_attempts=event_source.INFINITE if is_stream else None,
        bisect_batch_on_function_error=False if is_stream else None,
        parallelization_factor=1 if is_stream else None,
        tumbling_window_s=0 if is_stream else None,
        bootstrap_servers=tuple(servers.get("KAFKA_BOOTSTRAP_SERVERS") or ()),
        consumer_group_id=uuid if kind in KAFKA else None,
    )


def given(params: Mapping[str, Any], known: EventSourceMapping) -> dict[str, Any]:
    """Return the fields that a request sets. Empty structures clear what was set before."""
    changes = {
        field: params[member]
        for member, field in _KEPT_AS.items()
        if params.get(member) is not None
    }
    for member, read in _STRUCTURES.items():
        value = params.get(member)
        if value is not None:
            # What is set beside a structure goes before what follows from it.
            changes = read(value, known) | changes
    return changes


def _pollers(value: Mapping[str, Any], known: EventSourceMapping) -> dict[str, Any]:
    if all(item is None for item in value.values()):
        return {"pollers": None}
    least = limits.SQS_POLLERS_MIN if known.source is Source.SQS else limits.KAFKA_POLLERS_MIN
    before = known.pollers or event_source.Pollers(
        minimum=least, maximum=limits.POLLERS_MAX_DEFAULT
    )
    minimum, maximum = value.get("MinimumPollers"), value.get("MaximumPollers")
    group = value.get("PollerGroupName")
    return {
        "pollers": event_source.Pollers(
            minimum=before.minimum if minimum is None else minimum,
            maximum=before.maximum if maximum is None else maximum,
            group=before.group if group is None else group or None,
        )
    }


def _kafka(value: Mapping[str, Any], _: EventSourceMapping) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if value.get("ConsumerGroupId") is not None:
        changes["consumer_group_id"] = value["ConsumerGroupId"]
    if (registry := value.get("SchemaRegistryConfig")) is not None:
        changes["schema_registry"] = _registry(registry) if any(registry.values()) else None
    if (mode := value.get("ConsumptionMode")) is not None:
        changes["consumption_mode"] = mode
        if mode == event_source.QUEUE_MODE:
            changes["maximum_retry_attempts"] = 0
    return changes


def _registry(value: Mapping[str, Any]) -> event_source.SchemaRegistry:
    return event_source.SchemaRegistry(
        uri=value.get("SchemaRegistryURI"),
        record_format=value.get("EventRecordFormat"),
        access=_access(value.get("AccessConfigs") or ()),
        validated=tuple(
            one["Attribute"]
            for one in value.get("SchemaValidationConfigs") or ()
            if one.get("Attribute")
        ),
    )


def _access(value: Any) -> tuple[event_source.SourceAccess, ...]:
    return tuple(
        event_source.SourceAccess(type=one.get("Type") or "", uri=one.get("URI")) for one in value
    )


def _document_db(value: Mapping[str, Any], known: EventSourceMapping) -> dict[str, Any]:
    before = known.document_db or event_source.DocumentDb(database="")
    return {
        "document_db": event_source.DocumentDb(
            database=value.get("DatabaseName") or before.database,
            collection=value.get("CollectionName") or before.collection,
            full_document=value.get("FullDocument") or before.full_document,
        )
    }


def _destination(value: Mapping[str, Any], _: EventSourceMapping) -> dict[str, Any]:
    if (value.get("OnSuccess") or {}).get("Destination"):
        raise errors.InvalidParameterValueError(
            "Unsupported DestinationConfig parameter for given event source mapping type."
        )
    failure = value.get("OnFailure")
    if failure is not None and failure.get("Destination") is None:
        raise errors.InvalidParameterValueError(
            "The Destination field is required for an OnFailure configuration."
        )
    return {"on_failure": (failure or {}).get("Destination") or None}


_STRUCTURES: Mapping[str, Callable[[Any, EventSourceMapping], dict[str, Any]]] = {
    "FilterCriteria": lambda value, _: {
        "filters": tuple(one.get("Pattern") or "" for one in value.get("Filters") or ())
    },
    "KMSKeyArn": lambda value, _: {"kms_key_arn": value or None},
    "MetricsConfig": lambda value, _: {"metrics": tuple(value.get("Metrics") or ())},
    "LoggingConfig": lambda value, _: {"system_log_level": value.get("SystemLogLevel")},
    "ScalingConfig": lambda value, _: {"maximum_concurrency": value.get("MaximumConcurrency")},
    "ProvisionedPollerConfig": _pollers,
    "StartingPositionTimestamp": lambda value, _: {
        "starting_position_timestamp": value.timestamp()
    },
    "DestinationConfig": _destination,
    "FunctionResponseTypes": lambda value, _: {"function_response_types": tuple(value)},
    "Topics": lambda value, _: {"topics": tuple(value)},
    "Queues": lambda value, _: {"queues": tuple(value)},
    "SourceAccessConfigurations": lambda value, _: {"source_access": _access(value)},
    "AmazonManagedKafkaEventSourceConfig": _kafka,
    "SelfManagedKafkaEventSourceConfig": _kafka,
    "DocumentDBEventSourceConfig": _document_db,
}


def _unsupported(path: str) -> str:
    return f"Unsupported '{path}' parameter for given event source mapping type."


def _lower(member: str) -> str:
    return member[:1].lower() + member[1:]
