"""The kinds of documents that exist, and how each is named in the store."""

from inglenook.model import function
from inglenook.store.documents import Kind

FUNCTION = Kind(name="Function", type=function.Function)
VERSION = Kind(name="Version", type=function.Version)
ALIAS = Kind(name="Alias", type=function.Alias)

ALL = (FUNCTION, VERSION, ALIAS)


def version_name(function_name: str, number: int) -> str:
    """Name a version's document. Zero-padded, so that a listing is in numeric order."""
    return f"{function_name}.{number:010d}"


def alias_name(function_name: str, alias: str) -> str:
    """Name an alias' document."""
    return f"{function_name}.{alias}"


def children_prefix(function_name: str) -> str:
    """Return what the names of all versions, or of all aliases, of a function start with.

    A function's name has no dot, so the dot ends it.
    """
    return f"{function_name}."
