"""Pages of listings, with markers that stay right while things come and go.

A marker is the key of the last item shown, made opaque: the next page begins after it, whether that
item still exists or not.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from itertools import dropwhile, islice
from typing import Any, TypeVar

from inglenook import errors
from inglenook.model import limits

T = TypeVar("T")


def page(
    items: Iterable[T],
    key: Callable[[T], str],
    params: Mapping[str, Any],
    *,
    most: int = limits.PAGE_ITEMS_MAX,
) -> tuple[list[T], str | None]:
    """Return the page that a request's `Marker` and `MaxItems` ask for, and the next marker.

    `items` must be ordered by `key`; a page has at most `most` of them.
    """
    size = min(params.get("MaxItems") or most, most)
    if last := last_shown(params):
        items = dropwhile(lambda item: key(item) <= last, items)
    found = list(islice(items, size + 1))
    if len(found) <= size:
        return found, None
    return found[:size], _encode(key(found[size - 1]))


def last_shown(params: Mapping[str, Any]) -> str:
    """Return the key after which a request's page begins; nothing for the first page.

    For who has too many items to begin with the first of them each time.
    """
    marker = params.get("Marker")
    return _decode(marker) if marker else ""


def listing(member: str, shown: list[dict[str, Any]], marker: str | None) -> dict[str, Any]:
    """Return a list operation's output; the last page has no marker."""
    return {member: shown} if marker is None else {member: shown, "NextMarker": marker}


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode(marker: str) -> str:
    try:
        return base64.b64decode(marker.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as exc:
        raise errors.InvalidParameterValueError("Invalid Marker") from exc
