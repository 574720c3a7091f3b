"""How much of its account's quotas is used, from the catalog."""

from inglenook_gateway.catalog.catalog import Catalog


def function_count(catalog: Catalog) -> int:
    return sum(1 for _ in catalog.functions_unordered())


def reserved_concurrency(catalog: Catalog, *, but: str | None = None) -> int:
    """Return what is reserved by all functions, but for the one of that name."""
    return sum(
        one.reserved_concurrency or 0 for one in catalog.functions_unordered() if one.name != but
    )
