"""How much of its account's quotas is used, from the catalog."""

from inglenook.catalog.catalog import Catalog
from inglenook.model.account import Account
from inglenook.store import kinds


def provisioned_concurrency(catalog: Catalog, name: str) -> int:
    """Return what is provisioned for all versions and aliases of a function."""
    return sum(one.requested for one in catalog.all_qualified(kinds.PROVISIONED, name))


def unreserved_concurrency(account: Account, catalog: Catalog, *, but: str | None = None) -> int:
    """Return what the account has left for functions without a reservation.

    A reservation takes its part away, and what is provisioned for a function without one does too;
    for a function with one it comes out of the reservation. The function `but` takes nothing.
    """
    taken = 0
    for one in catalog.functions_with_concurrency():
        if one.name == but:
            continue
        if one.reserved_concurrency is not None:
            taken += one.reserved_concurrency
        else:
            taken += provisioned_concurrency(catalog, one.name)
    return account.concurrent_executions - taken
