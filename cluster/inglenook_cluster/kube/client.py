"""The client of the Kubernetes API, as every process of the platform makes it.

HTTP alone: objects are JSON here, and whoever reads one decodes it. (The official library would
load a class for each kind of object that Kubernetes has: 70 MB in every process.) In a pod it is
the pod's service account's, elsewhere that of the file that KUBECONFIG names. Who opens it closes
it, after everything that uses it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

import aiohttp
import yarl

from inglenook import settings
from inglenook_cluster.kube import access

_USER_AGENT = "inglenook"
_TOKEN_VALID_S = 60.0
"""How long a token from a file is used before it is read again. It is replaced long before it
expires."""
_UNAUTHORIZED = 401
_GOODBYE_S = 0.1


class Client:
    """Connections to one API server. Belongs to one event loop."""

    def __init__(self, to: access.Access) -> None:
        self._access = to
        self._session = aiohttp.ClientSession(
            # How many requests there may be at once is for who sends them.
            connector=aiohttp.TCPConnector(limit=0, ssl=True if to.tls is None else to.tls),
            headers={"User-Agent": _USER_AGENT},
        )
        self._token = to.token
        self._read_at: float | None = None

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
        # TLS says goodbye in the loop's next turns; aiohttp's "Graceful Shutdown" says to wait.
        await asyncio.sleep(_GOODBYE_S)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | None,
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        """Return the beginning of an answer, whose end is the caller's to wait for.

        Raises what aiohttp and the reading of a token's file raise.
        """
        if token := await self._current_token():
            headers = {**headers, "Authorization": f"Bearer {token}"}
        answer = await self._session.request(
            method,
            yarl.URL(f"{self._access.server}{path}").with_query(query),
            headers=headers,
            data=body,
            timeout=limits,
            allow_redirects=False,
            server_hostname=self._access.tls_name,
        )
        if answer.status == _UNAUTHORIZED:
            # The file may have another one by now.
            self._read_at = None
        return answer

    async def _current_token(self) -> str | None:
        path, now = self._access.token_file, asyncio.get_running_loop().time()
        if path is not None and (self._read_at is None or now >= self._read_at + _TOKEN_VALID_S):
            self._token = await asyncio.to_thread(_content, path)
            self._read_at = now
        return self._token


def _content(path: Path) -> str:
    return path.read_text().strip()


async def open_client() -> Client:
    """Return a client for this process' cluster. Raises NoClusterError."""
    return Client(await asyncio.to_thread(access.find, settings.kubernetes()))


@asynccontextmanager
async def opened() -> AsyncIterator[Client]:
    """Open a client, and close it in the end. Raises NoClusterError."""
    async with await open_client() as client:
        yield client
