"""What the operator has last seen of every object that it watches.

Filled by the watches, by what its own writes answered, and by a listing now and then. An object's
newest version stays, whatever the order in which the three come; a deleted one does not come back
through an answer that was late. Handlers and controllers only read.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

Body = Mapping[str, Any]

_REMEMBERED_DELETIONS = 10_000


class Key(NamedTuple):
    """Names an object that is watched: its kind's plural, and its name."""

    plural: str
    name: str


class Index:
    """All objects that are watched, by kind and name."""

    def __init__(self, changed: Callable[[Key, Body | None, Body | None], None]) -> None:
        """Call `changed` with the body before (None: new) and after (None: gone)."""
        self._changed = changed
        self._objects: dict[str, dict[str, Body]] = {}
        self._deleted: OrderedDict[str, None] = OrderedDict()

    def get(self, plural: str, name: str) -> Body | None:
        return self._objects.get(plural, {}).get(name)

    def all(self, plural: str) -> list[Body]:
        return list(self._objects.get(plural, {}).values())

    def put(self, plural: str, body: Body) -> None:
        """Take in an object, unless something newer is known of it."""
        metadata = body["metadata"]
        name, uid = metadata["name"], metadata["uid"]
        of_kind = self._objects.setdefault(plural, {})
        before = of_kind.get(name)
        if uid in self._deleted or (before is not None and not _is_newer(body, before)):
            return
        of_kind[name] = body
        self._changed(Key(plural, name), before, body)

    def remove(self, plural: str, body: Body) -> None:
        """Take in that an object is gone."""
        metadata = body["metadata"]
        self._deleted[metadata["uid"]] = None
        while len(self._deleted) > _REMEMBERED_DELETIONS:
            self._deleted.popitem(last=False)
        before = self.get(plural, metadata["name"])
        if before is not None and before["metadata"]["uid"] == metadata["uid"]:
            del self._objects[plural][metadata["name"]]
            self._changed(Key(plural, metadata["name"]), before, None)

    def lags(self, plural: str, bodies: Iterable[Body], known_before: Iterable[Body]) -> bool:
        """Whether a listing has something that nobody has told yet; see `listed`."""
        return bool(self._news(plural, list(bodies), known_before))

    def listed(self, plural: str, bodies: Iterable[Body], known_before: Iterable[Body]) -> int:
        """Take in a whole listing; return how much of it nobody had told.

        `known_before` is `all(plural)` from before the listing was asked for: what of it is not
        listed is gone, and what has come since is none of the listing's business.
        """
        news = self._news(plural, list(bodies), known_before)
        for body, is_there in news:
            if is_there:
                self.put(plural, body)
            else:
                self.remove(plural, body)
        return len(news)

    def _news(
        self, plural: str, bodies: list[Body], known_before: Iterable[Body]
    ) -> list[tuple[Body, bool]]:
        news, present = [], set()
        for body in bodies:
            uid = body["metadata"]["uid"]
            present.add(uid)
            known = self.get(plural, body["metadata"]["name"])
            if uid not in self._deleted and (known is None or _is_newer(body, known)):
                news.append((body, True))
        for body in known_before:
            known = self.get(plural, body["metadata"]["name"])
            uid = body["metadata"]["uid"]
            if uid not in present and known is not None and known["metadata"]["uid"] == uid:
                news.append((body, False))
        return news


def _is_newer(one: Body, other: Body) -> bool:
    """Compare resource versions, which grow (KEP-5504); of different objects, the later wins."""
    return int(one["metadata"]["resourceVersion"]) > int(other["metadata"]["resourceVersion"])
