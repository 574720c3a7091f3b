"""Code signing configs: stored and shown; signatures themselves are not checked."""

import msgspec


class CodeSigningConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which publishers a function's code may be signed by, and what happens to other code."""

    id: str
    """`csc-` and 17 hex digits: the last part of its ARN."""
    description: str = ""
    allowed_publishers: tuple[str, ...]
    """ARNs of signing profile versions."""
    untrusted_artifact_on_deployment: str = "Warn"
    last_modified: str
    tags: dict[str, str] = {}
