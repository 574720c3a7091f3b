"""Connections to the other gateways: one for each, kept open, over which questions are asked.

A link that is lost is made anew for as long as its gateway is there; what was asked on it and not
answered is answered with None, for whoever asked to say what that means. A gateway that has gone
without a word (its node has lost power) is *quiet* at once (see `pulse`), and lost within
`silence.NODE_S`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from inglenook.aio import backoff, tasks
from inglenook.wire import asking, frames, proof, silence
from inglenook_cluster.peers import pulse

logger = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 2.0
_PAUSE_S = (0.02, 1.0)
_STOOD_S = 1.0
"""How long a link has to last for the next failure to be a new one."""


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
        self._pulses: dict[str, pulse.Pulse] = {}
        self._connecting: dict[str, asyncio.Task[None]] = {}
        self._observers: list[Callable[[str], None]] = []
        self._tasks = tasks.Tasks()

    def observe(self, callback: Callable[[str], None]) -> None:
        """Call `callback` with each gateway whose link comes up, is lost, falls quiet or speaks."""
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

    def awake(self, name: str) -> Link | None:
        """Return the link to a gateway, if it is up and not quiet: for what must not be lost."""
        beating = self._pulses.get(name)
        if beating is None:
            return None
        beating.used()
        return None if beating.is_quiet else self.to(name)

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
                await self._stand(name, link)
                if asyncio.get_running_loop().time() - began > _STOOD_S:
                    pauses.reset()
                # One that is closed as soon as it is open must not be opened in a busy loop.
                await asyncio.sleep(pauses.next())
        finally:
            del self._connecting[name]

    async def _stand(self, name: str, link: Link) -> None:
        """Have a link until it is lost."""
        beating = pulse.Pulse(link, lambda: self._tell(name))
        self._links[name], self._pulses[name] = link, beating
        beating.start()
        try:
            self._tell(name)
            await link.lost.wait()
        finally:
            beating.stop()
            del self._links[name], self._pulses[name]
        self._tell(name)

    async def _open(self, address: str) -> Link:
        host, port = _host_and_port(address, self._port)
        loop = asyncio.get_running_loop()
        transport, connection = await loop.create_connection(frames.StreamConnection, host, port)
        silence.notice(transport, silence.NODE_S)
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
