"""Invoke, as api/API_Invoke.html and dg/python-exceptions.html promise it."""

import base64
import concurrent.futures
import json
import re
import time
from typing import TYPE_CHECKING

import botocore.exceptions
import pytest
from platform_process import ACCOUNT, REGION, create, refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_Invoke.html")

ECHO = "def handler(event, context):\n    return event\n"
REQUEST_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"


def answer(response: object) -> object:
    return json.loads(response["Payload"].read())  # type: ignore[index]


def failure(client: "LambdaClient", **request: object) -> botocore.exceptions.ClientError:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.invoke(**request)  # type: ignore[arg-type]
    return caught.value


def test_an_answer_comes_with_its_headers(client: "LambdaClient", name: str) -> None:
    create(client, name, ECHO)
    response = client.invoke(FunctionName=name, Payload=b'{"a": "\xc3\xbc"}')
    assert response["StatusCode"] == 200
    assert response["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in response
    assert "LogResult" not in response
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert re.fullmatch(REQUEST_ID, headers["x-amzn-requestid"])
    assert headers["content-type"] == "application/json"
    assert headers["x-amzn-trace-id"].startswith("Root=1-")
    assert answer(response) == {"a": "ü"}


@pytest.mark.aws("model:InvocationRequest.Payload")
def test_an_absent_payload_is_an_empty_event(client: "LambdaClient", name: str) -> None:
    create(client, name, ECHO)
    assert answer(client.invoke(FunctionName=name)) == {}


@pytest.mark.parametrize("payload", ["null", "[1, 2]", '"text"', "1.5", "true", "{}"])
@pytest.mark.aws("model:InvocationRequest.Payload")
def test_every_json_value_is_an_event(client: "LambdaClient", name: str, payload: str) -> None:
    create(client, name, ECHO)
    assert answer(client.invoke(FunctionName=name, Payload=payload)) == json.loads(payload)


@pytest.mark.aws("model:InvocationRequest.LogType")
def test_the_log_tail_has_lambdas_lines(client: "LambdaClient", name: str) -> None:
    create(client, name, "def handler(event, context):\n    print('hello from', event['who'])\n")
    response = client.invoke(FunctionName=name, LogType="Tail", Payload=b'{"who": "here"}')
    request_id = response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    tail = base64.b64decode(response["LogResult"]).decode()
    assert re.search(rf"^START RequestId: {request_id} Version: \$LATEST$", tail, re.MULTILINE)
    assert re.search(r"^hello from here$", tail, re.MULTILINE)
    assert re.search(rf"^END RequestId: {request_id}$", tail, re.MULTILINE)
    report = re.search(
        rf"^REPORT RequestId: {request_id}\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms\t"
        r"Memory Size: 128 MB\tMax Memory Used: (\d+) MB\tInit Duration: ([\d.]+) ms\t$",
        tail, re.MULTILINE,
    )  # fmt: skip
    assert report, tail
    duration, billed, used, init = map(float, report.groups())
    assert duration + init <= billed < duration + init + 1.001
    assert 0 < used <= 128
    again = client.invoke(FunctionName=name, LogType="Tail", Payload=b'{"who": "again"}')
    assert "Init Duration" not in base64.b64decode(again["LogResult"]).decode()


@pytest.mark.aws("model:InvocationResponse.LogResult")
def test_the_log_tail_is_the_last_four_kilobytes(client: "LambdaClient", name: str) -> None:
    create(client, name, "def handler(event, context):\n    print('x' * 9000)\n")
    tail = base64.b64decode(client.invoke(FunctionName=name, LogType="Tail")["LogResult"])
    assert len(tail) == 4096
    assert b"REPORT RequestId" in tail


@pytest.mark.aws("model:InvocationRequest.InvocationType")
def test_a_dry_run_runs_nothing(client: "LambdaClient", name: str) -> None:
    create(client, name, "raise SystemExit('must not run')\n")
    response = client.invoke(FunctionName=name, InvocationType="DryRun")
    assert response["StatusCode"] == 204
    assert response["Payload"].read() == b""


@pytest.mark.aws("dg/python-context.html")
def test_the_context_tells_of_the_invocation(client: "LambdaClient", name: str) -> None:
    create(
        client, name,
        "import os\n"
        "def handler(event, context):\n"
        "    return {'name': context.function_name, 'version': context.function_version,\n"
        "            'memory': context.memory_limit_in_mb, 'arn': context.invoked_function_arn,\n"
        "            'id': context.aws_request_id, 'group': context.log_group_name,\n"
        "            'stream': context.log_stream_name, 'custom': context.client_context.custom,\n"
        "            'left': context.get_remaining_time_in_millis(),\n"
        "            'trace': os.environ['_X_AMZN_TRACE_ID']}\n",
        Timeout=7, MemorySize=256,
    )  # fmt: skip
    context = base64.b64encode(json.dumps({"custom": {"a": "b"}}).encode()).decode()
    response = client.invoke(FunctionName=name, ClientContext=context)
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    seen = answer(response)
    assert isinstance(seen, dict)
    assert 5000 < seen.pop("left") <= 7000
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen.pop("stream"))
    assert seen == {
        "name": name, "version": "$LATEST", "memory": "256", "id": headers["x-amzn-requestid"],
        "arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
        "group": f"/aws/lambda/{name}", "custom": {"a": "b"}, "trace": headers["x-amzn-trace-id"],
    }  # fmt: skip


@pytest.mark.aws("dg/python-exceptions.html")
def test_an_exception_is_the_functions_error(
    client: "LambdaClient", name: str, task_root: str
) -> None:
    create(client, name, "def handler(event, context):\n    raise ValueError('no ' + event['x'])\n")
    response = client.invoke(FunctionName=name, Payload=b'{"x": "way"}', LogType="Tail")
    assert response["StatusCode"] == 200
    assert response["FunctionError"] == "Unhandled"
    error = answer(response)
    assert isinstance(error, dict)
    frames = [
        re.sub(rf'"{task_root}(/[0-9a-f]{{64}})?/', '"', frame) for frame in error.pop("stackTrace")
    ]
    assert frames == [
        "  File \"app.py\", line 2, in handler\n    raise ValueError('no ' + event['x'])\n"
    ]
    assert error == {
        "errorMessage": "no way", "errorType": "ValueError",
        "requestId": response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"],
    }  # fmt: skip
    tail = base64.b64decode(response["LogResult"]).decode()
    assert "[ERROR] ValueError: no way\nTraceback (most recent call last):\n" in tail


@pytest.mark.parametrize(
    ("code", "handler", "error_type", "message"),
    [
        ("import nowhere\n", "app.handler", "Runtime.ImportModuleError",
         "Unable to import module 'app': No module named 'nowhere'"),
        ("x = 1\n", "app.handler", "Runtime.HandlerNotFound",
         "Handler 'handler' missing on module 'app'"),
        ("def handler(:\n", "app.handler", "Runtime.UserCodeSyntaxError", None),
        ("1/0\n", "app.handler", "ZeroDivisionError", "division by zero"),
    ],
)  # fmt: skip
@pytest.mark.aws("dg/python-exceptions.html")
def test_errors_of_init_reach_the_caller(
    client: "LambdaClient", name: str, code: str, handler: str, error_type: str, message: str | None
) -> None:
    create(client, name, code, Handler=handler)
    for _ in range(2):
        response = client.invoke(FunctionName=name)
        assert response["FunctionError"] == "Unhandled"
        error = answer(response)
        assert isinstance(error, dict)
        assert error["errorType"] == error_type
        if message is not None:
            assert error["errorMessage"] == message


@pytest.mark.aws("dg/python-handler.html")
def test_what_is_not_json_cannot_be_answered(client: "LambdaClient", name: str) -> None:
    create(client, name, "def handler(event, context):\n    return {1, 2}\n")
    error = answer(client.invoke(FunctionName=name))
    assert isinstance(error, dict)
    assert error["errorType"] == "Runtime.MarshalError"
    assert error["errorMessage"] == (
        "Unable to marshal response: Object of type set is not JSON serializable"
    )


@pytest.mark.aws("dg/configuration-timeout.html")
def test_a_timeout_ends_the_process_but_not_the_environment(
    client: "LambdaClient", name: str
) -> None:
    create(
        client, name,
        "import os, tempfile, time\n"
        "count = 0\n"
        "def handler(event, context):\n"
        "    global count\n"
        "    count += 1\n"
        "    if event.get('sleep'):\n"
        "        open(tempfile.gettempdir() + '/left', 'w').write('here')\n"
        "        time.sleep(30)\n"
        "    return {'count': count, 'left': os.path.exists(tempfile.gettempdir() + '/left')}\n",
        Timeout=1,
    )  # fmt: skip
    assert answer(client.invoke(FunctionName=name, Payload=b"{}")) == {"count": 1, "left": False}
    began = time.monotonic()
    response = client.invoke(FunctionName=name, Payload=b'{"sleep": true}', LogType="Tail")
    assert time.monotonic() - began < 10
    request_id = response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    assert response["FunctionError"] == "Unhandled"
    assert answer(response) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 1.00 seconds",
    }
    assert "Task timed out after 1.00 seconds" in base64.b64decode(response["LogResult"]).decode()
    assert answer(client.invoke(FunctionName=name, Payload=b"{}")) == {"count": 1, "left": True}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os\ndef handler(e, c):\n    os._exit(0)\n",
         "Runtime exited without providing a reason"),
        ("import os\ndef handler(e, c):\n    os._exit(3)\n",
         "Runtime exited with error: exit status 3"),
        ("import os\ndef handler(e, c):\n    os.kill(os.getpid(), 11)\n",
         "Runtime exited with error: signal: segmentation fault"),
    ],
)  # fmt: skip
@pytest.mark.aws("model:InvocationResponse.FunctionError")
def test_a_process_that_ends_is_an_exit_error(
    client: "LambdaClient", name: str, code: str, reason: str
) -> None:
    create(client, name, code)
    for _ in range(2):
        response = client.invoke(FunctionName=name)
        request_id = response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
        assert response["FunctionError"] == "Unhandled"
        assert answer(response) == {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: {request_id} Error: {reason}",
        }


@pytest.mark.aws("dg/configuration-memory.html")
def test_too_much_memory_kills_the_process_and_the_next_call_works(
    client: "LambdaClient", name: str
) -> None:
    create(
        client, name,
        "def handler(event, context):\n"
        "    if event.get('eat'):\n"
        "        eaten = bytearray(400 * 1024 * 1024)\n"
        "        for n in range(0, len(eaten), 4096):\n"
        "            eaten[n] = 1\n"
        "    return 'alive'\n",
        Timeout=20,
    )  # fmt: skip
    response = client.invoke(FunctionName=name, Payload=b'{"eat": true}')
    error = answer(response)
    assert isinstance(error, dict)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert answer(client.invoke(FunctionName=name)) == "alive"


@pytest.mark.aws("dg/gettingstarted-limits.html")
def test_six_megabytes_pass_both_ways_and_more_do_not(client: "LambdaClient", name: str) -> None:
    create(
        client, name,
        "def handler(event, context):\n"
        "    return 'x' * event['size'] if 'size' in event else len(event['text'])\n",
        MemorySize=512, Timeout=30,
    )  # fmt: skip
    text = "x" * (6 * 1024 * 1024 - len('{"text": ""}'))
    assert answer(client.invoke(FunctionName=name, Payload=json.dumps({"text": text}))) == len(text)
    error = failure(client, FunctionName=name, Payload=json.dumps({"text": text + "x"}))
    assert error.response["Error"]["Code"] == "RequestTooLargeException"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    largest = {"size": 6_291_556 - 2}
    payload = client.invoke(FunctionName=name, Payload=json.dumps(largest))["Payload"].read()
    assert len(payload) == 6_291_556
    response = client.invoke(FunctionName=name, Payload=json.dumps({"size": 6_291_556 - 1}))
    assert response["FunctionError"] == "Unhandled"
    assert answer(response) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        "(6291556 bytes).",
    }
    assert answer(client.invoke(FunctionName=name, Payload=b'{"size": 1}')) == "x"


@pytest.mark.parametrize("payload", [b"{", b"not json", b"\xff\xfe", b'{"a": "\xff"}', b"{} {}"])
@pytest.mark.aws("model:InvalidRequestContentException")
def test_a_payload_that_is_not_json_is_refused(
    client: "LambdaClient", name: str, payload: bytes
) -> None:
    create(client, name, ECHO)
    error = failure(client, FunctionName=name, Payload=payload)
    assert error.response["Error"]["Code"] == "InvalidRequestContentException"
    assert error.response["Error"]["Message"].startswith("Could not parse request body into json")


@pytest.mark.aws("model:ResourceNotFoundException")
def test_a_function_that_does_not_exist_is_not_found(client: "LambdaClient") -> None:
    error = failure(client, FunctionName="nobody-made-this")
    assert error.response["Error"]["Code"] == "ResourceNotFoundException"
    assert error.response["Error"]["Message"] == (
        f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:nobody-made-this:$LATEST"
    )


@pytest.mark.aws("model:InvocationRequest.InvocationType")
def test_unknown_choices_fail_validation(client: "LambdaClient", name: str) -> None:
    create(client, name, ECHO)
    assert refused(
        client.invoke, FunctionName=name, InvocationType="Sometimes", LogType="Some"
    ) == (
        400, "ValidationException",
        ("2 validation errors detected: Value 'Sometimes' at 'invocationType' failed to satisfy "
        "constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]; "
        "Value 'Some' at 'logType' failed to satisfy constraint: Member must satisfy enum value "
        "set: [None, Tail]"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [
        "{name}",
        "{name}:$LATEST",
        "function:{name}",
        f"{ACCOUNT}:function:{{name}}",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{name}}",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{name}}:$LATEST",
    ],
)
@pytest.mark.aws("model:InvocationRequest.FunctionName")
def test_a_function_is_known_by_every_form_of_its_name(
    client: "LambdaClient", name: str, form: str
) -> None:
    create(client, name, ECHO)
    response = client.invoke(FunctionName=form.format(name=name), Payload=b"1")
    assert answer(response) == 1


@pytest.mark.aws("dg/lambda-runtime-environment.html")
def test_globals_survive_and_one_environment_serves_one_event_at_a_time(
    client: "LambdaClient", name: str
) -> None:
    create(
        client, name,
        "import time, uuid\ncount = 0\nmyself = str(uuid.uuid4())\n"
        "def handler(event, context):\n"
        "    global count\n    count += 1\n    time.sleep(event)\n"
        "    return [myself, count]\n",
    )  # fmt: skip
    first = answer(client.invoke(FunctionName=name, Payload=b"0"))
    second = answer(client.invoke(FunctionName=name, Payload=b"0"))
    assert isinstance(first, list)
    assert second == [first[0], 2]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(client.invoke, FunctionName=name, Payload=b"0.5") for _ in range(8)]
        seen = [answer(call.result()) for call in calls]
    assert len({each[0] for each in seen if isinstance(each, list)}) == 8


@pytest.mark.aws("dg/lambda-concurrency.html")
def test_a_hundred_simultaneous_first_calls_run_in_parallel(
    client: "LambdaClient", name: str
) -> None:
    create(
        client, name,
        "import time\n"
        "def handler(event, context):\n"
        "    began = time.time()\n    time.sleep(0.5)\n    return [began, time.time()]\n",
        Timeout=30,
    )  # fmt: skip
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        calls = [pool.submit(client.invoke, FunctionName=name) for _ in range(100)]
        responses = [call.result() for call in calls]
    assert all("FunctionError" not in response for response in responses)
    spans = [answer(response) for response in responses]
    # Far more of them overlap than could by taking turns, however slow the machine is.
    edges = sorted(
        (moment, change)
        for span in spans if isinstance(span, list)
        for moment, change in ((span[0], 1), (span[1], -1))
    )  # fmt: skip
    together = most = 0
    for _, change in edges:
        together += change
        most = max(most, together)
    assert most >= 10, most
