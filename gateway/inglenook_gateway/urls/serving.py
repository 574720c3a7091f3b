"""Function URLs over HTTP: a request becomes an event, and the answer a response.

A request finds its URL by its `Host`, or by a path under `function_url.PATH_PREFIX`, which the
function then does not see. It is answered in this order: unknown URLs, CORS preflights, who may
call, size, limits. A function runs on when its caller hangs up. Whatever a function answers wrongly
is 502 for the caller, as on Lambda.

Source: dg/urls-invocation.html.
"""

import asyncio
import uuid
from urllib import parse

from aiohttp import web

from inglenook import errors
from inglenook.aio import clock
from inglenook.catalog import catalog, targets
from inglenook.catalog.target import Target
from inglenook.model import account, function_url, limits
from inglenook.model.arn import FunctionRef
from inglenook.routing import invocation, streaming
from inglenook.telemetry import metrics, runs, sampling, tally
from inglenook_gateway.api import bodies, failures
from inglenook_gateway.urls import access, answer, cors, event, index, responses, streams

_METHODS = frozenset(("GET", "POST", "PUT", "HEAD", "OPTIONS", "PATCH", "DELETE"))
_INLINE_BYTES_MAX = 256 * 1024
"""Beyond this, bodies are encoded and answers decoded in a thread: they would hold up the loop."""
_NOT_THE_EVENTS = (
    errors.ResourceConflictError,
    errors.InvalidRuntimeError,
    errors.InvalidZipFileError,
)


class Urls:
    """Serve the function URLs of a catalog."""

    def __init__(
        self,
        *,
        known: catalog.Catalog,
        aims: targets.Targets,
        runner: streaming.StreamRunner,
        owner: account.Account,
        time: clock.Clock,
        headers: sampling.Headers,
        seen: tally.Tally,
    ) -> None:
        self._aims = aims
        self._index = index.Index(known)
        self._runner = runner
        self._owner = owner
        self._clock = time
        self._headers = headers
        self._seen = seen

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request to a function URL. Network failures pass."""
        request_id = str(uuid.uuid4())
        url_id, path = _asked(request)
        url = self._index.find(url_id)
        if url is None:
            return responses.refused(None, request_id)
        began = self._clock.monotonic()
        response = await self._of(url, path, request, request_id)
        labels = (url.function_name, runs.qualified(url.function_name, url.qualifier))
        self._seen.count(metrics.URL_REQUESTS, labels)
        if response.status >= 400:
            self._seen.count(metrics.URL_4XX if response.status < 500 else metrics.URL_5XX, labels)
        self._seen.observe(metrics.URL_LATENCY, self._clock.monotonic() - began, labels)
        return response

    async def _of(
        self,
        url: function_url.FunctionUrl,
        path: str,
        request: web.BaseRequest,
        request_id: str,
    ) -> web.StreamResponse:
        if url.cors is not None and request.method == "OPTIONS":
            return responses.preflight(
                cors.preflight_headers(url.cors, request.headers), request_id
            )
        shared = responses.Shared(
            request_id=request_id,
            headers=[]
            if url.cors is None
            else cors.response_headers(url.cors, request.headers.get("Origin")),
        )
        try:
            return await self._answered(request, url, path, shared)
        except errors.ResourceNotFoundError:
            return shared.on(responses.refused(access.FORBIDDEN, request_id))
        except (answer.MalformedAnswer, *_NOT_THE_EVENTS):
            return shared.on(responses.bad_gateway())
        except errors.ApiError as error:
            return shared.on(failures.response(error, request_id))

    async def _answered(
        self,
        request: web.BaseRequest,
        url: function_url.FunctionUrl,
        path: str,
        shared: responses.Shared,
    ) -> web.StreamResponse:
        raw_query = request.raw_path.partition("?")[2].partition("#")[0]
        key = access.access_key(request.headers.get("Authorization"), raw_query)
        if url.needs_signature and key is None:
            return shared.on(responses.refused(access.FORBIDDEN, shared.request_id))
        if request.method not in _METHODS:
            return shared.on(web.Response(status=405, content_type=answer.JSON))
        ref = FunctionRef(url.function_name, url.qualifier)
        target = await self._aims.find(ref)
        changes = self._aims.changes
        body = await bodies.receive(request, limits.PAYLOAD_BYTES_MAX, _too_large)
        if self._aims.changes != changes:
            # A body may take its time; what it is meant for may have changed, or gone, meanwhile.
            if self._index.find(url.url_id) is None:
                return shared.on(responses.refused(None, shared.request_id))
            target = await self._aims.find(ref)
        trace_id = self._headers.root(_trace_id(request), target.function_name, target.spec.tracing)
        facts = event.Request(
            request_id=shared.request_id,
            url_id=url.url_id,
            domain=function_url.domain(url.url_id, self._owner.region),
            method=request.method,
            raw_path=path,
            raw_query=raw_query,
            protocol=f"HTTP/{request.version.major}.{request.version.minor}",
            headers=request.headers.items(),
            source_ip=request.remote or "",
            scheme=request.scheme,
            port=_port(request),
            trace_id=trace_id,
            now=self._clock.now(),
            account_id=self._owner.id if url.needs_signature else "anonymous",
            identity=access.identity(self._owner, key) if url.needs_signature and key else None,
        )
        asked = invocation.Event(
            request_id=shared.request_id,
            arn=target.invoked_arn(url.qualifier),
            payload=await _payload(facts, body),
            trace_id=self._headers.continued(trace_id, target.spec.tracing),
        )
        shared.trace_id = asked.trace_id
        if url.is_streamed:
            stream = self._runner.stream(target.id, target.spec, asked)
            return await streams.respond(request, stream, shared)
        return await self._whole(target, asked, shared)

    async def _whole(
        self, target: Target, asked: invocation.Event, shared: responses.Shared
    ) -> web.Response:
        outcome = await self._runner.invoke(target.id, target.spec, asked)
        if outcome.result.error is not None:
            raise answer.MalformedAnswer
        payload = outcome.payload
        if isinstance(payload, memoryview):
            payload = bytes(payload)
        if len(payload) > _INLINE_BYTES_MAX:
            told = await asyncio.to_thread(responses.interpreted, payload)
        else:
            told = responses.interpreted(payload)
        return shared.on(responses.whole(told))


def _asked(request: web.BaseRequest) -> tuple[str, str]:
    """Return the url id that a request names, and the path that the function is to see."""
    path = request.raw_path.partition("?")[0].partition("#")[0]
    if not path.startswith("/"):
        # A proxy's absolute form (`GET http://host/path`), or `OPTIONS *`.
        path = (parse.urlsplit(path).path if "://" in path else "") or "/"
    url_id = function_url.id_of_host(request.headers.get("Host", ""))
    if url_id is not None:
        return url_id, path
    url_id, _, rest = path.removeprefix(function_url.PATH_PREFIX).partition("/")
    return url_id, f"/{rest}"


async def _payload(facts: event.Request, body: bytes | bytearray) -> bytes:
    if len(body) > _INLINE_BYTES_MAX:
        payload = await asyncio.to_thread(event.encode, facts, body)
    else:
        payload = event.encode(facts, body)
    if len(payload) > limits.PAYLOAD_BYTES_MAX:
        # Base64 adds a third to a binary body, and it counts.
        raise _too_large(len(payload))
    return payload


def _port(request: web.BaseRequest) -> int:
    if request.transport is None:
        return 0
    address = request.transport.get_extra_info("sockname")
    return int(address[1]) if isinstance(address, tuple) else 0


def _trace_id(request: web.BaseRequest) -> str | None:
    """Return the caller's trace; one that is no text could not be handed on."""
    given = request.headers.get("X-Amzn-Trace-Id")
    return given if given and given.isascii() and given.isprintable() else None


def _too_large(size: int) -> errors.RequestTooLargeError:
    return errors.RequestTooLargeError(
        f"{size} byte payload is too large for the RequestResponse invocation type "
        f"(limit {limits.PAYLOAD_BYTES_MAX} bytes)"
    )
