"""What a start does about the operations that the last process did not finish.

Operations over several documents are steps that each leave a state nobody can see through. Here
their rest is done or undone: deletions are finished, reservations of versions that were never
published go, and so does what belongs to no function. Safe to repeat, and to be killed in.
"""

import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from inglenook.model import function
from inglenook.store import documents, kinds

T = TypeVar("T")

logger = logging.getLogger(__name__)


async def recover(store: documents.Store) -> None:
    """Make the store consistent. To be called before anything else writes to it."""
    owners = {document.name: document for document in await store.list(kinds.FUNCTION)}
    living = {name: one.value for name, one in owners.items() if not one.value.deleting}
    removed: dict[str, int] = defaultdict(int)

    def is_published(version: function.Version) -> bool:
        owner = living.get(version.function_name)
        return owner is not None and version.is_of(owner)

    def is_owned(one: Any) -> bool:
        owner = living.get(one.function_name)
        return owner is not None and one.function_uid == owner.uid

    versions = await _sweep(store, kinds.VERSION, is_published, removed)
    aliases = await _sweep(store, kinds.ALIAS, is_owned, removed)
    qualifiers = {(one.function_name, str(one.number)) for one in versions}
    qualifiers |= {(one.function_name, one.name) for one in aliases}

    def is_qualified(one: Any) -> bool:
        return is_owned(one) and (
            one.qualifier in (None, function.LATEST)
            or (one.function_name, one.qualifier) in qualifiers
        )

    for kind in kinds.QUALIFIED:
        await _sweep(store, kind, is_qualified, removed)
    # Last, as in a deletion: once a function's document is gone, nothing tells of the others.
    for document in owners.values():
        if document.value.deleting:
            await _delete(store, document)
            removed["Function"] += 1
    if removed:
        logger.info("finished what the last process left undone", extra={"removed": dict(removed)})


async def code_in_use(store: documents.Store) -> set[str]:
    """Return the digests of all packages that a function, a version or a layer version has."""
    found = {document.value.code.sha256 for document in await store.list(kinds.LAYER_VERSION)}
    for spec in await _specs(store):
        if spec.image is None:
            found.add(spec.code.sha256)
        found |= {layer.code.sha256 for layer in spec.layers}
    return found


async def layers_in_use(store: documents.Store) -> set[tuple[str, ...]]:
    """Return the digests of the layers of every function and version, in their order."""
    return {tuple(layer.code.sha256 for layer in spec.layers) for spec in await _specs(store)}


async def _specs(store: documents.Store) -> list[function.Spec]:
    """Return all that runs or will, for `$LATEST` and every version of every function."""
    specs = []
    for document in await store.list(kinds.FUNCTION):
        specs += [document.value.spec, document.value.serving.spec]
    return specs + [document.value.spec for document in await store.list(kinds.VERSION)]


async def _sweep(
    store: documents.Store,
    kind: documents.Kind[T],
    is_kept: Callable[[T], bool],
    removed: dict[str, int],
) -> list[T]:
    """Delete all of a kind that is not kept; return the rest."""
    kept = []
    for document in await store.list(kind):
        if is_kept(document.value):
            kept.append(document.value)
        else:
            await _delete(store, document)
            removed[kind.name] += 1
    return kept


async def _delete(store: documents.Store, document: documents.Document[Any]) -> None:
    try:
        await store.delete(document, any_version=True)
    except documents.NotFoundError:
        return
