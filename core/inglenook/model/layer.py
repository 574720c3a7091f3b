"""Layers: packages that are unpacked into /opt of the functions that use them."""

import msgspec

from inglenook.model import function, policy


class Layer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A layer's name and its counter, which outlives its versions: numbers are not used twice."""

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
