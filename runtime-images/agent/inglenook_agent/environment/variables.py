"""The environment variables that Lambda sets for a function.

Pure. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html lists them; what a
running function sees beside (PWD, TZ and the like) is recorded in `aws-behaviour` 39. Nothing of
the host's environment gets in but its search path, after Lambda's own, so that scripts find
interpreters.
"""

from inglenook.wire.messages import Specialise
from inglenook_agent.settings import AgentSettings

TASK_ROOT = "/var/task"
OPT = "/opt"
RUNTIME_DIR = "/var/runtime"
_PATH = "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin"
_LD_LIBRARY_PATH = (
    "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
)
IMAGE_DEFAULTS = {
    "PATH": _PATH,
    "TZ": ":UTC",
    "LAMBDA_TASK_ROOT": TASK_ROOT,
    "LAMBDA_RUNTIME_DIR": RUNTIME_DIR,
}
"""What an image has unless its ENV says otherwise."""
CREDENTIALS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})


def build(
    version: Specialise,
    settings: AgentSettings,
    *,
    log_stream: str,
    initialization_type: str,
    python_path: str | None,
    runtime_api: str | None,
) -> dict[str, str]:
    """Return the complete environment of a function's process.

    The function's own variables go over the defaults, and the reserved ones over those; its own
    credentials count, because here there is no role that they could stand in the way of.
    """
    variables = _defaults(settings, version.region)
    if version.image is None:
        variables |= _places(settings)
    if python_path is not None:
        variables["PYTHONPATH"] = python_path
    if "AWS_ACCESS_KEY_ID" in version.variables:
        for name in CREDENTIALS:  # a token belongs to its key
            del variables[name]
    variables.update(version.variables)
    variables.update(_reserved(version, log_stream, initialization_type))
    if runtime_api is not None:
        variables["AWS_LAMBDA_RUNTIME_API"] = runtime_api
    return variables


def _places(settings: AgentSettings) -> dict[str, str]:
    return {
        "PATH": f"{_PATH}:{settings.host_path}" if settings.host_path else _PATH,
        "LD_LIBRARY_PATH": _LD_LIBRARY_PATH,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PWD": TASK_ROOT,
    }


def _defaults(settings: AgentSettings, region: str) -> dict[str, str]:
    return {
        "AWS_DEFAULT_REGION": region,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
        "AWS_ACCESS_KEY_ID": settings.access_key_id,
        "AWS_SECRET_ACCESS_KEY": settings.secret_access_key,
        "AWS_SESSION_TOKEN": settings.session_token,
    }


def _reserved(version: Specialise, log_stream: str, initialization_type: str) -> dict[str, str]:
    reserved = {
        "AWS_REGION": version.region,
        "AWS_LAMBDA_FUNCTION_NAME": version.id.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": version.id.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": version.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129",
        "_AWS_XRAY_DAEMON_PORT": "2000",
    }
    if version.log_format == "JSON":
        reserved["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        reserved["AWS_LAMBDA_LOG_LEVEL"] = version.application_level
    if version.image is not None:
        # It has no handler, and its own idea of where its code lies.
        reserved["AWS_EXECUTION_ENV"] = "AWS_Lambda_Image"
        return reserved
    reserved |= {
        "_HANDLER": version.handler,
        "LAMBDA_TASK_ROOT": TASK_ROOT,
        "LAMBDA_RUNTIME_DIR": RUNTIME_DIR,
    }
    # Custom runtimes go without it: dg/configuration-envvars.html.
    if not version.runtime.startswith("provided"):
        reserved["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{version.runtime}"
    return reserved
