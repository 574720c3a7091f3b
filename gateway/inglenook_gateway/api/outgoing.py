"""Writing a response piece by piece, to callers who may not read it.

A caller who keeps his connection and reads nothing would hold it, and what is written to it, for as
long as he likes. He is given a time for each piece and then up: his connection is cut.
"""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

STALL_S = 120.0
"""Long enough for somebody who pages through an answer, and for a megabyte on a very thin line."""


async def write(
    request: web.BaseRequest,
    response: web.StreamResponse,
    piece: "Body",
    stall_s: float = STALL_S,
) -> None:
    """Write to a response that has begun. Raises ConnectionError if the caller has gone."""
    try:
        async with asyncio.timeout(stall_s):
            await response.write(piece)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the caller reads nothing") from None
