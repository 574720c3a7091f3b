"""Packages on their way to agents that do not share the gateway's disk.

They are read once for all pods of a burst, and the last ones are kept. Pieces of all packages are
written back to back, a few without an answer, and what follows right behind them: an agent does in
order what one connection brings. One that was refused is refused again by `Specialise`, which says
why.
"""

import asyncio
import collections
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from inglenook import errors
from inglenook.model import limits
from inglenook.store import code
from inglenook.wire import messages
from inglenook_gateway.dispatch import link

if TYPE_CHECKING:
    from inglenook.wire.connection import Body

PIECE_BYTES = limits.MIB
_UNANSWERED_MAX = 4
"""How many pieces may be under way to a pod: what a slow one makes us hold."""
_KEPT_BYTES = 64 * limits.MIB


class Packages:
    """What is needed to send the packages of versions."""

    def __init__(self, read: Callable[[str], Awaitable[bytes]], *, kept: int = _KEPT_BYTES) -> None:
        self._read = read
        self._kept_max = kept
        self._kept: collections.OrderedDict[str, bytes] = collections.OrderedDict()
        self._reading: dict[str, asyncio.Lock] = {}

    async def load(self, specialise: messages.Specialise) -> dict[str, bytes]:
        """Return all packages of a version, by SHA-256.

        Raises InvalidZipFileError if one is lost for good; anything else means *not now*.
        """
        if specialise.image is not None:
            return {}
        names = dict.fromkeys([specialise.code_sha256, *(e.sha256 for e in specialise.layers)])
        return {name: await self._one(name) for name in names}

    async def _one(self, sha256: str) -> bytes:
        lock = self._reading.setdefault(sha256, asyncio.Lock())
        try:
            async with lock:
                found = self._kept.get(sha256)
                if found is None:
                    found = await self._read(sha256)
                    self._keep(sha256, found)
                else:
                    self._kept.move_to_end(sha256)
                return found
        except (code.CodeMissingError, code.CodeDamagedError) as exc:
            raise errors.InvalidZipFileError(exc.message) from exc
        finally:
            if not lock.locked():
                self._reading.pop(sha256, None)

    def _keep(self, sha256: str, package: bytes) -> None:
        self._kept[sha256] = package
        size = sum(map(len, self._kept.values()))
        while size > self._kept_max:
            _, dropped = self._kept.popitem(last=False)
            size -= len(dropped)


async def send(to: link.AgentLink, packages: dict[str, bytes]) -> None:
    """Send packages, as fast as the agent takes them; none after one that it has refused."""
    sending = _Sending(to)
    for sha256, package in packages.items():
        await sending.send(sha256, memoryview(package))


class _Sending:
    """Packages under way to one agent."""

    def __init__(self, to: link.AgentLink) -> None:
        self._to = to
        self._unanswered = 0
        self._is_refused = False
        self._answer = asyncio.Event()

    @property
    def _goes_on(self) -> bool:
        return not (self._is_refused or self._to.is_closed)

    async def send(self, sha256: str, package: memoryview) -> None:
        for offset in range(0, len(package), PIECE_BYTES):
            await self.answered(at_most=_UNANSWERED_MAX - 1)
            if not self._goes_on:
                return
            self._unanswered += 1
            header = messages.Package(sha256=sha256, offset=offset, total=len(package))
            self._to.ask(header, package[offset : offset + PIECE_BYTES], self._answered)

    async def answered(self, *, at_most: int) -> None:
        """Wait until no more than so many pieces are without an answer."""
        while self._unanswered > at_most and self._goes_on:
            self._answer.clear()
            await self._answer.wait()

    def _answered(self, header: messages.Header | None, _body: "Body") -> None:
        self._unanswered -= 1
        self._is_refused |= not isinstance(header, messages.Stored)
        self._answer.set()
