import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import boto3
import pytest
from aiohttp import web
from botocore import config
from botocore.exceptions import ClientError
from support import shape_values

from inglenook import errors
from inglenook.model import limits
from inglenook_gateway.api import bodies, front


class Operations:
    """Handlers that remember what they were asked."""

    def __init__(self) -> None:
        self.calls: list[front.Call] = []
        self.reply = front.Reply()
        self.error: BaseException | None = None

    async def __call__(self, call: front.Call) -> front.Reply:
        self.calls.append(call)
        if self.error is not None:
            raise self.error
        return self.reply


class Invocations:
    """A raw handler that answers what it got."""

    def __init__(self) -> None:
        self.labels: list[list[str]] = []
        self.error: BaseException | None = None

    async def __call__(
        self, request: web.BaseRequest, labels: list[str], request_id: str
    ) -> web.StreamResponse:
        self.labels.append(labels)
        if self.error is not None:
            raise self.error
        body = await bodies.receive(
            request, 10**9, lambda size: errors.RequestTooLargeError(str(size))
        )
        return web.Response(body=bytes(body), headers={"X-Amz-Executed-Version": "$LATEST"})


async def health(request: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({"path": request.path})


async def broken(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = 100
    await response.prepare(request)
    await response.write(b"half")
    raise errors.ServiceError


class Served:
    def __init__(self, port: int, operations: Operations, invocations: Invocations) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.operations = operations
        self.invocations = invocations

    def client(self) -> Any:
        return boto3.client(
            "lambda",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=config.Config(retries={"max_attempts": 0}, parameter_validation=False),
        )

    async def boto(self, operation: str, **params: Any) -> dict[str, Any]:
        def call() -> dict[str, Any]:
            client = self.client()
            try:
                answer: dict[str, Any] = getattr(client, operation)(**params)
                if "Payload" in answer:
                    answer["Payload"] = answer["Payload"].read()
            finally:
                client.close()
            return answer

        return await asyncio.to_thread(call)

    async def refused(self, operation: str, **params: Any) -> ClientError:
        with pytest.raises(ClientError) as caught:
            await self.boto(operation, **params)
        return caught.value

    async def raw(self, text: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send bytes as they are; read one response."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(text)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            return int(head[0].split()[1]), headers, body
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def serving(
    handlers: tuple[str, ...] = (
        "CreateFunction",
        "GetFunction",
        "DeleteFunction",
        "ListFunctions",
    ),
) -> AsyncIterator[Served]:
    operations, invocations = Operations(), Invocations()
    built = front.Front(
        shape_values.service(),
        handlers=dict.fromkeys(handlers, operations),
        raw_handlers={"Invoke": invocations},
        extra={"/_inglenook/health": health, "/_inglenook/broken": broken},
    )
    server = web.Server(built.handle)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Served(runner.addresses[0][1], operations, invocations)
    finally:
        await runner.cleanup()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as found:
        yield found


async def test_boto_calls_an_operation_and_reads_its_output(served: Served) -> None:
    served.operations.reply = front.Reply(output={"FunctionName": "f", "Timeout": 3, "Role": None})
    answer = await served.boto(
        "create_function",
        FunctionName="f",
        Role="arn:aws:iam::123456789012:role/r",
        Code={"ZipFile": b"\x00\xff"},
        Environment={"Variables": {"KEY": "ü"}},
    )
    (call,) = served.operations.calls
    assert call.operation == "CreateFunction"
    assert call.params["Code"] == {"ZipFile": b"\x00\xff"}
    assert call.params["Environment"] == {"Variables": {"KEY": "ü"}}
    meta = answer.pop("ResponseMetadata")
    assert meta["HTTPStatusCode"] == 201
    assert meta["RequestId"] == call.request_id
    assert answer == {"FunctionName": "f", "Timeout": 3}


async def test_a_reply_may_name_its_status(served: Served) -> None:
    served.operations.reply = front.Reply(status=204)
    answer = await served.boto("delete_function", FunctionName="f", Qualifier="1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert answer["StatusCode"] == 204
    assert served.operations.calls[0].params == {"FunctionName": "f", "Qualifier": "1"}


async def test_a_large_deployment_package_arrives_whole(served: Served) -> None:
    package = bytes(range(256)) * 8192
    await served.boto(
        "create_function",
        FunctionName="f",
        Role="arn:aws:iam::123456789012:role/r",
        Code={"ZipFile": package},
    )
    assert served.operations.calls[0].params["Code"]["ZipFile"] == package


async def test_an_operations_error_reaches_boto_as_its_class(served: Served) -> None:
    served.operations.error = errors.ResourceNotFoundError("Function not found: arn")
    refused = await served.refused("get_function", FunctionName="f")
    assert type(refused).__name__ == "ResourceNotFoundException"
    assert refused.response["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": "Function not found: arn",
    }
    assert refused.response["Type"] == "User"


async def test_an_operation_that_is_not_built_says_so_after_validation(served: Served) -> None:
    refused = await served.refused("list_aliases", FunctionName="f")
    assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "The operation ListAliases is not built yet" in refused.response["Error"]["Message"]
    refused = await served.refused("list_aliases", FunctionName="f f")
    assert refused.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("name", shape_values.operations())
async def test_no_operation_of_the_model_fails_to_be_answered(name: str) -> None:
    async with serving(handlers=()) as served, aiohttp.ClientSession() as session:
        operation = shape_values.service().operation_model(name)
        shape = operation.input_shape
        params = {} if shape is None else shape_values.full(shape)
        request = shape_values.request(operation, params)
        url = request.url.replace("http://127.0.0.1:3001", served.url)
        for body in (request.body, b"[", None):
            async with session.request(
                request.method, aiohttp.client.URL(url, encoded=True), data=body
            ) as answer:
                assert answer.status in {200, 400, 501}, await answer.read()


async def test_an_unexpected_error_is_logged_once_with_the_request_id(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    served.operations.error = KeyError("a secret")
    refused = await served.refused("get_function", FunctionName="f")
    assert refused.response["Error"]["Code"] == "ServiceException"
    assert "secret" not in str(refused)
    assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    (record,) = [found for found in caplog.records if found.levelno >= logging.ERROR]
    request_id = refused.response["ResponseMetadata"]["RequestId"]
    assert record.__dict__["request_id"] == request_id


async def test_cancellation_is_not_swallowed() -> None:
    started = asyncio.Event()

    async def forever(_: front.Call) -> front.Reply:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    built = front.Front(shape_values.service(), handlers={"ListFunctions": forever})
    handled: list[asyncio.Task[web.StreamResponse]] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        async with asyncio.TaskGroup() as group:
            handled.append(group.create_task(built.handle(request)))
        return handled[0].result()

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/2015-03-31/functions"
            async with asyncio.TaskGroup() as group:
                request = group.create_task(_ended(session, url))
                await started.wait()
                handled[0].cancel()
                await asyncio.wait(handled)
                assert handled[0].cancelled()
                request.cancel()
    finally:
        await runner.cleanup()


async def _ended(session: aiohttp.ClientSession, url: str) -> None:
    async with session.get(url):
        pass


async def test_invoke_goes_to_its_raw_handler_with_a_decoded_name(served: Served) -> None:
    name = "arn:aws:lambda:us-east-1:123456789012:function:f"
    answer = await served.boto("invoke", FunctionName=name, Payload=b"not json")
    assert served.invocations.labels == [[name]]
    assert answer["Payload"] == b"not json"
    assert answer["ExecutedVersion"] == "$LATEST"
    assert answer["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize("path", ["f/invocations", "f/invocations/", "f/invocations?Qualifier=1"])
async def test_invoke_is_recognised_in_every_form(served: Served, path: str) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{served.url}/2015-03-31/functions/{path}"
        async with session.post(url, data=b"{}") as answer:
            assert (answer.status, await answer.read()) == (200, b"{}")
    assert served.invocations.labels == [["f"]]


async def test_an_error_of_a_raw_handler_is_answered_too(served: Served) -> None:
    served.invocations.error = errors.TooManyRequestsError("CallerRateLimitExceeded")
    refused = await served.refused("invoke", FunctionName="f")
    assert type(refused).__name__ == "TooManyRequestsException"
    assert refused.response["Reason"] == "CallerRateLimitExceeded"


@pytest.mark.parametrize("path", ["functions/f/invocations", "functions"])
async def test_a_client_that_waits_to_send_its_body_is_invited(served: Served, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        f"POST /2015-03-31/{path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        "Content-Length: 2\r\n\r\n".encode()
    )
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    status = await reader.readline()
    assert status.split()[1] in {b"200", b"400"}
    writer.close()
    await writer.wait_closed()


async def test_a_body_over_the_limit_is_refused_before_it_is_sent(served: Served) -> None:
    status, headers, body = await served.raw(
        b"POST /2015-03-31/functions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        b"Content-Length: %d\r\n\r\n" % (limits.REQUEST_BYTES_MAX + 1)
    )
    assert status == 413
    assert headers["x-amzn-errortype"] == "requestentitytoolargeexception"
    assert json.loads(body) == {
        "message": "Request must be smaller than 70167211 bytes for the CreateFunction operation"
    }


async def test_a_chunked_body_over_the_limit_is_refused(served: Served) -> None:
    chunk = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
    head = b"POST /2015-03-31/functions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, _, _ = await served.raw(head + chunk * 67 + b"0\r\n\r\n")
    assert status == 413


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        (b"GET /nonsense", 403, "accessdeniedexception"),
        (b"GET /2015-03-31/functions/f/nonsense", 403, "accessdeniedexception"),
        (b"PATCH /2015-03-31/functions", 403, "accessdeniedexception"),
        (b"HEAD /2015-03-31/functions", 403, "accessdeniedexception"),
        (b"OPTIONS /2015-03-31/functions", 403, "accessdeniedexception"),
        (b"OPTIONS *", 403, "accessdeniedexception"),
        (b"GET /_inglenook/other", 403, "accessdeniedexception"),
        (b"GET /2015-03-31/functions/%ff", 400, "serializationexception"),
        (b"GET /2015-03-31/functions/%zz", 400, "serializationexception"),
        (b"GET /2015-03-31/functions/%00", 400, "validationexception"),
        (b"GET /2015-03-31/functions/f%0d%0aX:y", 400, "validationexception"),
        (b"GET /2015-03-31/functions?MaxItems=%zz", 400, "serializationexception"),
        (b"GET /2015-03-31/functions?MaxItems=x", 400, "serializationexception"),
        (b"GET /2015-03-31/functions?MaxItems=0", 400, "validationexception"),
        (b"POST /2015-03-31/functions/%ff/invocations", 400, "serializationexception"),
        (b"GET http://x/2015-03-31/functions?MaxItems=x", 400, "serializationexception"),
    ],
)
async def test_what_makes_no_sense_is_refused_as_aws_does(
    served: Served, target: bytes, status: int, code: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = (await reader.read()).decode().lower()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(f"http/1.1 {status} ")
    assert f"x-amzn-errortype: {code}\r\n" in answer
    assert "x-amzn-requestid: " in answer
    assert "traceback" not in answer


@pytest.mark.parametrize(
    "target",
    [b"GET /2015-03-31/functions/\xff", b"GET /\x01", b"GET /a b", b"GET", b"\xff\xff /"],
)
async def test_what_is_hardly_http_is_refused_with_a_400(served: Served, target: bytes) -> None:
    status, _, body = await served.raw(target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == 400
    assert b"Traceback" not in body


async def test_a_header_that_is_not_utf8_is_refused() -> None:
    async with serving(handlers=()) as served:
        status, headers, _ = await served.raw(
            b"POST /2021-11-15/functions/f/response-streaming-invocations HTTP/1.1\r\nHost: x\r\n"
            b"X-Amz-Client-Context: \xff\r\nContent-Length: 0\r\n\r\n"
        )
        assert (status, headers["x-amzn-errortype"]) == (400, "serializationexception")


async def test_a_body_that_breaks_its_own_framing_is_refused(served: Served) -> None:
    status, _, _ = await served.raw(
        b"POST /2015-03-31/functions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"zz\r\n"
    )
    assert status == 400


async def test_paths_of_our_own_have_their_own_handlers(served: Served) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/_inglenook/health", "/_inglenook/health/deep"):
            async with session.get(served.url + path) as answer:
                assert await answer.json() == {"path": path}


async def test_an_error_after_a_response_began_cuts_it_short(served: Served) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            async with session.get(served.url + "/_inglenook/broken") as answer:
                await answer.read()


async def test_a_handler_for_an_operation_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="Nonsense"):
        front.Front(shape_values.service(), handlers={"Nonsense": Operations()})
