"""Provisioned concurrency: environments that are kept initialised for a version or an alias."""

import msgspec


class ProvisionedConcurrency(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was asked for. How much of it is there is known to whoever keeps the environments."""

    function_name: str
    function_uid: str
    qualifier: str
    """A version's number or an alias' name."""
    requested: int
    """Environments."""
    last_modified: str
    """As the API prints it: `2026-11-21T13:46:00+0000`."""
