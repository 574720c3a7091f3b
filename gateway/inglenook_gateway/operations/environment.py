"""What may stand in a function's environment variables."""

import msgspec

from inglenook import errors
from inglenook.model import limits

# dg/configuration-envvars.html, "Reserved environment variables"
RESERVED = frozenset(
    (
        *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV"),
        *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        *("AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE"),
        *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
    )
)
_REFUSED = (
    "Lambda was unable to configure your environment variables because the environment variables "
    "you have provided "
)


def check(variables: dict[str, str]) -> None:
    """Raise InvalidParameterValueError for reserved keys, or for more than 4 KB in all."""
    reserved = sorted(RESERVED & variables.keys())
    if reserved:
        raise errors.InvalidParameterValueError(
            f"{_REFUSED}contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = msgspec.json.encode(variables)
    if len(measured) > limits.ENVIRONMENT_BYTES_MAX:
        raise errors.InvalidParameterValueError(
            f"{_REFUSED}exceeded the 4KB limit. String measured: {measured.decode()}"
        )
