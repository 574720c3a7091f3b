"""Limits and defaults that AWS Lambda fixes, each with the page that states it.

Pages are named by their path under the Lambda developer guide (`dg/`), its API reference (`api/`)
or by the member of the service model (`model:`) that carries the constraint.
"""

MIB = 1024 * 1024

# dg/gettingstarted-limits.html, "Function configuration, deployment, and execution"
MEMORY_MB_MIN = 128
MEMORY_MB_MAX = 10_240
MEMORY_MB_DEFAULT = 128
TIMEOUT_S_MAX = 900
TIMEOUT_S_DEFAULT = 3
EPHEMERAL_STORAGE_MB_MIN = 512
EPHEMERAL_STORAGE_MB_MAX = 10_240
ENVIRONMENT_BYTES_MAX = 4096
LAYERS_MAX = 5
DESCRIPTORS_MAX = 1024
PROCESSES_MAX = 1024

# The payload limit is stated as 6 MB; the text of the error states the exact figure.
# dg/gettingstarted-limits.html; error text of Function.ResponseSizeTooLarge
PAYLOAD_BYTES_MAX = 6_291_456
RESPONSE_BYTES_MAX = 6_291_556
EVENT_PAYLOAD_BYTES_MAX = 1 * MIB
# api/API_InvokeAsync.html: "The payload limit is 256KB"
INVOKE_ASYNC_PAYLOAD_BYTES_MAX = 256 * 1024
# api/API_Invoke.html, ClientContext: "Up to 3,583 bytes of base64-encoded data"
CLIENT_CONTEXT_BYTES_MAX = 3583
# api/API_Invoke.html, LogResult: "The last 4 KB of the execution log"
LOG_TAIL_BYTES = 4096

# dg/gettingstarted-limits.html, on the size of deployment packages (zip archives)
ZIPPED_BYTES_MAX = 52_428_800
UNZIPPED_BYTES_MAX = 262_144_000
# Not AWS's. The unzipped size bounds the bytes of a package, but not its empty files and folders,
# each of which costs an inode on the node and time at a cold start. The largest real packages
# (node_modules) have some tens of thousands.
ARCHIVE_ENTRIES_MAX = 100_000
# Error text of RequestEntityTooLargeException
REQUEST_BYTES_MAX = 70_167_211
CODE_STORAGE_BYTES_MAX = 75 * 1024 * MIB

# dg/lambda-concurrency.html
CONCURRENT_EXECUTIONS_DEFAULT = 1000
UNRESERVED_CONCURRENCY_MIN = 100

# dg/lambda-runtime-environment.html, "Init phase"
INIT_TIMEOUT_S = 10.0

# dg/configuration-memory.html: "At 1,769 MB, a function has the equivalent of one vCPU"
MEMORY_MB_PER_VCPU = 1769

# api/API_TagResource.html
TAGS_MAX = 50

# The name of a function: error text of CreateFunction
FUNCTION_NAME_LENGTH_MAX = 64

# api/API_ListFunctions.html, MaxItems: "a maximum of 50 items in each response"
PAGE_ITEMS_MAX = 50

# dg/invocation-async-error-handling.html; model: MaximumRetryAttempts, MaximumEventAgeInSeconds
EVENT_RETRIES_MAX = 2
EVENT_AGE_S_MIN = 60
EVENT_AGE_S_MAX = 21_600
# dg/invocation-async-error-handling.html: "one-minute wait before the first retry, and a two-minute
# wait between the second and third attempts"; throttles and system errors "from 1 second after the
# first attempt to a maximum of 5 minutes"
EVENT_RETRY_DELAYS_S = (60.0, 120.0)
EVENT_BACKOFF_S_MIN = 1.0
EVENT_BACKOFF_S_MAX = 300.0

# dg/gettingstarted-limits.html: a streamed response of 200 MB, whose first 6 MB are not slowed down
STREAM_BYTES_MAX = 200 * MIB
STREAM_BURST_BYTES = 6 * MIB
STREAM_BYTES_PER_S = 2 * MIB

# dg/gettingstarted-limits.html, "Function resource-based policy"
POLICY_BYTES_MAX = 20_480

# dg/lambda-concurrency.html, "Concurrency scaling rate": per function
SCALING_ENVIRONMENTS = 1000
SCALING_INTERVAL_S = 10.0
# dg/lambda-concurrency.html: requests per second are at most 10 times the concurrency
REQUESTS_PER_S_PER_ENVIRONMENT = 10

# api/API_CreateEventSourceMapping.html: BatchSize, by source; a larger batch of SQS has to wait
EVENT_SOURCE_BATCH_DEFAULT = 100
SQS_BATCH_DEFAULT = 10
SQS_BATCH_WITHOUT_WINDOW_MAX = 10
SQS_FIFO_BATCH_MAX = 10
# dg/invocation-eventfiltering.html: five filters per event source, unless the quota is raised
EVENT_FILTERS_MAX = 5
# api/API_EventSourceMappingConfiguration.html, MaximumRecordAgeInSeconds
RECORD_AGE_S_MIN = 60
# api/API_ProvisionedPollerConfig.html
SQS_POLLERS_MIN = 2
KAFKA_POLLERS_MIN = 1
KAFKA_POLLERS_MAX = 2000
POLLERS_MAX_DEFAULT = 200
# api/API_ListEventSourceMappings.html, MaxItems: "a maximum of 100 items in each response"
EVENT_SOURCE_PAGE_ITEMS_MAX = 100
