"""Resource-based policies: who may do what with a function, a version, an alias or a layer version.

A policy is a list of statements, each added and removed by its id. It is stored and shown as Lambda
does; enforcing it is the business of whoever authenticates callers.
"""

from typing import Any

import msgspec


class Statement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One statement of a policy, in the form in which GetPolicy shows it."""

    sid: str
    effect: str = "Allow"
    principal: str | dict[str, str]
    """`*`, or `{"Service": …}`, `{"AWS": …}`."""
    action: str
    resource: str
    """The ARN that the statement is on, with its qualifier."""
    condition: dict[str, dict[str, Any]] = {}


class Policy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The policy of a function, or of one of its versions or aliases."""

    function_name: str
    function_uid: str
    qualifier: str | None
    """None: the unqualified function's. A version's number or an alias' name otherwise."""
    statements: tuple[Statement, ...]
    revision_id: str
