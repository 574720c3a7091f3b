"""Names of custom resources, and names of the store's documents that they stand for.

A document's name may have any characters; a resource's is a DNS subdomain. What people write and
read most looks as they expect (`hello`, `hello.live`, `hello.3`); the rest is a slug with a hash of
the document's name. No two documents of a kind have one resource name. Pure.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from inglenook.model import function
from inglenook.store import kinds

RESOURCE_NAME_MAX = 253
LABEL_MAX = 63
"""Functions' resource names are values of labels, too."""

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_HASHED = re.compile(r".*--[0-9a-f]{16}", re.DOTALL)
_NUMBERED = re.compile(r"(?P<owner>[^.]+)\.(?P<number>\d{10})")
_COUNT = re.compile(r"[^.]+\.(?P<number>[1-9]\d{0,9})")
_FOREIGN = re.compile(r"[^a-z0-9]+")

# The qualifier that a resource's name leaves out: most are on the unqualified function, and an
# event invoke config names it.
_BARE = {kind.name: "" for kind in kinds.QUALIFIED} | {kinds.EVENT_INVOKE.name: function.LATEST}
_NAMED_BY_API = frozenset((kinds.CODE_SIGNING.name, kinds.EVENT_SOURCE.name))
_OF_LAYERS = frozenset((kinds.LAYER.name, kinds.LAYER_VERSION.name))
_COUNTED = frozenset((kinds.VERSION.name, kinds.LAYER_VERSION.name))


def resource_name(kind: str, document_name: str) -> str:
    """Return the name of the custom resource that keeps a document."""
    plain = _plain(kind, document_name)
    longest = LABEL_MAX if kind == kinds.FUNCTION.name else RESOURCE_NAME_MAX
    if plain is not None and _is_free(plain, longest):
        return plain
    digest = hashlib.sha256(document_name.encode()).hexdigest()[:16]
    slug = _FOREIGN.sub("-", document_name.lower()).strip("-")[: longest - 18].strip("-")
    return f"{slug or 'x'}--{digest}"


def document_name(kind: str, name: str, spec: Mapping[str, Any]) -> str | None:
    """Return the document that a resource called `name` with this spec would be of.

    None if the spec does not say. A resource is at its place if `resource_name` leads back to it.
    """
    if kind == kinds.FUNCTION.name:
        return str(spec.get("functionName") or name)
    if kind in _NAMED_BY_API:
        return name
    owner = spec.get("layerName" if kind in _OF_LAYERS else "functionName")
    return None if owner is None else _owned(kind, name, owner, spec)


def _owned(kind: str, name: str, owner: str, spec: Mapping[str, Any]) -> str | None:
    match kind:
        case kinds.ALIAS.name:
            return kinds.alias_name(owner, spec.get("name", ""))
        case kinds.VERSION.name | kinds.LAYER_VERSION.name:
            found = _COUNT.fullmatch(name)
            return kinds.version_name(owner, int(found["number"])) if found else None
        case kinds.LAYER.name:
            return owner
        case _:
            return kinds.qualified_name(owner, spec.get("qualifier") or _BARE.get(kind))


def _plain(kind: str, document_name: str) -> str | None:
    """Return what a document's resource is called if that can be, before it is known to be free."""
    if kind in _COUNTED:
        found = _NUMBERED.fullmatch(document_name)
        return f"{found['owner']}.{int(found['number'])}" if found else None
    if kind not in _BARE:
        return document_name
    owner, dot, qualifier = document_name.partition(".")
    if not dot:
        return None
    return owner if qualifier == _BARE[kind] else document_name


def _is_free(name: str, longest: int) -> bool:
    """Whether this can be a resource's name, and cannot be one made with a hash."""
    return len(name) <= longest and bool(_SUBDOMAIN.fullmatch(name)) and not _HASHED.fullmatch(name)
