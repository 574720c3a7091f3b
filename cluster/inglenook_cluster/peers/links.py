"""Connections to the other gateways: one for each, kept open, over which questions are asked.

A link that is lost is made anew for as long as its gateway is there; what was asked on it and not
answered is answered with None, for whoever asked to say what that means. A gateway that has gone
without a word (its node has lost power) is noticed by the kernel within `_SILENCE_MS`.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping

from inglenook.aio import backoff, tasks
from inglenook.wire import asking, frames, proof

logger = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 2.0
_PAUSE_S = (0.02, 1.0)
_STOOD_S = 1.0
"""How long a link has to last for the next failure to be a new one."""
_SILENCE_MS = 4000
_PROBE_AFTER_S = 1
_PROBES = 3


class Link(asking.Asking):
    """One connection to another gateway."""

    def __init__(self, connection: frames.StreamConnection) -> None:
        super().__init__(connection)
        self.lost = asyncio.Event()

    def ended(self, reason: str) -> None:
        del reason
        self.lost.set()


class Links:
    """The links of this process to all gateways but itself. To be closed."""

    def __init__(self, *, name: str, secret: bytes, port: int) -> None:
        """Connect as `name`, to addresses that say no port (`host:port`) of their own on `port`."""
        self._name = name
        self._secret = secret
        self._port = port
        self._wanted: dict[str, str] = {}
        self._links: dict[str, Link] = {}
        self._connecting: dict[str, asyncio.Task[None]] = {}
        self._observers: list[Callable[[str], None]] = []
        self._tasks = tasks.Tasks()

    def observe(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with the name of each gateway whose link has come up or been lost."""
        self._observers.append(callback)

    def keep(self, addresses: Mapping[str, str]) -> None:
        """Have links to these. A link to another one stays for as long as that one keeps it."""
        self._wanted = {name: at for name, at in addresses.items() if name != self._name}
        for name in self._wanted:
            if name not in self._connecting:
                self._connecting[name] = self._tasks.start(
                    self._connect(name), name=f"link to {name}"
                )

    def to(self, name: str) -> Link | None:
        """Return the link to a gateway, if it is up."""
        found = self._links.get(name)
        return None if found is None or found.is_closed else found

    async def _connect(self, name: str) -> None:
        pauses = backoff.Backoff(*_PAUSE_S)
        try:
            while (address := self._wanted.get(name)) is not None:
                try:
                    async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                        link = await self._open(address)
                except (OSError, TimeoutError, proof.NotGreetedError) as error:
                    logger.debug("no link to a gateway", extra={"to": name, "why": repr(error)})
                    await asyncio.sleep(pauses.next())
                    continue
                began = asyncio.get_running_loop().time()
                self._links[name] = link
                self._tell(name)
                await link.lost.wait()
                del self._links[name]
                self._tell(name)
                if asyncio.get_running_loop().time() - began > _STOOD_S:
                    pauses.reset()
                # One that is closed as soon as it is open must not be opened in a busy loop.
                await asyncio.sleep(pauses.next())
        finally:
            del self._connecting[name]

    async def _open(self, address: str) -> Link:
        host, port = _host_and_port(address, self._port)
        loop = asyncio.get_running_loop()
        transport, connection = await loop.create_connection(frames.StreamConnection, host, port)
        _notice_silence(transport)
        try:
            await proof.greet(connection, self._secret, self._name)
            link = Link(connection)
            link.open()
        except BaseException:
            transport.abort()
            raise
        return link

    def _tell(self, name: str) -> None:
        for callback in self._observers:
            callback(name)

    async def close(self) -> None:
        """Close all links."""
        self._wanted = {}
        for link in self._links.values():
            link.close("this process goes away")
        await self._tasks.close()


def _host_and_port(address: str, port: int) -> tuple[str, int]:
    host, colon, own = address.rpartition(":")
    if colon and ":" not in host:
        return host, int(own)
    return address, port  # IPv6 has more colons, and no port


def _notice_silence(transport: asyncio.Transport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE_MS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_AFTER_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_AFTER_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
