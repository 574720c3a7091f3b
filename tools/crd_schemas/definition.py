"""A custom resource definition, made of the schemas of a kind's spec and status."""

from collections.abc import Sequence
from dataclasses import dataclass

from crd_schemas.fields import AGE, Schema

GROUP = "inglenook.dev"
VERSION = "v1"

_METADATA = {
    "apiVersion": {
        "type": "string",
        "description": "The version of this schema: inglenook.dev/v1.",
    },
    "kind": {"type": "string", "description": "The kind of this resource."},
    "metadata": {"type": "object"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One kind of custom resource."""

    kind: str
    plural: str
    description: str
    spec: Schema
    status: Schema
    short_names: Sequence[str] = ()
    columns: Sequence[Schema] = ()
    """Of `kubectl get`, before the age."""
    rules: Sequence[Schema] = ()
    """About the resource as a whole, its name included."""

    def manifest(self) -> Schema:
        """Return the definition as Kubernetes takes it."""
        names = {
            "kind": self.kind,
            "listKind": f"{self.kind}List",
            "plural": self.plural,
            "singular": self.kind.lower(),
            "categories": ["inglenook", "all"],
        }
        if self.short_names:
            names["shortNames"] = list(self.short_names)
        version = {
            "name": VERSION,
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": self._schema()},
            "subresources": {"status": {}},
            "additionalPrinterColumns": [*self.columns, AGE],
        }
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": f"{self.plural}.{GROUP}",
                "labels": {"app.kubernetes.io/part-of": "inglenook"},
            },
            "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
        }

    def _schema(self) -> Schema:
        schema: Schema = {
            "type": "object",
            "description": self.description,
            "required": ["spec"],
            "properties": {**_METADATA, "spec": self.spec, "status": self.status},
        }
        if self.rules:
            schema["x-kubernetes-validations"] = list(self.rules)
        return schema
