"""From what the other resources declare to calls of the Lambda API.

Each is one object of the API, made by one operation and changed by another; versions of functions
and of layers are made once and never changed.
"""

import json
from collections.abc import Mapping
from typing import Any, assert_never

from inglenook.model import function
from inglenook.model.account import Account
from inglenook_operator.reconcile import shapes
from inglenook_operator.reconcile.calls import Call, Decision, rejected
from inglenook_operator.reconcile.conditions import Condition
from inglenook_operator.reconcile.names import Kind

Spec = Mapping[str, Any]

IMMUTABLE = frozenset((Kind.VERSION, Kind.LAYER_VERSION))
_BY_THE_API = {
    Kind.CODE_SIGNING: "CreateCodeSigningConfig",
    Kind.EVENT_SOURCE: "CreateEventSourceMapping",
}
"""What the API names by ids of its own choosing."""
_UPDATES = {Kind.ALIAS: "UpdateAlias", Kind.FUNCTION_URL: "UpdateFunctionUrlConfig"}
_CREATES = {
    Kind.VERSION: "PublishVersion",
    Kind.ALIAS: "CreateAlias",
    Kind.FUNCTION_URL: "CreateFunctionUrlConfig",
    Kind.PROVISIONED: "PutProvisionedConcurrencyConfig",
    Kind.EVENT_INVOKE: "PutFunctionEventInvokeConfig",
    Kind.POLICY: "PutResourcePolicy",
    Kind.LAYER_VERSION: "PublishLayerVersion",
}


def decide(kind: Kind, *, account: Account, wanted: Spec, is_new: bool) -> Decision:
    """Decide what to call for an object that is not as declared, or not there (`is_new`)."""
    if kind in _BY_THE_API:
        if is_new:
            message = f"The platform chooses its name: make it by {_BY_THE_API[kind]}."
        else:
            message = "It is changed through the Lambda API alone."
        return Decision(problem=rejected("OnlyThroughTheApi", message))
    match kind:
        case Kind.ALIAS | Kind.FUNCTION_URL:
            call = _whole(kind, wanted, is_new=is_new)
        case Kind.VERSION | Kind.PROVISIONED | Kind.EVENT_INVOKE:
            call = Call(operation=_CREATES[kind], params=shapes.params(_CREATES[kind], wanted))
        case Kind.POLICY:
            call = _policy(account, wanted)
        case Kind.LAYER_VERSION:
            params = shapes.params(_CREATES[kind], {**wanted, "code": None})
            call = Call(operation=_CREATES[kind], params=params, code_in="Content")
        case Kind.FUNCTION | Kind.CODE_SIGNING | Kind.EVENT_SOURCE:
            raise ValueError(kind)
        case _:
            assert_never(kind)
    return Decision(calls=(call,))


def _whole(kind: Kind, wanted: Spec, *, is_new: bool) -> Call:
    operation = (_CREATES if is_new else _UPDATES)[kind]
    params = shapes.params(operation, wanted)
    if not is_new:
        # An update leaves alone what it does not name; what is not declared is to go.
        params = {**_nothing(kind), **params}
    return Call(operation=operation, params=params)


def _nothing(kind: Kind) -> dict[str, Any]:
    if kind is Kind.ALIAS:
        return {"Description": "", "RoutingConfig": {"AdditionalVersionWeights": {}}}
    return {"Cors": {}, "InvokeMode": "BUFFERED"}


def _policy(account: Account, wanted: Spec) -> Call:
    of = account.function_arn(wanted["functionName"], wanted.get("qualifier"))
    params = {"ResourceArn": of, "Policy": json.dumps(wanted["policy"])}
    return Call(operation=_CREATES[Kind.POLICY], params=params)


def number(kind: Kind, resource_name: str) -> int | None:
    """Return the version that a resource is named for: 3 for `hello.3`."""
    if kind not in IMMUTABLE:
        return None
    return function.version_number(resource_name.rpartition(".")[2] or "-")


def misnamed(kind: Kind, right: str | None) -> Condition:
    """Say that a resource is not called as it has to be for what it declares."""
    if right is None or (kind in IMMUTABLE and "--" in right):
        message = "No resource can be called so that it declares this: make it by the Lambda API."
    else:
        message = f"A resource that declares this has to be called {right}."
    return rejected("InvalidName", message)
