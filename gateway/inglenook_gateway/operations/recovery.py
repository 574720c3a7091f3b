"""What a start does about the operations that the last process did not finish.

Operations over several documents are steps that each leave a state nobody can see through. Here
their rest is done or undone: deletions are finished, reservations of versions that were never
published go, and so does what belongs to no function. Safe to repeat, and to be killed in.
"""

import logging
from collections import defaultdict

from inglenook.model import function
from inglenook.store import documents, kinds

logger = logging.getLogger(__name__)


async def recover(store: documents.Store) -> None:
    """Make the store consistent. To be called before anything else writes to it."""
    owners = {document.name: document for document in await store.list(kinds.FUNCTION)}
    removed: dict[str, int] = defaultdict(int)
    for version in await store.list(kinds.VERSION):
        owner = _living(owners, version.value.function_name)
        if owner is None or not version.value.is_of(owner):
            await _delete(store, version)
            removed["versions"] += 1
    for alias in await store.list(kinds.ALIAS):
        owner = _living(owners, alias.value.function_name)
        if owner is None or alias.value.function_uid != owner.uid:
            await _delete(store, alias)
            removed["aliases"] += 1
    # Last, as in a deletion: once a function's document is gone, nothing tells of the others.
    for document in owners.values():
        if document.value.deleting:
            await _delete(store, document)
            removed["functions"] += 1
    if removed:
        logger.info("finished what the last process left undone", extra={"removed": dict(removed)})


async def code_in_use(store: documents.Store) -> set[str]:
    """Return the digests of all packages that a function or a version has."""
    found = {document.value.spec.code.sha256 for document in await store.list(kinds.FUNCTION)}
    return found | {document.value.spec.code.sha256 for document in await store.list(kinds.VERSION)}


def _living(
    owners: dict[str, documents.Document[function.Function]], name: str
) -> function.Function | None:
    document = owners.get(name)
    return None if document is None or document.value.deleting else document.value


async def _delete(
    store: documents.Store,
    document: documents.Document[function.Function]
    | documents.Document[function.Version]
    | documents.Document[function.Alias],
) -> None:
    try:
        await store.delete(document, any_version=True)
    except documents.NotFoundError:
        return
