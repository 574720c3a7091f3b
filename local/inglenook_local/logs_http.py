"""`GET /_inglenook/logs`: a log group over HTTP, as JSON lines, if asked for without end.

Query: `group` (required), `since_ms`, `limit` (with it the newest ones), `follow=1`. Lines are
`{"timestamp_ms": …, "stream": …, "message": …}`; an empty line now and then only tells that the
connection lives, and lets the server find out that the reader does not.

Made for aiohttp's low-level server: a callable that takes a `web.BaseRequest`.
"""

from contextlib import aclosing, suppress

import msgspec
from aiohttp import web

from inglenook_local import logs

PATH = "/_inglenook/logs"
KEEP_ALIVE_S = 10.0


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader asks for."""

    group: str
    since_ms: int | None = None
    limit: int | None = None
    follow: bool = False


class LogsEndpoint:
    """Answer requests for `PATH`."""

    def __init__(self, log_files: logs.LogFiles, *, keep_alive_s: float = KEEP_ALIVE_S) -> None:
        self._logs = log_files
        self._keep_alive_s = keep_alive_s
        self._encode = msgspec.json.Encoder().encode_lines

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "GET":
            return web.json_response({"message": "only GET"}, status=405)
        try:
            query = msgspec.convert(dict(request.query), Query, strict=False)
        except msgspec.ValidationError as error:
            return web.json_response({"message": str(error)}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        # A reader who hangs up while we write ends the request, which is no error.
        with suppress(ConnectionError):
            await response.prepare(request)
            if query.follow:
                await self._follow(query, response)
            else:
                past = await self._logs.read(query.group, query.since_ms or 0, query.limit)
                await response.write(self._encode(past))
            await response.write_eof()
        return response

    async def _follow(self, query: Query, response: web.StreamResponse) -> None:
        batches = self._logs.follow(query.group, query.since_ms, query.limit, self._keep_alive_s)
        async with aclosing(batches):
            async for batch in batches:
                await response.write(self._encode(batch) if batch else b"\n")
