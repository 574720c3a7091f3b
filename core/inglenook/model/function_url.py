"""Function URLs: an HTTP endpoint of a function's own, for its `$LATEST` or for an alias."""

import msgspec


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
    invoke_mode: str = "BUFFERED"
    created: str
    """As the API prints it: `2026-11-21T13:46:00.000Z`."""
    last_modified: str
