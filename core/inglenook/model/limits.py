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

# The payload limit is stated as 6 MB; the text of the error states the exact figure.
# dg/gettingstarted-limits.html; error text of Function.ResponseSizeTooLarge
PAYLOAD_BYTES_MAX = 6_291_456
RESPONSE_BYTES_MAX = 6_291_556
EVENT_PAYLOAD_BYTES_MAX = 1 * MIB
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
