"""What a person would declare of a document, and whether a custom resource's spec says the same.

A spec has the members of the Lambda API's requests, in camelCase. Most may be left out: two specs
are compared with their defaults filled in, and code by the package that was made of it. Pure.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

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
from inglenook.store import kinds
from inglenook.store.documents import Document
from inglenook_cluster.resources import (
    declared_event_source,
    declared_function,
    declared_others,
    defaults,
)
from inglenook_cluster.resources.manifest import CodeSource

Spec = dict[str, Any]

_DECLARE: Mapping[type, Callable[[Any], Spec]] = {
    function.Function: declared_function.function,
    function.Version: declared_others.version,
    function.Alias: declared_others.alias,
    function_url.FunctionUrl: declared_others.function_url,
    provisioned.ProvisionedConcurrency: declared_others.provisioned,
    event_invoke.EventInvokeConfig: declared_others.event_invoke_config,
    policy.Policy: declared_others.function_policy,
    layer.Layer: declared_others.layer,
    layer.LayerVersion: declared_others.layer_version,
    code_signing.CodeSigningConfig: declared_others.code_signing_config,
    event_source.EventSourceMapping: declared_event_source.event_source_mapping,
}
_IMMUTABLE = frozenset((kinds.VERSION.name, kinds.LAYER_VERSION.name))


def spec(value: object) -> Spec:
    """Return what a person would declare to get this value."""
    written = _DECLARE[type(value)](value)
    # Through JSON, so that it compares with what comes from the API server: lists, not tuples.
    return defaults.pruned(msgspec.json.decode(msgspec.json.encode(written)))


def wanted(kind: str, name: str, given: Mapping[str, Any], code: CodeSource | None = None) -> Spec:
    """Return a spec with its defaults, and its code as a package if one was made of it.

    `name` is the document's, `code` what the operator noted in the resource's status. Code of which
    no package has been made yet stands as it was given.
    """
    filled = defaults.filled(kind, name, given)
    source = filled.get("code", {})
    # The hash is of what was given, whatever becomes of it by filling in.
    if code is not None and source and code.source == source_hash(given["code"]):
        kept = {key: source[key] for key in ("sourceKmsKeyArn",) if key in source}
        filled["code"] = {"sha256": code.sha256, **kept}
    return filled


def is_declared(
    given: Mapping[str, Any], document: Document[Any], code: CodeSource | None = None
) -> bool:
    """Whether a spec declares exactly this document, so that nothing is to be done.

    Of what cannot be changed only what the spec says is compared.
    """
    kind, name = document.kind.name, document.name
    asked = wanted(kind, name, given, code)
    stands = wanted(kind, name, spec(document.value))
    if kind in _IMMUTABLE:
        return all(stands.get(key) == value for key, value in asked.items())
    return asked == stands


def mirrored(
    given: Mapping[str, Any], document: Document[Any], code: CodeSource | None = None
) -> Spec:
    """Return the spec that a resource is to have, once its document has changed by the API.

    Code stays as it was given if the package in use was made of it, and so does what cannot be
    changed.
    """
    kind, name = document.kind.name, document.name
    if kind in _IMMUTABLE:
        return dict(given)
    written = spec(document.value)
    asked = wanted(kind, name, given, code)
    if "code" in asked and asked["code"] == written.get("code"):
        written["code"] = given["code"]
    if "functionName" in given:
        written["functionName"] = given["functionName"]
    return written


def source_hash(code: Mapping[str, Any]) -> str:
    """Return what tells one `spec.code` from another, whatever the order of its members."""
    encoded = msgspec.json.encode(dict(code), order="deterministic")
    return hashlib.sha256(encoded).hexdigest()
