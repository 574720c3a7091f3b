"""A small client of the Lambda API for the commands: HTTP, paths, and errors that people can read.

It exists because importing an AWS SDK takes longer than all that these commands do. Requests are
not signed. One connection is kept for as long as the client lives.
"""

import http.client
import json
from collections.abc import Iterator
from types import TracebackType
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from inglenook.model import limits
from inglenook_local.cli.exits import CommandError, Exit

FUNCTIONS = "/2015-03-31/functions"
TIMEOUT_S = 30.0
INVOKE_TIMEOUT_S = limits.TIMEOUT_S_MAX + 30.0
"""A little more than the longest that a function may run."""


class Response:
    """A whole answer."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Problem(msgspec.Struct, frozen=True):
    """The body of an error; the API is of two minds about the key."""

    message: str | None = None
    Message: str | None = None


class Client:
    """Speak to one endpoint. Raises `CommandError` for whatever goes wrong."""

    def __init__(self, endpoint: str, timeout_s: float = TIMEOUT_S) -> None:
        url = urlsplit(endpoint if "//" in endpoint else f"http://{endpoint}")
        if url.scheme not in ("http", "https") or not url.hostname:
            raise CommandError(Exit.UNREACHABLE, f"{endpoint} is not the URL of an endpoint")
        secure = url.scheme == "https"
        connection = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.endpoint = endpoint
        self._base = url.path.rstrip("/")
        self._connection = connection(url.hostname, url.port, timeout=timeout_s)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def get(self, path: str, query: dict[str, str] | None = None) -> Response:
        """Return a successful answer; an error of the API is a `CommandError`."""
        response = self.request("GET", path, query)
        refuse(response)
        return response

    def request(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Return any answer."""
        answer = self._send(method, path, query, body, headers or {})
        try:
            return Response(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def lines(self, path: str, query: dict[str, str]) -> Iterator[bytes]:
        """Yield the lines of an answer as they come, until it ends or falls silent."""
        answer = self._send("GET", path, query, None, {})
        if answer.status != http.client.OK:
            refuse(Response(answer.status, answer.headers, answer.read()))
        try:
            while line := answer.readline():
                if line.strip():
                    yield line
        except (OSError, http.client.HTTPException) as error:
            raise CommandError(Exit.UNREACHABLE, f"{self.endpoint} fell silent: {error}") from error

    def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: bytes | None,
        headers: dict[str, str],
    ) -> http.client.HTTPResponse:
        target = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            self._connection.request(method, target, body, headers)
            return self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> CommandError:
        if isinstance(error, ConnectionRefusedError):
            what = f"nothing answers at {self.endpoint}; start it with `inglenook up`"
        else:
            what = f"{self.endpoint} does not answer: {str(error) or type(error).__name__}"
        return CommandError(Exit.UNREACHABLE, what)


def function_path(name: str, tail: str = "") -> str:
    """Return the path of a function, or of something of it."""
    return f"{FUNCTIONS}/{quote(name, safe='')}{tail}"


def refuse(response: Response) -> None:
    """Raise the error that an answer holds, if it holds one."""
    if response.status < http.client.BAD_REQUEST:
        return
    kind = response.headers.get("x-amzn-errortype", "").split(":")[0]
    try:
        problem = msgspec.json.decode(response.body, type=Problem)
        text = problem.message or problem.Message
    except msgspec.DecodeError:
        text = None
    if not kind and not text:
        raise CommandError(
            Exit.UNREACHABLE, f"the endpoint answers {response.status}, and not as Inglenook does"
        )
    raise CommandError(Exit.REFUSED, ": ".join(part for part in (kind, text) if part))


def parse_json(data: bytes) -> object:
    """Return a JSON value; what is not JSON is returned as text."""
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")
