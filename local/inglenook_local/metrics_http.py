"""`GET /_inglenook/metrics`: the platform's metrics, as Prometheus reads them.

Made for aiohttp's low-level server: a callable that takes a `web.BaseRequest`.
"""

from aiohttp import web

from inglenook.telemetry import tally

PATH = "/_inglenook/metrics"


class MetricsEndpoint:
    """Answer requests for `PATH`."""

    def __init__(self, page: tally.Page) -> None:
        self._page = page

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method != "GET":
            return web.json_response({"message": "only GET"}, status=405)
        return web.Response(
            body=await self._page.text(), headers={"Content-Type": tally.CONTENT_TYPE}
        )
