"""Cross-origin resource sharing, as a function URL's configuration answers it.

With a configuration, the platform answers every OPTIONS request itself and adds its headers to all
other responses, beside what the function sends: conflicting ones stand twice, as recorded of
Lambda. An origin that is not allowed gets no headers; the browser refuses, and not we.

Source: dg/urls-configuration.html, "Cross-origin resource sharing (CORS)".
"""

from collections.abc import Mapping, Sequence

from inglenook.model.function_url import Cors

Headers = list[tuple[str, str]]

_ANY = "*"
_REQUESTED_METHOD = "Access-Control-Request-Method"
_REQUESTED_HEADERS = "Access-Control-Request-Headers"


def response_headers(cors: Cors, origin: str | None) -> Headers:
    """Return what is added to a function's response."""
    headers = _common(cors, origin)
    if _is_allowed(cors, origin) and cors.expose_headers:
        headers.append(("Access-Control-Expose-Headers", ",".join(cors.expose_headers)))
    return headers


def preflight_headers(cors: Cors, request: Mapping[str, str]) -> Headers:
    """Return the headers of the answer to an OPTIONS request with these headers."""
    origin = request.get("Origin")
    headers = _common(cors, origin)
    if not _is_allowed(cors, origin):
        return headers
    allowed_headers = _listed(cors.allow_headers, request.get(_REQUESTED_HEADERS))
    if allowed_headers:
        headers.append(("Access-Control-Allow-Headers", allowed_headers))
    allowed_methods = _listed(cors.allow_methods, request.get(_REQUESTED_METHOD))
    if allowed_methods:
        headers.append(("Access-Control-Allow-Methods", allowed_methods))
    if cors.max_age_s is not None:
        headers.append(("Access-Control-Max-Age", str(cors.max_age_s)))
    return headers


def _common(cors: Cors, origin: str | None) -> Headers:
    # Also where the origin is not allowed: a cache must not give that answer to one that is.
    headers = [("Vary", "Origin")]
    if origin is not None and _is_allowed(cors, origin):
        # The origin itself for `*`, too: with credentials, browsers take `*` for no origin.
        headers.append(("Access-Control-Allow-Origin", origin))
        if cors.allow_credentials:
            headers.append(("Access-Control-Allow-Credentials", "true"))
    return headers


def _is_allowed(cors: Cors, origin: str | None) -> bool:
    if origin is None or not cors.allow_origins:
        return False
    return any(_matches(pattern, origin) for pattern in cors.allow_origins)


def _matches(pattern: str, origin: str) -> bool:
    """Match an origin with `*`, or with one `*` for the beginning of a host (`https://*.x.org`)."""
    if _ANY not in pattern:
        return pattern.lower() == origin.lower()
    start, _, end = pattern.lower().partition(_ANY)
    lowered = origin.lower()
    return len(lowered) >= len(start) + len(end) and (
        lowered.startswith(start) and lowered.endswith(end)
    )


def _listed(configured: Sequence[str] | None, requested: str | None) -> str:
    if configured and _ANY in configured:
        # Browsers take `*` literally when credentials are sent, and never for `Authorization`.
        return requested or _ANY
    return ",".join(configured or ())
