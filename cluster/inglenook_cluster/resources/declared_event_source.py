"""An event source mapping's value as the spec of its custom resource. Pure."""

from typing import Any

from inglenook.model import event_source
from inglenook.model.event_source import EventSourceMapping, Source, SourceAccess

Spec = dict[str, Any]


def event_source_mapping(one: EventSourceMapping) -> Spec:
    """Return the spec of an EventSourceMapping; what it does not have is None."""
    return {
        "functionName": one.function_name,
        "qualifier": one.qualifier,
        "eventSourceArn": one.event_source_arn,
        "enabled": one.enabled,
        "batchSize": one.batch_size,
        "maximumBatchingWindowInSeconds": one.maximum_batching_window_s,
        "filterCriteria": {"filters": [{"pattern": each} for each in one.filters]},
        "functionResponseTypes": one.function_response_types,
        "kmsKeyArn": one.kms_key_arn,
        "metricsConfig": {"metrics": one.metrics},
        "loggingConfig": {"systemLogLevel": one.system_log_level},
        "scalingConfig": {"maximumConcurrency": one.maximum_concurrency},
        "provisionedPollerConfig": _pollers(one.pollers),
        "startingPosition": one.starting_position,
        "startingPositionTimestamp": one.starting_position_timestamp,
        "destinationConfig": {"onFailure": {"destination": one.on_failure}},
        "maximumRecordAgeInSeconds": one.maximum_record_age_s,
        "maximumRetryAttempts": one.maximum_retry_attempts,
        "bisectBatchOnFunctionError": one.bisect_batch_on_function_error,
        "parallelizationFactor": one.parallelization_factor,
        "tumblingWindowInSeconds": one.tumbling_window_s,
        "tags": one.tags,
        **_source(one),
    }


def _source(one: EventSourceMapping) -> Spec:
    servers = {"KAFKA_BOOTSTRAP_SERVERS": one.bootstrap_servers} if one.bootstrap_servers else {}
    return {
        "topics": one.topics,
        "queues": one.queues,
        "sourceAccessConfigurations": _accesses(one.source_access),
        "selfManagedEventSource": {"endpoints": servers},
        "amazonManagedKafkaEventSourceConfig": _kafka(one) if one.source is Source.MSK else None,
        "selfManagedKafkaEventSourceConfig": (
            {**_kafka(one), "consumptionMode": one.consumption_mode}
            if one.source is Source.SELF_MANAGED_KAFKA
            else None
        ),
        "documentDbEventSourceConfig": _document_db(one.document_db),
    }


def _pollers(pollers: event_source.Pollers | None) -> Spec | None:
    if pollers is None:
        return None
    return {
        "minimumPollers": pollers.minimum,
        "maximumPollers": pollers.maximum,
        "pollerGroupName": pollers.group,
    }


def _kafka(one: EventSourceMapping) -> Spec:
    registry = one.schema_registry
    return {
        "consumerGroupId": one.consumer_group_id,
        "schemaRegistryConfig": registry
        and {
            "schemaRegistryUri": registry.uri,
            "eventRecordFormat": registry.record_format,
            "accessConfigs": _accesses(registry.access),
            "schemaValidationConfigs": [{"attribute": each} for each in registry.validated],
        },
    }


def _accesses(accesses: tuple[SourceAccess, ...]) -> list[Spec]:
    # Without what is not given: items of lists are not looked into later.
    return [
        {"type": each.type} | ({} if each.uri is None else {"uri": each.uri}) for each in accesses
    ]


def _document_db(one: event_source.DocumentDb | None) -> Spec | None:
    if one is None:
        return None
    return {
        "databaseName": one.database,
        "collectionName": one.collection,
        "fullDocument": one.full_document,
    }
