"""Code written for Lambda runs unchanged: published packages, AWS's own client, custom runtimes."""

import base64
import json
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import RUNTIME, create, installed_package, package, wait_updated

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/lambda-runtimes.html")


def invoke(client: "LambdaClient", name: str, event: object = None, **members: Any) -> Any:
    response = client.invoke(FunctionName=name, Payload=json.dumps(event or {}), **members)
    answer = json.loads(response["Payload"].read())
    assert "FunctionError" not in response, answer
    return answer


def http_event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    """Return an API Gateway HTTP API event, payload format 2.0."""
    return {
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {"host": "example.org", "content-type": "application/json"},
        "requestContext": {
            "accountId": "000000000000", "apiId": "api", "domainName": "example.org",
            "domainPrefix": "example", "requestId": "r", "routeKey": "$default",
            "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1767225600000,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1",
                     "sourceIp": "127.0.0.1", "userAgent": "test"},
        },
        "body": body, "isBase64Encoded": False,
    }  # fmt: skip


def test_a_fastapi_app_through_mangum(client: "LambdaClient", name: str, task_root: str) -> None:
    code = installed_package(
        "fastapi", "mangum",
        files={"app.py": textwrap.dedent(
            """
            import fastapi, mangum, pydantic

            app = fastapi.FastAPI()

            class Item(pydantic.BaseModel):
                name: str
                price: float

            @app.post("/items/{number}")
            async def put(number: int, item: Item):
                return {"number": number, "item": item, "file": fastapi.__file__}

            handler = mangum.Mangum(app, lifespan="off")
            """
        )},
    )  # fmt: skip
    create(client, name, code, MemorySize=512, Timeout=20)
    body = json.dumps({"name": "tongs", "price": 2.5})
    answer = invoke(client, name, http_event("POST", "/items/7", body))
    assert answer["statusCode"] == 200
    told = json.loads(answer["body"])
    assert told["file"].startswith(task_root)
    assert (told["number"], told["item"]) == (7, {"name": "tongs", "price": 2.5})
    wrong = invoke(client, name, http_event("POST", "/items/x", body))
    assert wrong["statusCode"] == 422


def test_a_handler_with_powertools(client: "LambdaClient", name: str) -> None:
    code = installed_package(
        "aws-lambda-powertools",
        files={"app.py": textwrap.dedent(
            """
            from aws_lambda_powertools import Logger, Metrics
            from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
            from aws_lambda_powertools.metrics import MetricUnit

            logger = Logger(service="hearth")
            metrics = Metrics(namespace="Inglenook", service="hearth")
            app = APIGatewayHttpResolver()

            @app.get("/fire/<place>")
            def fire(place):
                metrics.add_metric(name="Fires", unit=MetricUnit.Count, value=1)
                logger.info("lit", extra={"place": place})
                return {"place": place}

            @metrics.log_metrics(capture_cold_start_metric=True)
            @logger.inject_lambda_context
            def handler(event, context):
                return app.resolve(event, context)
            """
        )},
    )  # fmt: skip
    create(client, name, code, MemorySize=256, Timeout=20)
    response = client.invoke(
        FunctionName=name, LogType="Tail", Payload=json.dumps(http_event("GET", "/fire/inglenook"))
    )
    answer = json.loads(response["Payload"].read())
    assert json.loads(answer["body"]) == {"place": "inglenook"}
    lines = base64.b64decode(response["LogResult"]).decode().splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{")]
    lit = next(each for each in records if each.get("message") == "lit")
    request_id = response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    assert (lit["function_request_id"], lit["cold_start"], lit["place"]) == (
        request_id, True, "inglenook",
    )  # fmt: skip
    assert any("Fires" in each for each in records)


@pytest.mark.aws("dg/lambda-python.html")
def test_boto3_is_there_unless_the_function_brings_its_own(
    client: "LambdaClient", name: str
) -> None:
    source = "import boto3\ndef handler(event, context):\n    return boto3.__version__\n"
    create(client, name, source)
    assert invoke(client, name)[0].isdigit()
    own = package({"app.py": source, "boto3/__init__.py": "__version__ = 'my own'\n"})
    client.update_function_code(FunctionName=name, ZipFile=own)
    wait_updated(client, name)
    assert invoke(client, name) == "my own"


@pytest.mark.aws("dg/configuration-envvars.html")
def test_a_boto3_client_is_made_for_the_functions_region(client: "LambdaClient", name: str) -> None:
    create(
        client, name,
        "import boto3\n"
        "def handler(event, context):\n"
        "    s3 = boto3.client('s3')\n"
        "    return [s3.meta.region_name, s3.generate_presigned_url('get_object',\n"
        "            Params={'Bucket': 'b', 'Key': 'k'})[:8]]\n",
        MemorySize=512, Timeout=20,
    )  # fmt: skip
    assert invoke(client, name) == [client.meta.region_name, "https://"]


@pytest.mark.ours("its interpreter is that of the machine")
def test_awss_own_python_client_runs_unmodified(
    client: "LambdaClient", name: str, task_root: str
) -> None:
    # The interpreter itself, not the virtual environment's link to it: that may lie below /tmp,
    # which a function has for itself alone.
    interpreter = Path(sys.executable).resolve()
    bootstrap = f"#!/bin/sh\nexec {interpreter} -m awslambdaric app.handler\n"
    create(
        client, name,
        installed_package("awslambdaric", files={
            "bootstrap": bootstrap,
            "app.py": "import os\n"
            "def handler(event, context):\n"
            "    if event.get('fail'):\n        raise KeyError('gone')\n"
            "    return [event, context.aws_request_id, os.getcwd(), context.memory_limit_in_mb]\n",
        }),
        Runtime="provided.al2023", Handler="app.handler", Timeout=20,
    )  # fmt: skip
    response = client.invoke(FunctionName=name, Payload=b'{"a": 1}')
    request_id = response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    answer = json.loads(response["Payload"].read())
    assert answer.pop(2).startswith(task_root)
    assert answer == [{"a": 1}, request_id, "128"]
    failed = client.invoke(FunctionName=name, Payload=b'{"fail": true}')
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read())["errorType"] == "KeyError"


@pytest.mark.aws("dg/runtimes-custom.html")
def test_any_executable_bootstrap_is_a_runtime(client: "LambdaClient", name: str) -> None:
    bootstrap = textwrap.dedent(
        """\
        #!/bin/sh
        tmp="${TMPDIR:-/tmp}"
        api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
        while true; do
            curl -s -D "$tmp/head" -o "$tmp/event" "$api/next"
            id=$(tr -d '\\r' < "$tmp/head" |
                sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p')
            tr a-z A-Z < "$tmp/event" | curl -s -o /dev/null --data-binary @- "$api/$id/response"
        done
        """
    )
    create(
        client, name, package({"bootstrap": bootstrap}),
        Runtime="provided.al2023", Handler="any.thing",
    )  # fmt: skip
    for word in ("one", "two"):
        assert invoke(client, name, word) == word.upper()


@pytest.mark.aws("dg/configuration-envvars.html")
def test_the_environment_is_lambdas(client: "LambdaClient", name: str, task_root: str) -> None:
    create(
        client, name,
        "import os, sys, tempfile\n"
        "def handler(event, context):\n"
        "    open(tempfile.gettempdir() + '/mine', 'w').write('x')\n"
        "    return {'variables': dict(os.environ), 'cwd': os.getcwd(), 'path': sys.path,\n"
        "            'tmp': os.listdir(tempfile.gettempdir()), 'task': os.listdir(),\n"
        "            'opt': os.path.isdir('/opt')}\n",
        Environment={"Variables": {"OWN": "value"}},
    )  # fmt: skip
    seen = invoke(client, name)
    variables, region = seen["variables"], client.meta.region_name
    expected = {
        "OWN": "value", "AWS_REGION": region, "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "_HANDLER": "app.handler",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "TZ": ":UTC", "LANG": "en_US.UTF-8",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
    }  # fmt: skip
    assert {key: variables.get(key) for key in expected} == expected
    assert seen["cwd"] == variables["LAMBDA_TASK_ROOT"]
    assert seen["cwd"].startswith(task_root)
    assert seen["task"] == ["app.py"]
    assert seen["path"][0] == seen["cwd"]
    assert seen["opt"] or task_root != "/var/task"
    assert seen["tmp"] == ["mine"]
    leaked = {"HOME", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST", "INGLENOOK_PRELOAD_PATH"}
    assert not leaked & set(variables)
