"""Zips fetched by HTTP or HTTPS, bounded in size and time."""

import aiohttp

from inglenook.model import limits
from inglenook_operator.reconcile.packages import FETCH_FAILED, BadSourceError

_TIMEOUT = aiohttp.ClientTimeout(total=60.0, connect=5.0, sock_read=15.0)
_PIECE_BYTES = 256 * 1024
_REDIRECTS_MAX = 5


async def fetch(url: str) -> bytes:
    """Return what is at a URL. Raises BadSourceError for whatever goes wrong."""
    content = bytearray()
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(url, max_redirects=_REDIRECTS_MAX) as answer,
        ):
            if answer.status != 200:
                raise BadSourceError(FETCH_FAILED, f"{url} answered {answer.status}.")
            async for piece in answer.content.iter_chunked(_PIECE_BYTES):
                content += piece
                if len(content) > limits.ZIPPED_BYTES_MAX:
                    most = limits.ZIPPED_BYTES_MAX
                    raise BadSourceError("PackageTooLarge", f"{url} has more than {most} bytes.")
    except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
        text = str(exc) or type(exc).__name__
        raise BadSourceError(FETCH_FAILED, f"{url} could not be fetched: {text}") from exc
    return bytes(content)
