"""What the Lambda API should answer for functions, versions, aliases and policies: a plain model.

Nothing of the platform is used here: dictionaries, and the rules as AWS's pages state them. Each
method answers what is to be seen of the result, or raises `RefusedError` with the error's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


class RefusedError(Exception):
    """The API answers this error; `str()` is its name."""


@dataclass
class Published:
    """A version: what of `$LATEST` it froze."""

    code: str
    description: str


@dataclass
class Pointer:
    """An alias."""

    version: str
    weights: dict[str, float]


@dataclass
class Function:
    """A function and all that belongs to it."""

    code: str
    description: str = ""
    last: int = 0
    """The highest number ever published."""
    frozen: Published | None = None
    """What `last` froze, unless `$LATEST` has changed since."""
    versions: dict[str, Published] = field(default_factory=dict)
    aliases: dict[str, Pointer] = field(default_factory=dict)
    policies: dict[str | None, dict[str, str]] = field(default_factory=dict)
    """By qualifier: statement id to action."""


class Account:
    """All functions, by name."""

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}

    def function(self, name: str) -> Function:
        if name not in self.functions:
            raise RefusedError("ResourceNotFoundException")
        return self.functions[name]

    # Functions

    def create(self, name: str, code: str, *, publish: bool) -> str:
        """Return the version that the answer shows."""
        if name in self.functions:
            raise RefusedError("ResourceConflictException")
        made = self.functions[name] = Function(code)
        return self._publish(made) if publish else "$LATEST"

    def update_code(self, name: str, code: str, *, publish: bool, is_stale: bool) -> str:
        one = self.function(name)
        _check(is_stale)
        if code != one.code:
            one.code, one.frozen = code, None
        return self._publish(one) if publish else "$LATEST"

    def describe(self, name: str, description: str, *, is_stale: bool) -> None:
        one = self.function(name)
        _check(is_stale)
        if description != one.description:
            one.description, one.frozen = description, None

    def delete(self, name: str) -> None:
        self.function(name)
        del self.functions[name]

    # Versions

    def publish(self, name: str, *, code: str | None, is_stale: bool) -> str:
        """Publish, if `code` is None or what `$LATEST` has."""
        one = self.function(name)
        _check(is_stale)
        if code is not None and code != one.code:
            raise RefusedError("InvalidParameterValueException")
        return self._publish(one)

    def _publish(self, one: Function) -> str:
        if one.frozen is None or str(one.last) not in one.versions:
            one.last += 1
            one.frozen = one.versions[str(one.last)] = Published(one.code, one.description)
        return str(one.last)

    def delete_version(self, name: str, version: str) -> None:
        one = self.function(name)
        if version not in one.versions:
            raise RefusedError("ResourceNotFoundException")
        if any(version in (each.version, *each.weights) for each in one.aliases.values()):
            raise RefusedError("ResourceConflictException")
        del one.versions[version]
        one.policies.pop(version, None)

    # Aliases

    def create_alias(self, name: str, alias: str, to: str, weights: Mapping[str, float]) -> None:
        one = self.function(name)
        if alias in one.aliases:
            raise RefusedError("ResourceConflictException")
        _check_routing(one, to, weights)
        one.aliases[alias] = Pointer(to, dict(weights))

    def update_alias(
        self,
        name: str,
        alias: str,
        to: str | None,
        weights: Mapping[str, float] | None,
        *,
        is_stale: bool,
    ) -> None:
        pointer = self.alias(name, alias)
        _check(is_stale)
        changed = Pointer(
            pointer.version if to is None else to,
            dict(pointer.weights if weights is None else weights),
        )
        _check_routing(self.function(name), changed.version, changed.weights)
        self.function(name).aliases[alias] = changed

    def alias(self, name: str, alias: str) -> Pointer:
        one = self.function(name)
        if alias not in one.aliases:
            raise RefusedError("ResourceNotFoundException")
        return one.aliases[alias]

    def delete_alias(self, name: str, alias: str) -> None:
        one = self.function(name)
        one.aliases.pop(alias, None)
        one.policies.pop(alias, None)

    def code(self, name: str, qualifier: str | None) -> str:
        """Return the code that GetFunction shows under a qualifier."""
        one = self.function(name)
        if qualifier in (None, "$LATEST"):
            return one.code
        version = one.aliases[qualifier].version if qualifier in one.aliases else qualifier
        if version == "$LATEST":
            return one.code
        if version not in one.versions:
            raise RefusedError("ResourceNotFoundException")
        return one.versions[version].code

    # Policies

    def add_permission(
        self, name: str, qualifier: str | None, sid: str, action: str, *, is_stale: bool
    ) -> None:
        statements = self._statements(name, qualifier)
        _check(is_stale)
        if sid in statements:
            raise RefusedError("ResourceConflictException")
        self.function(name).policies[qualifier] = {**statements, sid: action}

    def remove_permission(
        self, name: str, qualifier: str | None, sid: str, *, is_stale: bool
    ) -> None:
        statements = self._statements(name, qualifier)
        if sid not in statements:
            raise RefusedError("ResourceNotFoundException")
        _check(is_stale)
        left = {each: action for each, action in statements.items() if each != sid}
        policies = self.function(name).policies
        if left:
            policies[qualifier] = left
        else:
            del policies[qualifier]

    def policy(self, name: str, qualifier: str | None) -> dict[str, str]:
        statements = self._statements(name, qualifier)
        if not statements:
            raise RefusedError("ResourceNotFoundException")
        return statements

    def _statements(self, name: str, qualifier: str | None) -> dict[str, str]:
        one = self.function(name)
        if qualifier is not None and qualifier not in {*one.versions, *one.aliases}:
            raise RefusedError("ResourceNotFoundException")
        return one.policies.get(qualifier, {})


def _check(is_stale: bool) -> None:
    if is_stale:
        raise RefusedError("PreconditionFailedException")


def _check_routing(one: Function, to: str, weights: Mapping[str, float]) -> None:
    if len(weights) > 1 or to in weights or (weights and "$LATEST" in (to, *weights)):
        raise RefusedError("InvalidParameterValueException")
    for version in (to, *weights):
        if version != "$LATEST" and version not in one.versions:
            raise RefusedError("ResourceNotFoundException")
