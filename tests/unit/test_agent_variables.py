"""The environment variables of a function."""

from inglenook.wire import messages
from inglenook_agent.environment import variables
from inglenook_agent.settings import AgentSettings


def built(
    runtime: str = "python3.13", image: messages.Image | None = None, **own: str
) -> dict[str, str]:
    version = messages.Specialise(
        id=messages.VersionId(function_name="f", function_uid="u", version="7", generation=1),
        runtime=runtime,
        handler="app.handler",
        code_sha256="0",
        memory_mb=512,
        timeout_s=3,
        ephemeral_storage_mb=512,
        log_group="/aws/lambda/f",
        region="eu-central-1",
        account="000000000000",
        variables=own,
        image=image,
    )
    return variables.build(
        version,
        AgentSettings(host_path="/host/bin"),
        log_stream="2026/11/21/[7]0",
        initialization_type="on-demand",
        python_path="/var/runtime",
        runtime_api="127.0.0.1:9001",
    )


def test_lambdas_variables_are_there() -> None:
    assert built() == {
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "_HANDLER": "app.handler",
        "AWS_ACCESS_KEY_ID": "inglenook-local",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "7",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/21/[7]0",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_REGION": "eu-central-1",
        "AWS_SECRET_ACCESS_KEY": "inglenook-local",
        "AWS_SESSION_TOKEN": "inglenook-local",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib"
        ":/var/task:/var/task/lib:/opt/lib",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin:/host/bin",
        "PWD": "/var/task",
        "PYTHONPATH": "/var/runtime",
        "TZ": ":UTC",
    }


def test_the_functions_own_win_except_over_reserved_ones() -> None:
    seen = built(LANG="C", AWS_REGION="x", AWS_ACCESS_KEY_ID="mine", MORE="1")
    assert seen["LANG"] == "C"
    assert seen["AWS_REGION"] == "eu-central-1"
    assert seen["AWS_ACCESS_KEY_ID"] == "mine"
    assert seen["MORE"] == "1"


def test_own_credentials_replace_the_local_ones_as_a_whole() -> None:
    seen = built(AWS_ACCESS_KEY_ID="mine", AWS_SECRET_ACCESS_KEY="mine too")
    assert "AWS_SESSION_TOKEN" not in seen


def test_custom_runtimes_have_no_execution_env() -> None:
    assert "AWS_EXECUTION_ENV" not in built("provided.al2023")


def test_an_image_has_its_own_places_and_no_handler() -> None:
    image = built(runtime="", image=messages.Image(uri="app:1"), PATH="/mine")
    assert image["AWS_EXECUTION_ENV"] == "AWS_Lambda_Image"
    assert image["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert image["PATH"] == "/mine"
    absent = {"_HANDLER", "LD_LIBRARY_PATH", "LANG", "TZ", "PWD", "LAMBDA_TASK_ROOT"}
    assert not absent & image.keys()
    assert variables.IMAGE_DEFAULTS.keys() >= {"PATH", "TZ", "LAMBDA_TASK_ROOT"}
