"""Limits and defaults of AWS Lambda's, each with what states it.

Here stands what the platform itself enforces. The constraints of the service model (lengths,
patterns, ranges, list sizes) are enforced as the model has them and are not repeated. Limits of the
platform's own are settings (`inglenook.settings`), constants beside what needs them, or here where
several parts need them; then they say `ours`.

The string under one or several constants names its sources first: pages of the developer guide
(`dg/`) and of the API reference (`api/`), members of the service model (`model:`), or the error
whose recorded text states the figure. `tools/limits.py` reads them and makes docs/limits.md.
"""

MIB = 1024 * 1024
"""ours: what AWS writes as MB, says dg/gettingstarted-limits.html."""

# Functions

MEMORY_MB_MAX = 10_240
MEMORY_MB_DEFAULT = 128
"""dg/gettingstarted-limits.html, model:CreateFunctionRequest.MemorySize: the model's own maximum is
that of managed instances."""
MEMORY_MB_PER_VCPU = 1769
"""dg/configuration-memory.html: the memory at which a function has one vCPU."""
TIMEOUT_S_MAX = 900
TIMEOUT_S_DEFAULT = 3
"""dg/gettingstarted-limits.html, model:CreateFunctionRequest.Timeout: the model's own maximum is
that of managed instances."""
EPHEMERAL_STORAGE_MB_MIN = 512
EPHEMERAL_STORAGE_MB_MAX = 10_240
"""dg/gettingstarted-limits.html, api/API_EphemeralStorage.html: the least is the default."""
ENVIRONMENT_BYTES_MAX = 4096
"""dg/gettingstarted-limits.html, dg/configuration-envvars.html: as JSON, all variables together."""
LAYERS_MAX = 5
"""dg/gettingstarted-limits.html, dg/chapter-layers.html"""
FUNCTION_NAME_LENGTH_MAX = 64
"""api/API_CreateFunction.html: of the name alone; an ARN may be longer."""
TAGS_MAX = 50
"""dg/configuration-tags.html: on one resource."""
ALIAS_ADDITIONAL_VERSIONS_MAX = 1
"""dg/configuring-alias-routing.html, model:AliasRoutingConfiguration.AdditionalVersionWeights"""
POLICY_BYTES_MAX = 20_480
"""dg/gettingstarted-limits.html"""
PAGE_ITEMS_MAX = 50
"""api/API_ListFunctions.html: larger values of `MaxItems` are taken as this one."""
CODE_LOCATION_VALID_S = 600
"""api/API_FunctionCodeLocation.html, api/API_GetFunction.html: ten minutes."""

# Packages

ZIPPED_BYTES_MAX = 52_428_800
"""dg/gettingstarted-limits.html, api/API_AccountLimit.html: in a request; not for one from S3."""
UNZIPPED_BYTES_MAX = 262_144_000
"""dg/gettingstarted-limits.html, api/API_AccountLimit.html: with all layers."""
ARCHIVE_ENTRIES_MAX = 100_000
"""ours: the unzipped size bounds the bytes of a package, but not its empty files and folders, each
of which costs an inode on the node and time at a cold start. The largest real packages
(node_modules) have some tens of thousands."""
REQUEST_BYTES_MAX = 70_167_211
"""error text of RequestEntityTooLargeException"""
CODE_STORAGE_BYTES_MAX = 75 * 1024 * MIB
"""dg/gettingstarted-limits.html: the zips of all functions, versions and layer versions."""

# Invocations

PAYLOAD_BYTES_MAX = 6_291_456
"""dg/gettingstarted-limits.html, error text of RequestTooLargeException: stated as 6 MB."""
RESPONSE_BYTES_MAX = 6_291_556
"""dg/gettingstarted-limits.html, error text of Function.ResponseSizeTooLarge: stated as 6 MB."""
EVENT_PAYLOAD_BYTES_MAX = 1 * MIB
"""dg/gettingstarted-limits.html: 256 KB until 2025."""
INVOKE_ASYNC_PAYLOAD_BYTES_MAX = 256 * 1024
"""api/API_InvokeAsync.html: it has not followed Invoke."""
CLIENT_CONTEXT_BYTES_MAX = 3583
"""api/API_Invoke.html: of base64."""
LOG_TAIL_BYTES = 4096
"""api/API_Invoke.html: of `LogResult`, before base64."""
STREAM_BYTES_MAX = 200 * MIB
STREAM_BURST_BYTES = 6 * MIB
STREAM_BYTES_PER_S = 2 * MIB
"""dg/gettingstarted-limits.html: the burst is what goes as fast as it can."""
LOG_EVENT_BYTES_MAX = 256 * 1024 - 26
"""CloudWatch Logs: 256 KB an event, of which 26 bytes are overhead."""
TRACED_SHARE = 0.05
"""dg/services-xray.html: beside the first invocation of a function in each second."""

# Environments

DESCRIPTORS_MAX = 1024
"""dg/gettingstarted-limits.html"""
PROCESSES_MAX = 1024
"""dg/gettingstarted-limits.html: threads included."""
INIT_TIMEOUT_S = 10.0
"""dg/lambda-runtime-environment.html: then init runs again within the first invocation."""
PROVISIONED_INIT_TIMEOUT_S = 900.0
"""dg/lambda-runtime-environment.html: up to 15 minutes."""

# Concurrency and rates

CONCURRENT_EXECUTIONS_DEFAULT = 1000
"""dg/gettingstarted-limits.html, dg/lambda-concurrency.html"""
UNRESERVED_CONCURRENCY_MIN = 100
"""dg/configuration-concurrency.html: of an account, for functions that reserve nothing."""
SCALING_ENVIRONMENTS = 1000
SCALING_INTERVAL_S = 10.0
"""dg/gettingstarted-limits.html, dg/scaling-behavior.html: so many more of one function per
interval."""
REQUESTS_PER_S_PER_ENVIRONMENT = 10
"""dg/gettingstarted-limits.html, dg/lambda-concurrency.html: synchronous ones."""
API_GET_FUNCTION_PER_S = 100
API_GET_POLICY_PER_S = 15
API_OTHERS_PER_S = 15
"""dg/gettingstarted-limits.html: calls of the API but invocations; the last is for all other
operations together."""

# Asynchronous invocations

EVENT_RETRIES_MAX = 2
"""dg/invocation-async-error-handling.html, model:MaximumRetryAttempts: the default, too."""
EVENT_AGE_S_MAX = 21_600
"""dg/invocation-async-error-handling.html, model:MaximumEventAgeInSeconds: the default, too."""
EVENT_RETRY_DELAYS_S = (60.0, 120.0)
EVENT_BACKOFF_S_MIN = 1.0
EVENT_BACKOFF_S_MAX = 300.0
"""dg/invocation-async-error-handling.html: the delays follow errors of the function, the backoff
follows throttles and errors of the platform."""
DEAD_LETTER_ERROR_BYTES_MAX = 1024
"""dg/invocation-async-retain-records.html: the attribute `ErrorMessage` has its first 1 KB."""

# Event sources

EVENT_SOURCE_BATCH_DEFAULT = 100
SQS_BATCH_DEFAULT = 10
SQS_BATCH_WITHOUT_WINDOW_MAX = 10
SQS_FIFO_BATCH_MAX = 10
"""api/API_CreateEventSourceMapping.html"""
EVENT_FILTERS_MAX = 5
"""dg/invocation-eventfiltering.html: unless AWS raises it, up to 10."""
RECORD_AGE_S_MIN = 60
"""api/API_EventSourceMappingConfiguration.html: or -1, which is for ever."""
SQS_POLLERS_MIN = 2
KAFKA_POLLERS_MIN = 1
KAFKA_POLLERS_MAX = 2000
POLLERS_MAX_DEFAULT = 200
"""api/API_ProvisionedPollerConfig.html"""
EVENT_SOURCE_PAGE_ITEMS_MAX = 100
"""api/API_ListEventSourceMappings.html: larger values of `MaxItems` are taken as this one."""
