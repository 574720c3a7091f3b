"""The words that many functions have in common, in memory once for all of them.

Whoever decodes a document makes every text in it anew: the same runtime, role or handler as often
as there are functions that name it, which is a third of what a function takes in the catalog.
"""

import dataclasses
import sys
from typing import Any

from msgspec import structs

from inglenook.model import function
from inglenook.store.documents import Document

_PLACEMENT = function.Placement()
_RUNTIME_MANAGEMENT = function.RuntimeManagement()


def shared(document: Document[Any]) -> Document[Any]:
    """Return an equal document that shares with others what is the same in them."""
    value = document.value
    match value:
        case function.Function():
            value = structs.replace(
                value,
                spec=_spec(value.spec),
                runtime_management=_management(value.runtime_management),
                recursive_loop=sys.intern(value.recursive_loop),
            )
        case function.Version():
            value = structs.replace(
                value,
                spec=_spec(value.spec),
                runtime_management=_management(value.runtime_management),
            )
        case _:
            return document
    return dataclasses.replace(document, value=value)


def _spec(spec: function.Spec) -> function.Spec:
    return structs.replace(
        spec,
        runtime=_word(spec.runtime),
        handler=_word(spec.handler),
        role=sys.intern(spec.role),
        logging=structs.replace(spec.logging, format=sys.intern(spec.logging.format)),
        architecture=sys.intern(spec.architecture),
        tracing=sys.intern(spec.tracing),
        placement=_PLACEMENT if spec.placement == _PLACEMENT else spec.placement,
    )


def _word(text: str | None) -> str | None:
    return None if text is None else sys.intern(text)


def _management(one: function.RuntimeManagement) -> function.RuntimeManagement:
    return _RUNTIME_MANAGEMENT if one == _RUNTIME_MANAGEMENT else one
