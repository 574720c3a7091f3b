"""The values of small documents as the specs of their custom resources. Pure."""

from typing import Any

from inglenook.model import code_signing, event_invoke, function, policy
from inglenook.model import function_url as urls
from inglenook.model import layer as layers
from inglenook.model import provisioned as provisioning
from inglenook_cluster.resources import declared_function

Spec = dict[str, Any]

_ELEMENTS = {
    "sid": "Sid",
    "effect": "Effect",
    "principal": "Principal",
    "not_principal": "NotPrincipal",
    "action": "Action",
    "not_action": "NotAction",
    "resource": "Resource",
    "not_resource": "NotResource",
}
"""Fields of a statement and what IAM calls them, in the order in which they are shown."""


def version(one: function.Version) -> Spec:
    return {"functionName": one.function_name, "description": one.spec.description}


def alias(one: function.Alias) -> Spec:
    return {
        "functionName": one.function_name,
        "name": one.name,
        "functionVersion": one.function_version,
        "description": one.description,
        "routingConfig": {"additionalVersionWeights": one.additional_version_weights},
    }


def function_url(one: urls.FunctionUrl) -> Spec:
    return {
        **_qualified(one.function_name, one.qualifier),
        "authType": one.auth_type,
        "cors": None if one.cors is None else _cors(one.cors),
        "invokeMode": one.invoke_mode,
    }


def provisioned(one: provisioning.ProvisionedConcurrency) -> Spec:
    return {
        **_qualified(one.function_name, one.qualifier),
        "provisionedConcurrentExecutions": one.requested,
    }


def event_invoke_config(one: event_invoke.EventInvokeConfig) -> Spec:
    return {
        **_qualified(one.function_name, one.qualifier),
        "maximumRetryAttempts": one.maximum_retry_attempts,
        "maximumEventAgeInSeconds": one.maximum_event_age_s,
        "destinationConfig": {
            "onSuccess": {"destination": one.on_success},
            "onFailure": {"destination": one.on_failure},
        },
    }


def function_policy(one: policy.Policy) -> Spec:
    document = {
        "Version": one.version,
        "Id": one.id,
        "Statement": [_statement(statement) for statement in one.statements],
    }
    return {
        **_qualified(one.function_name, one.qualifier),
        "policy": {name: value for name, value in document.items() if value is not None},
    }


def layer(one: layers.Layer) -> Spec:
    return {"layerName": one.name}


def layer_version(one: layers.LayerVersion) -> Spec:
    return {
        "layerName": one.layer_name,
        "description": one.description,
        "code": declared_function.code(one.code),
        "compatibleRuntimes": one.compatible_runtimes,
        "compatibleArchitectures": one.compatible_architectures,
        "licenseInfo": one.license_info,
    }


def code_signing_config(one: code_signing.CodeSigningConfig) -> Spec:
    return {
        "description": one.description,
        "allowedPublishers": {"signingProfileVersionArns": one.allowed_publishers},
        "codeSigningPolicies": {
            "untrustedArtifactOnDeployment": one.untrusted_artifact_on_deployment
        },
        "tags": one.tags,
    }


def _qualified(function_name: str, qualifier: str | None) -> Spec:
    return {"functionName": function_name, "qualifier": qualifier}


def _cors(cors: urls.Cors) -> Spec:
    return {
        "allowCredentials": cors.allow_credentials,
        "allowHeaders": cors.allow_headers,
        "allowMethods": cors.allow_methods,
        "allowOrigins": cors.allow_origins,
        "exposeHeaders": cors.expose_headers,
        "maxAge": cors.max_age_s,
    }


def _statement(one: policy.Statement) -> Spec:
    shown = {
        element: value
        for field, element in _ELEMENTS.items()
        if (value := getattr(one, field)) is not None
    }
    return shown | ({"Condition": one.condition} if one.condition else {})
