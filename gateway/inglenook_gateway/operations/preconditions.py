"""What must hold before a function, or an alias, is changed."""

from collections.abc import Mapping
from typing import Any

from inglenook import errors
from inglenook.model import function, lifecycle
from inglenook.model.account import Account
from inglenook.model.arn import FunctionRef


def unqualified(account: Account, params: Mapping[str, Any]) -> FunctionRef:
    """Read the `FunctionName` of an operation that changes `$LATEST` or all of a function."""
    ref = account.ref(params["FunctionName"])
    if ref.qualifier not in (None, function.LATEST):
        raise errors.InvalidParameterValueError(
            f"This operation is on a function, not on one of its versions or aliases: "
            f"{account.function_arn(*ref)}"
        )
    return ref


def changeable(account: Account, owner: function.Function, params: Mapping[str, Any]) -> None:
    """Raise unless `$LATEST` is settled and has the `RevisionId` that the request names, if any."""
    lifecycle.check_settled(owner.status, account.function_arn(owner.name))
    revision(params, owner.status.revision_id)


def revision(params: Mapping[str, Any], current: str) -> None:
    """Raise PreconditionFailedError if the request names another `RevisionId` than the current."""
    given = params.get("RevisionId")
    if given is not None and given != current:
        raise errors.PreconditionFailedError
