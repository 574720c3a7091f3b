"""The words that the schemas of custom resources are written in.

Each function answers a piece of an OpenAPI schema with a description, as the Kubernetes API server
takes it. Descriptions are what `kubectl explain` prints: sentences for whoever writes a manifest.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

FUNCTION_NAME = "^[a-zA-Z0-9_-]+$"
QUALIFIER = "^[a-zA-Z0-9_$-]+$"
ARN = "^arn:.+$"
SHA256 = "^[0-9a-f]{64}$"


IS_MADE = "self.metadata.name.matches('--[0-9a-f]{16}$')"
"""A name that the platform has made of one that no resource can have; see `resources/names.py`."""


def text(description: str, **extra: Any) -> Schema:
    """Return the schema of a string; `extra` are its constraints (`maxLength`, `pattern` …)."""
    return {"type": "string", "description": description, **extra}


def choice(description: str, *values: str, **extra: Any) -> Schema:
    """Return the schema of a string that is one of a few."""
    return {"type": "string", "description": description, "enum": list(values), **extra}


def whole(description: str, **extra: Any) -> Schema:
    """Return the schema of a whole number."""
    return {"type": "integer", "format": "int64", "description": description, **extra}


def flag(description: str, **extra: Any) -> Schema:
    """Return the schema of a boolean."""
    return {"type": "boolean", "description": description, **extra}


def texts(description: str, *, each: Mapping[str, Any] | None = None, **extra: Any) -> Schema:
    """Return the schema of a list of strings; `each` has the constraints of one of them."""
    items = {"type": "string", **(each or {})}
    return {"type": "array", "description": description, "items": items, **extra}


def records(description: str, item: Schema, **extra: Any) -> Schema:
    """Return the schema of a list of records."""
    return {"type": "array", "description": description, "items": item, **extra}


def table(description: str, *, each: Mapping[str, Any] | None = None, **extra: Any) -> Schema:
    """Return the schema of a map from names to values, by default to strings."""
    values = dict(each or {"type": "string"})
    return {"type": "object", "description": description, "additionalProperties": values, **extra}


def record(
    description: str,
    properties: Mapping[str, Schema],
    *,
    required: Sequence[str] = (),
    rules: Sequence[Schema] = (),
    **extra: Any,
) -> Schema:
    """Return the schema of an object with these properties."""
    schema: Schema = {"type": "object", "description": description}
    if required:
        schema["required"] = list(required)
    schema["properties"] = dict(properties)
    if rules:
        schema["x-kubernetes-validations"] = list(rules)
    return {**schema, **extra}


def rule(expression: str, message: str, **extra: Any) -> Schema:
    """Return a CEL rule, and what it says to whoever breaks it."""
    return {"rule": expression, "message": message, **extra}


def immutable(field: str) -> Schema:
    """Return the rule that a field, given or not, stays what it was."""
    same = f"has(self.{field}) == has(oldSelf.{field})"
    return rule(
        f"{same} && (!has(self.{field}) || self.{field} == oldSelf.{field})",
        f"{field} cannot be changed: delete the resource and create another one",
    )


def column(name: str, path: str, kind: str = "string", *, priority: int = 0) -> Schema:
    """Return a column of `kubectl get`; one of priority 1 is shown with `-o wide` only."""
    shown: Schema = {"name": name, "type": kind, "jsonPath": path}
    return {**shown, "priority": priority} if priority else shown


AGE = column("Age", ".metadata.creationTimestamp", "date")
