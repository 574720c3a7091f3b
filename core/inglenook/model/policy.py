"""Resource-based policies: who may do what with a function, a version, an alias or a layer version.

A policy is a list of statements. Most are added and removed one by one, by their id; a whole policy
may also be put, and then has any element that IAM's grammar knows. It is stored and shown as Lambda
does; enforcing it is the business of whoever authenticates callers.
"""

from typing import Any

import msgspec

Words = str | tuple[str, ...]
"""One, or a list of them: as it was given, so it is shown."""
Principal = str | dict[str, Words]
"""`*`, or `{"Service": …}`, `{"AWS": …}`."""

VERSION = "2012-10-17"
ID = "default"


class Statement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One statement of a policy."""

    sid: str | None = None
    effect: str = "Allow"
    principal: Principal | None = None
    not_principal: Principal | None = None
    action: Words | None = None
    not_action: Words | None = None
    resource: Words | None = None
    """The ARN that the statement is on, with its qualifier."""
    not_resource: Words | None = None
    condition: dict[str, dict[str, Any]] = {}


class Policy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The policy of a function, or of one of its versions or aliases. It has a statement at least.

    It has no revision of its own: changing it gives what it is on a new one.
    """

    function_name: str
    function_uid: str
    qualifier: str | None
    """None: the unqualified function's. A version's number or an alias' name otherwise."""
    statements: tuple[Statement, ...]
    version: str | None = VERSION
    """Of the policy language."""
    id: str | None = ID
