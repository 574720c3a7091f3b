"""Custom runtimes against the Runtime API: AWS's own client, a shell, right and wrong questions."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support import agent_stand

from inglenook_agent.runtime_api import server

BASE = "/2018-06-01/runtime/invocation/"

# What a bootstrap in Python needs to ask by hand.
BY_HAND = f"""
#!{Path(sys.executable).resolve()}
import http.client, json, os, sys
BASE = "/2018-06-01/runtime/"
def ask(method, path, body=None, headers={{}}, base=BASE):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, base + path, body, headers)
    response = connection.getresponse()
    return response.status, response.read(), response.headers
def error(answer):
    return [answer[0], json.loads(answer[1])["errorType"]]
"""


# A function has /tmp for itself, so that an interpreter there is not to be found.
has_client = pytest.mark.skipif(
    Path(sys.executable).is_relative_to("/tmp"), reason="AWS's client is installed below /tmp"
)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[agent_stand.Gateway]:
    async with agent_stand.standing(tmp_path, init_timeout_s=5.0) as standing:
        yield standing


@has_client
async def test_awslambdaric_runs_unmodified(gateway: agent_stand.Gateway) -> None:
    await gateway.bootstrap(
        f"#!/bin/sh\nexec {sys.executable} -m awslambdaric app.handler\n",
        {
            "app.py": """
            count = 0
            def handler(event, context):
                global count
                count += 1
                print("hello from", context.function_name)
                if event == "fail":
                    raise KeyError("absent")
                client = context.client_context.custom if context.client_context else None
                return [count, event, context.aws_request_id, context.invoked_function_arn,
                        client, context.get_remaining_time_in_millis() > 5000]
            """
        },
    )
    started = await gateway.start()
    assert started.init_ok
    first = await gateway.invoke(started.environment, b'{"a": "\xc3\xa4"}', wants_tail=True)
    arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
    assert first.json == [1, {"a": "ä"}, "r-1", arn, None, True]
    assert first.tail.startswith("START RequestId: r-1 Version: $LATEST\nhello from f\nEND ")
    failed = await gateway.invoke(started.environment, b'"fail"', "r-2")
    assert isinstance(failed.json, dict)
    assert failed.json["errorType"] == "KeyError"
    assert failed.result.error is not None
    context = '{"custom":\n {"k": "v"}}'
    third = await gateway.invoke(started.environment, b"3", "r-3", client_context=context)
    assert third.json == [3, 3, "r-3", arn, {"k": "v"}, True]


@has_client
async def test_awslambdaric_reports_a_failed_init(gateway: agent_stand.Gateway) -> None:
    await gateway.bootstrap(f"#!/bin/sh\nexec {sys.executable} -m awslambdaric absent.handler\n")
    started = await gateway.start()
    assert not started.init_ok
    answer = await gateway.invoke(started.environment)
    assert answer.result.error == "Runtime.ImportModuleError"


async def test_a_bootstrap_of_shell_and_curl_runs(gateway: agent_stand.Gateway) -> None:
    await gateway.bootstrap(
        """
        #!/bin/sh
        api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
        while true; do
            event=$(curl -sS -D "/tmp/headers" "$api/invocation/next")
            id=$(tr -d '\\r' < /tmp/headers | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //Ip')
            echo "got $event"
            curl -sS -o /dev/null "$api/invocation/$id/response" -d "echo $event"
        done
        """
    )
    environment = (await gateway.start()).environment
    first = await gateway.invoke(environment, b'{"n": 1}', wants_tail=True)
    assert first.body == b'echo {"n": 1}'  # not JSON, and byte for byte the runtime's
    assert 'got {"n": 1}\n' in first.tail
    assert (await gateway.invoke(environment, b"2", "r-2")).body == b"echo 2"


async def test_wrong_questions_are_answered_as_aws_does(gateway: agent_stand.Gateway) -> None:
    await gateway.bootstrap(
        BY_HAND
        + """
found = [
    ask("GET", "../ping", base="/2018-06-01/runtime/")[0],
    ask("GET", "ping", base="/2018-06-01/")[:2][1].decode(),
    ask("GET", "absent")[0],
    ask("POST", "invocation/next")[0],
    ask("GET", "invocation/x/response")[0],
    error(ask("POST", "invocation/x/response", b"early")),
    error(ask("POST", "extension/register", b"{}", base="/2020-01-01/")),
]
first = ask("GET", "invocation/next")
id = first[2]["Lambda-Runtime-Aws-Request-Id"]
found += [
    error(ask("POST", "invocation/other/response", b"x")),
    error(ask("GET", "invocation/next")),
    error(ask("POST", "init/error", b"{}")),
    error(ask("POST", f"invocation/{id}/response", b"x", {"Lambda-Runtime-Invocation-Id": "no"})),
]
accepted = ask("POST", f"invocation/{id}/response", json.dumps(found))
found = [
    [accepted[0], json.loads(accepted[1])],
    error(ask("POST", f"invocation/{id}/response", b"again")),
    error(ask("POST", f"invocation/{id}/error", b"again")),
]
second = ask("GET", "invocation/next")
names = sorted(name for name in second[2] if name.startswith("Lambda-Runtime"))
id = second[2]["Lambda-Runtime-Aws-Request-Id"]
ask("POST", f"invocation/{id}/response", json.dumps([found, names]))
ask("GET", "invocation/next")
"""
    )
    environment = (await gateway.start()).environment
    first = await gateway.invoke(environment)
    assert first.json == [
        404,
        "pong",
        404,
        405,
        405,
        [400, "InvalidRequestID"],
        [501, "Extension.NotSupported"],
        [400, "InvalidRequestID"],
        [403, "InvalidStateTransition"],
        [403, "InvalidStateTransition"],
        [400, "InvalidRequestID"],
    ]
    second = await gateway.invoke(environment, request_id="r-2")
    assert second.json == [
        [
            [202, {"status": "OK"}],
            [403, "InvalidStateTransition"],
            [403, "InvalidStateTransition"],
        ],
        [
            "Lambda-Runtime-Aws-Request-Id",
            "Lambda-Runtime-Deadline-Ms",
            "Lambda-Runtime-Invocation-Id",
            "Lambda-Runtime-Invoked-Function-Arn",
            "Lambda-Runtime-Trace-Id",
        ],
    ]


async def test_responses_are_limited_and_streams_are_gathered(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.bootstrap(
        BY_HAND
        + """
def chunks(size):
    while size:
        yield b"z" * min(size, 100_000)
        size -= min(size, 100_000)
found = None
while True:
    _, event, headers = ask("GET", "invocation/next")
    event = json.loads(event)
    path = f"invocation/{headers['Lambda-Runtime-Aws-Request-Id']}/response"
    if event == "found":
        ask("POST", path, json.dumps(found))
    elif event == "mode":
        found = error(ask("POST", path, b"x", {"Lambda-Runtime-Function-Response-Mode": "odd"}))
        print(found, flush=True)
    else:
        mode = {"Lambda-Runtime-Function-Response-Mode": "streaming"}
        answer = ask("POST", path, chunks(event), mode)  # chunked
        found = answer[0]
"""
    )
    environment = (await gateway.start()).environment
    assert len((await gateway.invoke(environment, b"6291556")).body) == 6_291_556
    assert (await gateway.invoke(environment, b'"found"')).json == 202
    over = await gateway.invoke(environment, b"6291557")
    assert over.result.error == "Function.ResponseSizeTooLarge"
    assert (await gateway.invoke(environment, b'"found"')).json == 413
    lost = await gateway.invoke(environment, b'"mode"')
    assert lost.result.error == "Runtime.InvalidResponseModeHeader"
    assert (await gateway.invoke(environment, b"3")).body == b"zzz"


async def test_an_event_goes_to_the_last_to_ask(gateway: agent_stand.Gateway) -> None:
    has_asked = asyncio.Event()

    async def told(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        has_asked.set()
        writer.close()

    listener = await asyncio.start_server(told, "127.0.0.1", 0)
    await gateway.bootstrap(
        BY_HAND
        + f"""
import socket
def question():
    asking = socket.create_connection(os.environ["AWS_LAMBDA_RUNTIME_API"].split(":"))
    asking.sendall(b"GET {BASE}next HTTP/1.1\\r\\n\\r\\n")
    return http.client.HTTPResponse(asking)
first = question()
second = question()
first.begin()
socket.create_connection({listener.sockets[0].getsockname()})
second.begin()
id = second.headers["Lambda-Runtime-Aws-Request-Id"]
ask("POST", f"invocation/{{id}}/response", json.dumps([first.status, second.read().decode()]))
ask("GET", "invocation/next")
"""
    )
    environment = (await gateway.start()).environment
    async with listener, asyncio.timeout(agent_stand.DEADLINE_S):
        await has_asked.wait()
    assert (await gateway.invoke(environment, b"1")).json == [403, "1"]


@pytest.mark.parametrize(
    ("is_there", "text"),
    [
        (False, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        (True, "fork/exec /var/task/bootstrap: permission denied"),
    ],
)
async def test_a_bootstrap_that_cannot_run_is_an_invalid_entrypoint(
    gateway: agent_stand.Gateway, tmp_path: Path, is_there: bool, text: str
) -> None:
    gateway.packages.add("code", {"bootstrap": "#!/bin/sh\n"})
    file = tmp_path / "packages" / "code" / "bootstrap"
    file.chmod(0o644)
    if not is_there:
        file.rename(file.with_name("other"))
    await gateway.specialise("code", runtime="provided.al2023")
    started = await gateway.start()
    assert not started.init_ok
    answer = await gateway.invoke(started.environment)
    assert answer.json == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": f"RequestId: r-1 Error: {text}",
    }


async def test_a_bootstrap_that_times_out_or_exits_is_started_again(
    gateway: agent_stand.Gateway,
) -> None:
    gateway.packages.add(
        "code",
        {
            "bootstrap": BY_HAND
            + """
import time
while True:
    _, event, headers = ask("GET", "invocation/next")
    if event == b"1":
        time.sleep(60)
    if event == b"2":
        sys.exit(127)
    path = f"invocation/{headers['Lambda-Runtime-Aws-Request-Id']}/response"
    ask("POST", path, b"well")
"""
        },
    )
    await gateway.specialise("code", runtime="provided.al2023", timeout_s=1)
    environment = (await gateway.start()).environment
    assert (await gateway.invoke(environment, b"1")).result.error == "Sandbox.Timedout"
    assert (await gateway.invoke(environment, b"0")).body == b"well"
    exited = await gateway.invoke(environment, b"2")
    assert exited.json == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: r-1 Error: Runtime exited with error: exit status 127",
    }
    assert (await gateway.invoke(environment, b"0")).body == b"well"


@pytest.mark.parametrize("turns", range(6))
async def test_who_connects_while_it_closes_is_cut(turns: int) -> None:
    api = server.Server()
    await api.open()
    host, _, port = api.address.partition(":")
    with socket.create_connection((host, int(port))) as caller:
        for _ in range(turns):
            await asyncio.sleep(0)
        await api.close()
        caller.setblocking(False)
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionResetError):  # if nobody had accepted it
                assert await asyncio.get_running_loop().sock_recv(caller, 1) == b""
