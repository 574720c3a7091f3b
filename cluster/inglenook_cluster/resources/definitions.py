"""Which custom resource keeps the documents of which kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inglenook.store import kinds
from inglenook.store.documents import Kind
from inglenook_cluster.resources import declared

GROUP = "inglenook.dev"
VERSION = "v1"

DRAIN_FINALIZER = f"{GROUP}/drain"
"""On a function until the API has deleted all that belongs to it."""
MADE_BY = f"{GROUP}/made-by"
"""An annotation: which door a resource came through. One that was made by the API and has nothing
applied is a creation that was cut off, and nobody's wish."""
API = "api"
FUNCTION_LABEL = f"{GROUP}/function"
"""The resource name of the function that something belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One kind of custom resource that keeps documents."""

    kind: Kind[Any]
    resource_kind: str
    plural: str
    spec: Callable[[Any], dict[str, Any]]
    """From a document's value to what a person would declare."""
    is_drained: bool = False
    """Whether a resource has our finalizer, and deleting it is left to the API."""


def _definition(kind: Kind[Any], plural: str, *, resource_kind: str = "") -> Definition:
    return Definition(
        kind=kind,
        resource_kind=resource_kind or kind.name,
        plural=plural,
        spec=declared.spec,
        is_drained=kind is kinds.FUNCTION,
    )


ALL = (
    _definition(kinds.FUNCTION, "functions"),
    _definition(kinds.ALIAS, "aliases"),
    _definition(kinds.VERSION, "versions"),
    _definition(kinds.POLICY, "functionpolicies", resource_kind="FunctionPolicy"),
    _definition(kinds.URL, "functionurls"),
    _definition(kinds.EVENT_INVOKE, "eventinvokeconfigs"),
    _definition(kinds.PROVISIONED, "provisionedconcurrencies"),
    _definition(kinds.LAYER, "layers"),
    _definition(kinds.LAYER_VERSION, "layerversions"),
    _definition(kinds.CODE_SIGNING, "codesigningconfigs"),
    _definition(kinds.EVENT_SOURCE, "eventsourcemappings"),
)


def of(kind: Kind[Any]) -> Definition:
    """Return the definition of one of the platform's own kinds."""
    return next(one for one in ALL if one.kind is kind)
