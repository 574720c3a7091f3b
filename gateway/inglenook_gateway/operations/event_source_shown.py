"""Event source mappings as the API shows them. Pure.

Which members are there, and what a mapping's state is called, differs by its source; the rules are
recorded answers'.
"""

import enum
from typing import Any

from inglenook.aio import clock
from inglenook.model import event_source
from inglenook.model.account import Account
from inglenook.model.event_source import STREAMS, EventSourceMapping, Source

NOT_POLLED = (
    "Event sources are not polled yet in Inglenook: the mapping is kept as it was asked for, and "
    "receives nothing."
)
"""Why a mapping that is to be enabled is not."""


class State(enum.Enum):
    """The states that a mapping is shown in."""

    CREATING = "Creating"
    UPDATING = "Updating"
    DISABLING = "Disabling"
    DISABLED = "Disabled"
    DELETING = "Deleting"


def mapping(
    account: Account, one: EventSourceMapping, state: State = State.DISABLED
) -> dict[str, Any]:
    """Return a whole mapping. What is asked for by a user is under way; then it is disabled."""
    reason = _by_user(one)
    if state is State.DISABLED and one.enabled:
        reason = NOT_POLLED
    return (
        _always(account, one)
        | {"State": state.value, "StateTransitionReason": reason}
        | _if_given(one)
        | _source(one)
    )


def listed(account: Account, one: EventSourceMapping) -> dict[str, Any]:
    """Return a mapping as an item of a listing, which has no filters that are encrypted."""
    shown = mapping(account, one)
    if one.kms_key_arn is not None:
        shown.pop("FilterCriteria", None)
    return shown


def function_arn(account: Account, one: EventSourceMapping) -> str:
    return account.function_arn(one.function_name, one.qualifier)


def _by_user(one: EventSourceMapping) -> str:
    if one.source in STREAMS or one.source is Source.DOCUMENTDB:
        return "User action"
    return "USER_INITIATED"


def _always(account: Account, one: EventSourceMapping) -> dict[str, Any]:
    arn = event_source.mapping_arn(one.uuid, region=account.region, account=account.id)
    return {
        "UUID": one.uuid,
        "EventSourceMappingArn": arn,
        "FunctionArn": function_arn(account, one),
        "LastModified": clock.utc(one.last_modified),
        "LastProcessingResult": None if one.source is Source.SQS else "No records processed",
        "BatchSize": one.batch_size,
        "MaximumBatchingWindowInSeconds": one.maximum_batching_window_s,
        "ParallelizationFactor": one.parallelization_factor,
        "MaximumRecordAgeInSeconds": one.maximum_record_age_s,
        "MaximumRetryAttempts": one.maximum_retry_attempts,
        "BisectBatchOnFunctionError": one.bisect_batch_on_function_error,
        "TumblingWindowInSeconds": one.tumbling_window_s,
        "StartingPosition": one.starting_position,
        "KMSKeyArn": one.kms_key_arn,
    }


def _if_given(one: EventSourceMapping) -> dict[str, Any]:
    """Return the structures that are there only if they were given, and those of streams."""
    shown: dict[str, Any] = {}
    if one.function_response_types is not None:
        shown["FunctionResponseTypes"] = list(one.function_response_types)
    if one.filters:
        shown["FilterCriteria"] = {"Filters": [{"Pattern": each} for each in one.filters]}
    if one.metrics:
        shown["MetricsConfig"] = {"Metrics": list(one.metrics)}
    if one.system_log_level is not None:
        shown["LoggingConfig"] = {"SystemLogLevel": one.system_log_level}
    if one.maximum_concurrency is not None:
        shown["ScalingConfig"] = {"MaximumConcurrency": one.maximum_concurrency}
    if one.starting_position_timestamp is not None:
        shown["StartingPositionTimestamp"] = clock.utc(one.starting_position_timestamp)
    if one.on_failure is not None or one.source in STREAMS:
        failure = {} if one.on_failure is None else {"Destination": one.on_failure}
        shown["DestinationConfig"] = {"OnFailure": failure}
    if one.pollers is not None:
        shown["ProvisionedPollerConfig"] = _pollers(one.pollers)
    return shown


def _pollers(pollers: event_source.Pollers) -> dict[str, Any]:
    return {
        "MinimumPollers": pollers.minimum,
        "MaximumPollers": pollers.maximum,
        "PollerGroupName": pollers.group,
    }


def _source(one: EventSourceMapping) -> dict[str, Any]:
    """Return what is read, and how."""
    shown: dict[str, Any] = {}
    if one.event_source_arn is not None:
        shown["EventSourceArn"] = one.event_source_arn
    if one.bootstrap_servers:
        endpoints = {"KAFKA_BOOTSTRAP_SERVERS": list(one.bootstrap_servers)}
        shown["SelfManagedEventSource"] = {"Endpoints": endpoints}
    if one.topics:
        shown["Topics"] = list(one.topics)
    if one.queues:
        shown["Queues"] = list(one.queues)
    if one.source_access:
        shown["SourceAccessConfigurations"] = _access(one.source_access)
    match one.source:
        case Source.MSK:
            shown["AmazonManagedKafkaEventSourceConfig"] = _kafka(one)
        case Source.SELF_MANAGED_KAFKA:
            shown["SelfManagedKafkaEventSourceConfig"] = _kafka(one) | {
                "ConsumptionMode": one.consumption_mode
            }
        case Source.DOCUMENTDB if one.document_db is not None:
            shown["DocumentDBEventSourceConfig"] = {
                "DatabaseName": one.document_db.database,
                "CollectionName": one.document_db.collection,
                "FullDocument": one.document_db.full_document,
            }
        case _:
            pass
    return shown


def _kafka(one: EventSourceMapping) -> dict[str, Any]:
    shown: dict[str, Any] = {"ConsumerGroupId": one.consumer_group_id}
    if (registry := one.schema_registry) is not None:
        shown["SchemaRegistryConfig"] = {
            "SchemaRegistryURI": registry.uri,
            "EventRecordFormat": registry.record_format,
            "AccessConfigs": _access(registry.access),
            "SchemaValidationConfigs": [{"Attribute": each} for each in registry.validated],
        }
    return shown


def _access(access: tuple[event_source.SourceAccess, ...]) -> list[dict[str, str | None]]:
    return [{"Type": each.type, "URI": each.uri} for each in access]
