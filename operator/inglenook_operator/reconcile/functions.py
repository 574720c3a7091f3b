"""From what a Function declares, and what the platform has of it, to calls of the Lambda API.

A call that begins an update comes last and alone: the next one has to wait until it has ended.
"""

from collections.abc import Mapping
from typing import Any

from inglenook.model import arn
from inglenook.model.account import Account
from inglenook_operator.reconcile import shapes
from inglenook_operator.reconcile.calls import Call, Decision

Spec = Mapping[str, Any]

_OWN_OPERATIONS = frozenset(
    (
        *("reservedConcurrentExecutions", "recursiveLoop", "runtimeManagementConfig"),
        *("tags", "codeSigningConfigId"),
    )
)
_OF_CODE = frozenset(("architectures",))
_COMPARED_ELSEWHERE = frozenset(
    ("functionName", "code", "packageType", "runtimeClassName", "environmentsPerPod")
)
_EMPTY: dict[str, Any] = {
    "description": "",
    "environment": {"Variables": {}},
    "layers": [],
    "deadLetterConfig": {"TargetArn": ""},
    "kmsKeyArn": "",
    "vpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "fileSystemConfigs": [],
    "imageConfig": {},
}
"""What an update says to take a member away that is no longer declared."""


def decide(
    *,
    name: str,
    account: Account,
    wanted: Spec,
    present: Spec | None,
    is_settled: bool,
    is_code_new: bool,
) -> Decision:
    """Decide what to call. `present` is None while the platform has no such function.

    Both specs have their defaults filled in.
    """
    if present is None:
        return Decision(calls=(_create(name, account, wanted),))
    members = (wanted.keys() | present.keys()) - _COMPARED_ELSEWHERE
    differing = {one for one in members if wanted.get(one) != present.get(one)}
    calls = _small(name, account, wanted, present, differing)
    updates = _updates(name, wanted, differing, is_code_new=is_code_new)
    if updates and not is_settled:
        return Decision(calls=calls, waits_for="An update of the function is in progress.")
    return Decision(
        calls=(*calls, *updates[:1]),
        waits_for="Further changes follow this update." if updates[1:] else None,
    )


def _create(name: str, account: Account, wanted: Spec) -> Call:
    # What is not CreateFunction's follows once the function is there.
    members = wanted.keys() - (_OWN_OPERATIONS - {"tags"}) - {"code"}
    params = shapes.params("CreateFunction", wanted, only=members)
    if config := wanted.get("codeSigningConfigId"):
        params["CodeSigningConfigArn"] = _signing_arn(config, account)
    if key := _code_key(wanted):
        params["Code"] = {"SourceKMSKeyArn": key}
    return Call(
        operation="CreateFunction",
        params={**params, "FunctionName": name},
        code_in="Code",
        settles=True,
    )


def _updates(
    name: str, wanted: Spec, differing: set[str], *, is_code_new: bool
) -> tuple[Call, ...]:
    calls = []
    if members := differing - _OWN_OPERATIONS - _OF_CODE:
        params = shapes.params("UpdateFunctionConfiguration", wanted, only=members)
        for member in members - wanted.keys():
            params |= _removed(member)
        calls.append(
            Call(
                operation="UpdateFunctionConfiguration",
                params={**params, "FunctionName": name},
                settles=True,
            )
        )
    if is_code_new or differing & _OF_CODE:
        params = {"FunctionName": name, "Architectures": wanted["architectures"]}
        if key := _code_key(wanted):
            params["SourceKMSKeyArn"] = key
        calls.append(Call(operation="UpdateFunctionCode", params=params, code_in="", settles=True))
    return tuple(calls)


def _removed(member: str) -> dict[str, Any]:
    if member not in _EMPTY:
        return {}
    return {shapes.member("UpdateFunctionConfiguration", member): _EMPTY[member]}


def _small(
    name: str, account: Account, wanted: Spec, present: Spec, differing: set[str]
) -> tuple[Call, ...]:
    """Return the calls for what has an operation of its own. None of them begins an update."""
    calls = []
    own = {"FunctionName": name}
    for member in sorted(differing & _OWN_OPERATIONS):
        value: Any = wanted.get(member)
        match member:
            case "reservedConcurrentExecutions" if value is None:
                calls.append(Call(operation="DeleteFunctionConcurrency", params=own))
            case "reservedConcurrentExecutions":
                params = {**own, "ReservedConcurrentExecutions": value}
                calls.append(Call(operation="PutFunctionConcurrency", params=params))
            case "recursiveLoop":
                params = {**own, "RecursiveLoop": value}
                calls.append(Call(operation="PutFunctionRecursionConfig", params=params))
            case "runtimeManagementConfig":
                params = {**own, **shapes.params("PutRuntimeManagementConfig", value)}
                calls.append(Call(operation="PutRuntimeManagementConfig", params=params))
            case "codeSigningConfigId" if value is None:
                calls.append(Call(operation="DeleteFunctionCodeSigningConfig", params=own))
            case "codeSigningConfigId":
                params = {**own, "CodeSigningConfigArn": _signing_arn(value, account)}
                calls.append(Call(operation="PutFunctionCodeSigningConfig", params=params))
            case _:
                calls += _tags(account.function_arn(name), value or {}, present.get("tags") or {})
    return tuple(calls)


def _tags(of: str, wanted: Mapping[str, str], present: Mapping[str, str]) -> list[Call]:
    calls = []
    if gone := sorted(present.keys() - wanted.keys()):
        calls.append(Call(operation="UntagResource", params={"Resource": of, "TagKeys": gone}))
    if new := {key: value for key, value in wanted.items() if present.get(key) != value}:
        calls.append(Call(operation="TagResource", params={"Resource": of, "Tags": new}))
    return calls


def _signing_arn(config: str, account: Account) -> str:
    return arn.code_signing_config_arn(config, region=account.region, account=account.id)


def _code_key(wanted: Spec) -> str | None:
    return (wanted.get("code") or {}).get("sourceKmsKeyArn")
