"""Statements of resource-based policies, as Lambda makes them of a request and shows them.

Pure. What Lambda answers is JSON within JSON: without spaces, its keys in the order below. Who adds
what to which resource, and when it is refused, is the operations' business.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from inglenook import errors
from inglenook.model import limits, policy

_ACCOUNT = re.compile(r"[0-9]{12}")
_SERVICE = re.compile(
    r"[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)"
)
_IDENTITY = re.compile(
    r"arn:aws[a-z-]*:(iam::([0-9]{12}|cloudfront):(root|user/.+|role/.+)"
    r"|sts::[0-9]{12}:(assumed-role/.+/.+|federated-user/.+))"
)

_CONDITIONS = (
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
    ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
)
"""A request's member, and the operator and the key that it becomes."""

_ELEMENTS = {
    "sid": "Sid",
    "effect": "Effect",
    "principal": "Principal",
    "not_principal": "NotPrincipal",
    "action": "Action",
    "not_action": "NotAction",
    "resource": "Resource",
    "not_resource": "NotResource",
}


def principal(text: str, *, partition: str) -> policy.Principal:
    """Return what a request's principal becomes.

    Raises InvalidParameterValueError for what nobody can be.
    """
    if text == "*":
        return text
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:{partition}:iam::{text}:root"}
    if _IDENTITY.fullmatch(text):
        return {"AWS": text}
    if _SERVICE.fullmatch(text):
        return {"Service": text}
    raise errors.InvalidParameterValueError(
        "The provided principal was invalid. Please check the principal and try again."
    )


def conditions(params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the conditions that a request's members ask for, by their operator."""
    found: dict[str, dict[str, Any]] = {}
    for member, operator, key in _CONDITIONS:
        value = params.get(member)
        if value is not None:
            shown = str(value).lower() if isinstance(value, bool) else value
            found.setdefault(operator, {})[key] = shown
    return found


def check_new(statements: Sequence[policy.Statement], sid: str) -> None:
    """Raise ResourceConflictError if a statement of this id is there."""
    if any(one.sid == sid for one in statements):
        raise errors.ResourceConflictError(
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, "
            "or remove the existing statement."
        )


def without(statements: Sequence[policy.Statement], sid: str) -> tuple[policy.Statement, ...]:
    """Return the statements but one. Raises ResourceNotFoundError if it is not there."""
    left = tuple(one for one in statements if one.sid != sid)
    if len(left) == len(statements):
        raise errors.ResourceNotFoundError(f"Statement {sid} is not found in resource policy.")
    return left


def check_size(text: str) -> None:
    """Raise PolicyLengthExceededError if a policy, as it is shown, is too large."""
    size = len(text.encode())
    if size > limits.POLICY_BYTES_MAX:
        raise errors.PolicyLengthExceededError(
            f"The final policy size ({size}) is bigger than the limit ({limits.POLICY_BYTES_MAX})."
        )


def statement_json(statement: policy.Statement) -> str:
    """Return a statement as AddPermission and AddLayerVersionPermission answer it."""
    return _json(_shown(statement))


def policy_json(statements: Sequence[policy.Statement]) -> str:
    """Return the policy of these statements as GetPolicy and GetLayerVersionPolicy answer it."""
    return _policy_json(policy.VERSION, policy.ID, statements)


def whole_json(one: policy.Policy) -> str:
    """Return a function's policy, which may have been put as a whole, as GetPolicy answers it."""
    return _policy_json(one.version, one.id, one.statements)


def _policy_json(
    version: str | None, policy_id: str | None, statements: Sequence[policy.Statement]
) -> str:
    head = {"Version": version, "Id": policy_id}
    shown: dict[str, Any] = {key: value for key, value in head.items() if value is not None}
    shown["Statement"] = [_shown(one) for one in statements]
    return _json(shown)


def _shown(statement: policy.Statement) -> dict[str, Any]:
    shown = {
        element: value
        for field, element in _ELEMENTS.items()
        if (value := getattr(statement, field)) is not None
    }
    if statement.condition:
        shown["Condition"] = statement.condition
    return shown


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
