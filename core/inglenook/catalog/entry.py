"""One function in the catalog: its documents, and the targets made of them."""

import random
from collections.abc import ItemsView
from typing import Any

from inglenook.catalog.target import Target
from inglenook.model import function
from inglenook.model.account import Account
from inglenook.routing import alias as alias_routing
from inglenook.store.documents import Document
from inglenook.wire import messages

Key = int | str | tuple[str, str | None] | None
"""Of a document in its function's entry: None for the function itself, a version's number, an
alias' name; kind and qualifier of what belongs to one of these."""


class Entry:
    """What is known of one function name.

    Documents may come in any order, an alias before its function; what belongs to no function, or
    to a deleted one of the same name, is kept and not seen.
    """

    __slots__ = ("_documents", "_draws", "_targets", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        # One dict, because a hundred thousand functions with nothing but themselves is common.
        self._documents: dict[Key, Document[Any]] = {}
        self._targets: dict[str, Target] = {}
        # Where each weighted alias is in its draws; few functions have one.
        self._draws: dict[str, alias_routing.Draws] | None = None

    def __bool__(self) -> bool:
        return bool(self._documents)

    def document(self, key: Key) -> Document[Any] | None:
        return self._documents.get(key)

    def documents(self) -> ItemsView[Key, Document[Any]]:
        return self._documents.items()

    def put(self, key: Key, document: Document[Any]) -> None:
        self._documents[key] = document
        self._targets.clear()

    def drop(self, key: Key) -> None:
        self._documents.pop(key, None)
        self._targets.clear()

    @property
    def owner(self) -> function.Function | None:
        """The function, unless it is being deleted."""
        document = self._documents.get(None)
        if document is None:
            return None
        value: function.Function = document.value
        return None if value.deleting else value

    def versions(self) -> list[function.Version]:
        """Return the published versions, by their numbers."""
        owner = self.owner
        if owner is None:
            return []
        numbers = sorted(key for key in self._documents if isinstance(key, int))
        found = (self.version(owner, number) for number in numbers)
        return [version for version in found if version is not None]

    def version(self, owner: function.Function, number: int) -> function.Version | None:
        document = self._documents.get(number)
        if document is None:
            return None
        version: function.Version = document.value
        return version if version.is_of(owner) else None

    def alias(self, name: str) -> function.Alias | None:
        owner, document = self.owner, self._documents.get(name)
        if owner is None or document is None:
            return None
        alias: function.Alias = document.value
        return alias if alias.function_uid == owner.uid else None

    def qualified(self, kind: str, qualifier: str | None) -> Any:
        """Return the value of a kind that belongs to the living function under a qualifier."""
        owner, document = self.owner, self._documents.get((kind, qualifier))
        if owner is None or document is None or document.value.function_uid != owner.uid:
            return None
        return document.value

    def all_qualified(self, kind: str) -> list[Any]:
        """Return the values of a kind that belong to the living function, in no order."""
        qualifiers = [
            key[1] for key in self._documents if isinstance(key, tuple) and key[0] == kind
        ]
        found = (self.qualified(kind, qualifier) for qualifier in qualifiers)
        return [value for value in found if value is not None]

    def chosen(self, alias: function.Alias, rng: random.Random) -> str:
        """Return the version that an alias sends one invocation to."""
        if not alias.additional_version_weights:
            return alias.function_version
        if self._draws is None:
            self._draws = {}
        draws = self._draws.get(alias.name)
        if draws is None:
            draws = self._draws[alias.name] = alias_routing.Draws(rng.random())
        return alias_routing.choose(alias, draws.draw())

    def target(self, version: str, account: Account) -> Target | None:
        """Return the target for `$LATEST` or a version number in digits, made once."""
        target = self._targets.get(version)
        if target is None:
            target = self._make_target(version, account)
            if target is not None:
                self._targets[version] = target
        return target

    def _make_target(self, version: str, account: Account) -> Target | None:
        owner = self.owner
        if owner is None:
            return None
        if version == function.LATEST:
            runs, status = owner.serving, owner.status
        else:
            number = function.version_number(version)
            published = None if number is None else self.version(owner, number)
            if published is None:
                return None
            status = published.status
            runs = function.Serving(spec=published.spec, generation=status.generation)
        return Target(
            id=messages.VersionId(
                function_name=self.name,
                function_uid=owner.uid,
                version=version,
                generation=runs.generation,
            ),
            spec=runs.spec,
            status=status,
            function_arn=account.function_arn(self.name),
        )
