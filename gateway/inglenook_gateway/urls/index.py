"""Which function URL an id means: the catalog, by url id.

Hears of every change before the change's answer leaves, so that a URL works as soon as somebody has
been told of it. What belongs to no living function is not found.
"""

from inglenook.catalog.catalog import Catalog
from inglenook.model.function_url import FunctionUrl
from inglenook.store import kinds


class Index:
    """The function URLs of one account."""

    def __init__(self, known: Catalog) -> None:
        self._known = known
        self._urls: dict[str, FunctionUrl] = {}
        known.observe(kinds.URL, self._changed)

    def _changed(self, old: FunctionUrl | None, new: FunctionUrl | None) -> None:
        if old is not None:
            self._urls.pop(old.url_id, None)
        if new is not None:
            self._urls[new.url_id] = new

    def find(self, url_id: str) -> FunctionUrl | None:
        url = self._urls.get(url_id)
        if url is None:
            return None
        owner = self._known.living(url.function_name)
        return url if owner is not None and owner.uid == url.function_uid else None
