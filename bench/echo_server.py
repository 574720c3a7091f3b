"""A bare aiohttp server that answers the body of its request: what the platform is measured beside.

Run as `python bench/echo_server.py PORT [ADDRESS]`.
"""

import asyncio
import sys

import uvloop
from aiohttp import web


async def echo(request: web.BaseRequest) -> web.Response:
    """Answer with the request's own body."""
    return web.Response(body=await request.read(), content_type="application/json")


async def serve(port: int, address: str = "127.0.0.1") -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(web.Server(echo), address, port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), *sys.argv[2:]))
