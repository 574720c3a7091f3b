"""The kinds of documents that exist, and how each is named in the store."""

from typing import Any

from inglenook.model import (
    code_signing,
    event_invoke,
    event_source,
    function,
    function_url,
    layer,
    policy,
    provisioned,
)
from inglenook.store.documents import Kind

FUNCTION = Kind(name="Function", type=function.Function)
VERSION = Kind(name="Version", type=function.Version)
ALIAS = Kind(name="Alias", type=function.Alias)
POLICY = Kind(name="Policy", type=policy.Policy)
URL = Kind(name="FunctionURL", type=function_url.FunctionUrl)
EVENT_INVOKE = Kind(name="EventInvokeConfig", type=event_invoke.EventInvokeConfig)
PROVISIONED = Kind(name="ProvisionedConcurrency", type=provisioned.ProvisionedConcurrency)

LAYER = Kind(name="Layer", type=layer.Layer)
LAYER_VERSION = Kind(name="LayerVersion", type=layer.LayerVersion)
CODE_SIGNING = Kind(name="CodeSigningConfig", type=code_signing.CodeSigningConfig)
EVENT_SOURCE = Kind(name="EventSourceMapping", type=event_source.EventSourceMapping)
"""Named by its UUID. No child of its function: a deleted function leaves it, as on Lambda."""

QUALIFIED: tuple[Kind[Any], ...] = (POLICY, URL, EVENT_INVOKE, PROVISIONED)
"""What belongs to a function or to one of its versions or aliases, one of a kind to each.

Every value has `function_name`, `function_uid` and `qualifier`.
"""
CHILDREN: tuple[Kind[Any], ...] = (ALIAS, VERSION, *QUALIFIED)
"""What belongs to a function, and goes with it. Named with `children_prefix`."""
ALL: tuple[Kind[Any], ...] = (
    *(FUNCTION, *CHILDREN, LAYER, LAYER_VERSION),
    *(CODE_SIGNING, EVENT_SOURCE),
)


def version_name(function_name: str, number: int) -> str:
    """Name a version's document. Zero-padded, so that a listing is in numeric order."""
    return f"{function_name}.{number:010d}"


def alias_name(function_name: str, alias: str) -> str:
    """Name an alias' document."""
    return f"{function_name}.{alias}"


def qualified_name(function_name: str, qualifier: str | None) -> str:
    """Name a document of a `QUALIFIED` kind; None is the unqualified function."""
    return f"{function_name}.{qualifier or ''}"


def children_prefix(function_name: str) -> str:
    """Return what the names of all documents of a kind that belong to a function start with.

    A function's name has no dot, so the dot ends it.
    """
    return f"{function_name}."


def layer_version_name(layer_name: str, number: int) -> str:
    """Name a layer version's document. Zero-padded, so that a listing is in numeric order."""
    return f"{layer_name}.{number:010d}"
