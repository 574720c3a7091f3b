"""values.schema.json: what values the chart takes. Whatever is not named here is refused.

The part that is settings comes from `core/inglenook/settings.py`, the rest stands here.
"""

import enum

import chart_settings

Schema = dict[str, object]

QUANTITY: Schema = {
    "type": ["string", "number"],
    "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|[KMGTP]i?)?$",
}
BOOLEAN: Schema = {"type": "boolean"}
STRING: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "pattern": r"^$|^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"}
OBJECTS: Schema = {"type": "array", "items": {"type": "object"}}
STRINGS_BY_NAME: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_QUANTITIES: Schema = {"type": "object", "additionalProperties": QUANTITY}


def exactly(properties: Schema, *required: str) -> Schema:
    """Return an object's schema that takes these members alone."""
    schema: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    return schema | ({"required": list(required)} if required else {})


def whole(least: int, most: int | None = None) -> Schema:
    schema: Schema = {"type": "integer", "minimum": least}
    return schema if most is None else schema | {"maximum": most}


def one_of(*values: object) -> Schema:
    return {"enum": list(values)}


RESOURCES = exactly({"requests": _QUANTITIES, "limits": _QUANTITIES}, "requests", "limits")
RUNTIME: Schema = {
    "type": ["object", "null"],
    "properties": {
        "image": {"type": "string", "minLength": 1},
        "imagePullPolicy": one_of("Always", "IfNotPresent", "Never"),
        "pool": exactly({"min": whole(0), "max": whole(0)}),
    },
}
"""The rest of a Runtime's spec is for its own definition to judge."""

_DEPLOYMENT: dict[str, Schema] = {
    "image": exactly(
        {
            "prefix": {"type": "string", "pattern": "^$|/$"},
            "tag": {"type": "string", "minLength": 1},
            "pullPolicy": one_of("Always", "IfNotPresent", "Never"),
            "pullSecrets": OBJECTS,
        }
    ),
    "gateway": {
        "replicas": whole(1),
        "drainDelay": whole(0, 60),
        "resources": RESOURCES,
        "service": exactly(
            {
                "type": one_of("ClusterIP", "NodePort", "LoadBalancer"),
                "port": whole(1, 65535),
                "nodePort": whole(0, 65535),
                "annotations": STRINGS_BY_NAME,
            }
        ),
    },
    "operator": {"replicas": whole(1), "resources": RESOURCES},
    "worker": {"replicas": whole(1), "stopTimeout": whole(1), "resources": RESOURCES},
    "cluster": {"functionsNamespace": NAME, "createFunctionsNamespace": BOOLEAN},
    "runtimes": {"type": "object", "additionalProperties": RUNTIME},
    "nats": exactly(
        {
            "enabled": BOOLEAN,
            "replicas": one_of(1, 3, 5),
            "url": STRING,
            "existingSecret": NAME,
            "streamReplicas": one_of(1, 3, 5),
            "image": STRING,
            "storage": exactly({"enabled": BOOLEAN, "size": QUANTITY, "storageClass": NAME}),
            "syncInterval": {"type": "string", "pattern": "^$|^always$|^[0-9]+(ms|s|m)$"},
            "resources": RESOURCES,
        }
    ),
    "secret": exactly({"existing": NAME}),
    "networkPolicy": exactly(
        {
            "enabled": BOOLEAN,
            "clients": OBJECTS,
            "metrics": OBJECTS,
            "functionsReach": {"type": "array", "items": {"type": "string", "pattern": "/"}},
            "functionsExcept": {"type": "array", "items": {"type": "string", "pattern": "/"}},
        }
    ),
    "metrics": exactly(
        {
            "podMonitor": exactly(
                {
                    "enabled": BOOLEAN,
                    "functions": BOOLEAN,
                    "interval": {"type": "string", "pattern": "^([0-9]+(ms|s|m|h))+$"},
                    "labels": STRINGS_BY_NAME,
                }
            ),
            "dashboard": exactly({"enabled": BOOLEAN, "labels": STRINGS_BY_NAME}),
        }
    ),
    "scheduling": exactly(
        {"nodeSelector": STRINGS_BY_NAME, "tolerations": OBJECTS, "priorityClassName": NAME}
    ),
    "podDisruptionBudgets": BOOLEAN,
    "crds": exactly({"upgrade": BOOLEAN}),
}
_KINDS: dict[type, Schema] = {
    bool: BOOLEAN,
    int: {"type": "integer", "minimum": 0},
    float: {"type": "number", "minimum": 0},
    str: STRING,
}


def _kind(kind: type) -> Schema:
    if issubclass(kind, enum.Enum):
        return one_of(*(each.value for each in kind))
    return _KINDS[kind]


def schema() -> Schema:
    """Return the whole."""
    groups: dict[str, Schema] = {}
    for each in chart_settings.all_of_them():
        described = _kind(each.kind) | {"description": each.text}
        groups.setdefault(each.group, {})[each.name] = described
    properties: Schema = dict(_DEPLOYMENT)
    for group, members in groups.items():
        properties[group] = exactly(members | _DEPLOYMENT.get(group, {}))
    properties["global"] = {"type": "object"}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **exactly(properties)}
