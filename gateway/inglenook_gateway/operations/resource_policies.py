"""PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy.

They are on the policy that AddPermission adds to, as a whole. IAM's grammar is checked, not what
its elements mean: who enforces a policy finds out what it allows.
"""

from typing import Literal

import msgspec

from inglenook import errors
from inglenook.model import function, policy
from inglenook.model.arn import FunctionRef
from inglenook_gateway.api.front import Call, Handler, Reply
from inglenook_gateway.operations import policy_changes, policy_statements
from inglenook_gateway.operations.policy_changes import Found, Policies
from inglenook_gateway.operations.resources import Resources

_Principal = Literal["*"] | dict[str, policy.Words]


class _Statement(
    msgspec.Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True
):
    """A statement as IAM's grammar has it."""

    sid: str | None = None
    effect: Literal["Allow", "Deny"]
    principal: _Principal | None = None
    not_principal: _Principal | None = None
    action: policy.Words | None = None
    not_action: policy.Words | None = None
    resource: policy.Words | None = None
    not_resource: policy.Words | None = None
    condition: dict[str, dict[str, str | bool | int | float | tuple[str, ...]]] = {}


class _Document(
    msgspec.Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True
):
    """A policy as IAM's grammar has it."""

    version: Literal["2012-10-17", "2008-10-17"] | None = None
    id: str | None = None
    statement: _Statement | tuple[_Statement, ...]


class ResourcePolicies:
    """The operations on whole policies."""

    def __init__(self, *, resources: Resources, policies: Policies) -> None:
        self._account = resources.account
        self._policies = policies

    def handlers(self) -> dict[str, Handler]:
        return {
            "PutResourcePolicy": self.put,
            "GetResourcePolicy": self.get,
            "DeleteResourcePolicy": self.delete,
        }

    async def put(self, call: Call) -> Reply:
        ref = self._ref(call)
        if ref.qualifier == function.LATEST:
            raise errors.InvalidParameterValueError(
                "We currently do not support adding policies for $LATEST."
            )
        document = _read(call.params["Policy"])
        statements = _statements(document)
        shown = ""

        def decide(found: Found) -> policy.Policy:
            nonlocal shown
            policy_changes.check_revision(call.params, found)
            wanted = policy.Policy(
                function_name=found.owner.name,
                function_uid=found.owner.uid,
                qualifier=ref.qualifier,
                version=document.version,
                id=document.id,
                statements=statements,
            )
            shown = policy_statements.whole_json(wanted)
            policy_statements.check_size(shown)
            return wanted

        revision_id = await self._policies.change(ref, decide)
        return Reply(output={"Policy": shown, "RevisionId": revision_id})

    async def get(self, call: Call) -> Reply:
        found = await self._policies.read(self._ref(call))
        if found.policy is None:
            raise errors.ResourceNotFoundError
        shown = policy_statements.whole_json(found.policy)
        return Reply(output={"Policy": shown, "RevisionId": found.revision_id})

    async def delete(self, call: Call) -> Reply:
        def decide(found: Found) -> None:
            if found.policy is None:
                raise errors.ResourceNotFoundError
            policy_changes.check_revision(call.params, found)

        await self._policies.change(self._ref(call), decide)
        return Reply(status=204)

    def _ref(self, call: Call) -> FunctionRef:
        resource = call.params["ResourceArn"]
        if ":function:" not in resource:
            raise errors.ResourceNotFoundError
        return self._account.ref(resource)


def _read(text: str) -> _Document:
    try:
        return msgspec.json.decode(text, type=_Document)
    except (msgspec.DecodeError, UnicodeError) as exc:
        raise _malformed(str(exc)) from exc


def _statements(document: _Document) -> tuple[policy.Statement, ...]:
    """Return the statements of a document, which has to have each element once."""
    given = document.statement
    statements = given if isinstance(given, tuple) else (given,)
    if not statements:
        raise _malformed("a policy has one statement at least")
    for one in statements:
        for element in ("principal", "action", "resource"):
            values = (getattr(one, element), getattr(one, f"not_{element}"))
            if sum(value is not None for value in values) != 1:
                name = element.capitalize()
                raise _malformed(f"a statement has either {name} or Not{name}")
    sids = [one.sid for one in statements if one.sid is not None]
    if len(sids) != len(set(sids)):
        raise _malformed("the ids of its statements differ")
    return tuple(msgspec.convert(one, policy.Statement, from_attributes=True) for one in statements)


def _malformed(why: str) -> errors.InvalidParameterValueError:
    return errors.InvalidParameterValueError(f"The policy document is malformed: {why}.")
