"""What `kubectl get` shows of a document: fields of the status beside the document itself. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from inglenook.model import code_signing, event_source, function, function_url, layer, policy
from inglenook.model import provisioned as provisioning
from inglenook.store import code

Shown = dict[str, Any]


def fields(value: object) -> Shown:
    """Return the fields of a status that show a value. None: the value has no such thing now."""
    show = _SHOW.get(type(value))
    return {} if show is None else show(value)


def _function(one: function.Function) -> Shown:
    status = one.status
    return _of_spec(one.spec, status) | {
        "stateReasonCode": status.state_reason_code,
        "lastUpdateStatus": None if status.last_update is None else status.last_update.value,
        "lastUpdateStatusReason": status.last_update_reason,
        "version": str(one.last_version) if one.last_version else function.LATEST,
        "codeSize": one.spec.code.size_bytes,
    }


def _version(one: function.Version) -> Shown:
    return _of_spec(one.spec, one.status) | {"version": str(one.number)}


def _of_spec(spec: function.Spec, status: function.Status) -> Shown:
    return {
        "state": status.state.value,
        "stateReason": status.state_reason,
        "runtime": spec.runtime,
        "image": None if spec.image is None else spec.image.uri,
        "memorySize": spec.memory_mb,
        "codeSha256": code.shown_sha256(spec),
        "lastModified": status.last_modified,
    }


def _alias(one: function.Alias) -> Shown:
    weights = one.additional_version_weights.items()
    shares = ", ".join(f"{number}: {share:g}" for number, share in weights)
    return {"functionVersion": one.function_version, "weights": shares or None}


def _function_url(one: function_url.FunctionUrl) -> Shown:
    return {"urlId": one.url_id}


def _provisioned(one: provisioning.ProvisionedConcurrency) -> Shown:
    return {"requested": one.requested}


def _function_policy(one: policy.Policy) -> Shown:
    return {"statements": len(one.statements)}


def _layer(one: layer.Layer) -> Shown:
    return {"lastVersion": one.last_version}


def _layer_version(one: layer.LayerVersion) -> Shown:
    return {
        "version": one.number,
        "codeSha256": code.code_sha256_base64(one.code.sha256),
        "codeSize": one.code.size_bytes,
        "created": one.created,
    }


def _code_signing_config(one: code_signing.CodeSigningConfig) -> Shown:
    return {"lastModified": one.last_modified}


def _event_source_mapping(one: event_source.EventSourceMapping) -> Shown:
    return {"source": one.source.value}


_SHOW: Mapping[type, Callable[[Any], Shown]] = {
    function.Function: _function,
    function.Version: _version,
    function.Alias: _alias,
    function_url.FunctionUrl: _function_url,
    provisioning.ProvisionedConcurrency: _provisioned,
    policy.Policy: _function_policy,
    layer.Layer: _layer,
    layer.LayerVersion: _layer_version,
    code_signing.CodeSigningConfig: _code_signing_config,
    event_source.EventSourceMapping: _event_source_mapping,
}
