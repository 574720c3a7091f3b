"""Function URLs: an HTTP endpoint of a function's own, for its `$LATEST` or for an alias.

A request finds its function by the host name, or by the path where names cannot be resolved.
"""

from urllib import parse

import msgspec

PATH_PREFIX = "/_inglenook/url/"
"""Before the url id, in the form for clients that cannot resolve the host name."""

HOST_MARK = ".lambda-url."
"""In the host name of every function URL, and of nothing else."""

_MARK = HOST_MARK.strip(".")
_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))

BUFFERED = "BUFFERED"
RESPONSE_STREAM = "RESPONSE_STREAM"


class Cors(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which other origins may call from a browser. None: not given, and then not shown."""

    allow_credentials: bool | None = None
    allow_headers: tuple[str, ...] | None = None
    allow_methods: tuple[str, ...] | None = None
    allow_origins: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    max_age_s: int | None = None


class FunctionUrl(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The configuration of one function URL."""

    function_name: str
    function_uid: str
    qualifier: str | None
    """None: `$LATEST`, and the ARN shown is unqualified. An alias' name otherwise."""
    url_id: str
    """The first label of its host name: 32 characters of `a-z0-9`, never used twice."""
    auth_type: str
    """`NONE` or `AWS_IAM`."""
    cors: Cors | None = None
    invoke_mode: str | None = None
    """None: never given. It is `BUFFERED` then, and some answers do not show it."""
    created: str
    """As the API prints it: `2026-11-21T13:46:00.123456Z`."""
    last_modified: str

    @property
    def is_streamed(self) -> bool:
        return self.invoke_mode == RESPONSE_STREAM

    @property
    def needs_signature(self) -> bool:
        return self.auth_type == "AWS_IAM"


def domain(url_id: str, region: str) -> str:
    """Return the host name of a URL, as its events show it."""
    return f"{url_id}.{_MARK}.{region}.localhost"


def location(url_id: str, region: str, endpoint: str) -> str:
    """Return a URL that works for whoever reaches `endpoint` (a URL without a path).

    Names under `localhost` mean the loopback interface. Where the platform listens elsewhere, the
    form with a path does instead.
    """
    parts = parse.urlsplit(endpoint)
    if parts.hostname in _LOOPBACK:
        port = parts.netloc.rpartition(parts.hostname)[2].removeprefix("]")
        return f"{parts.scheme}://{domain(url_id, region)}{port}/"
    return f"{endpoint}{PATH_PREFIX}{url_id}/"


def id_of_host(host: str) -> str | None:
    """Return the url id of a `Host` header such as `<id>.lambda-url.<region>.<any>[:port]`."""
    labels = host.lower().split(".", 3)
    return labels[0] if len(labels) == 4 and labels[1] == _MARK else None
