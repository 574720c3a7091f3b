"""Layers: packages that are unpacked into /opt of the functions that use them."""

from typing import NamedTuple

import msgspec

from inglenook.model import arn, function, policy
from inglenook.model.account import Account

_ARN_PARTS = 7
"""Of a layer's ARN; that of a version has one more."""


class Layer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A layer's name and its counter, which outlives its versions: numbers are not used twice.

    The counter moves first: a number that a crash took from its version is never seen.
    """

    name: str
    last_version: int = 0


class LayerVersion(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One version of a layer. All but its policy is immutable."""

    layer_name: str
    number: int
    code: function.Code
    created: str
    """As the API prints it: `2026-11-21T13:46:00.000+0000`."""
    description: str = ""
    license_info: str | None = None
    compatible_runtimes: tuple[str, ...] = ()
    compatible_architectures: tuple[str, ...] = ()
    statements: tuple[policy.Statement, ...] = ()
    policy_revision_id: str | None = None

    def suits(self, *, runtime: str | None, architecture: str | None) -> bool:
        """Whether it was published as compatible with all that is asked for; None asks nothing."""
        return runtime in (None, *self.compatible_runtimes) and architecture in (
            None,
            *self.compatible_architectures,
        )


class LayerRef(NamedTuple):
    """A layer, or one of its versions, and whose it is."""

    region: str
    account: str
    name: str
    version: int | None


def parse(value: str, account: Account) -> LayerRef | None:
    """Read a layer's name or ARN, or that of a version, which fits the service model's pattern.

    None is for AWS's own layers (`awslayer`), which exist nowhere else.
    """
    parts = value.split(":")
    if len(parts) == 1:
        return LayerRef(account.region, account.id, value, None)
    if len(parts) < _ARN_PARTS or parts[5] != "layer":
        return None
    version = int(parts[_ARN_PARTS]) if len(parts) > _ARN_PARTS else None
    return LayerRef(parts[3], parts[4], parts[6], version)


def layer_arn(account: Account, name: str) -> str:
    """Return the ARN of a layer of ours."""
    return f"arn:{arn.partition(account.region)}:lambda:{account.region}:{account.id}:layer:{name}"


def version_arn(account: Account, name: str, number: int) -> str:
    """Return the ARN of a version of a layer of ours."""
    return f"{layer_arn(account, name)}:{number}"
