"""The custom resource definitions of the chart: documentation, and agreement with the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import sample_documents

from inglenook_cluster.resources import defaults, definitions

FOLDER = Path(__file__).parents[2] / "charts" / "inglenook" / "crds"
MANIFESTS: dict[str, Any] = {
    path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))
}


def schema(plural: str) -> dict[str, Any]:
    (version,) = MANIFESTS[plural]["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def fields(at: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in at.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
        yield from fields(field.get("items", {}), f"{path}.{name}[]")


def defaulted(at: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults that the API server fills into an empty object."""
    found = {}
    for name, field in at.get("properties", {}).items():
        if "default" in field:
            value = field["default"]
            found[name] = {**defaulted(field), **value} if isinstance(value, dict) else value
    return found


@pytest.mark.parametrize("plural", sorted(MANIFESTS))
def test_every_field_is_described_in_a_sentence(plural: str) -> None:
    for path, field in fields(schema(plural), plural):
        if path.endswith(".metadata"):
            continue
        description = field.get("description", "")
        assert description[:1].isupper() or description[:1] in "/$", path
        assert description.endswith((".", "…")) or "`" in description, path


def test_every_kind_of_document_has_a_definition() -> None:
    for one in definitions.ALL:
        manifest = MANIFESTS[one.plural]
        assert manifest["spec"]["names"]["kind"] == one.resource_kind
        assert manifest["metadata"]["name"] == f"{one.plural}.{definitions.GROUP}"
    assert MANIFESTS.keys() - {one.plural for one in definitions.ALL} == {"runtimes"}


@pytest.mark.parametrize("one", definitions.ALL, ids=lambda one: one.plural)
def test_the_defaults_of_a_definition_are_those_that_specs_are_compared_with(
    one: definitions.Definition,
) -> None:
    spec = schema(one.plural)["properties"]["spec"]
    assert defaulted(spec) == defaults.static(one.kind.name)


@pytest.mark.parametrize(
    "sample", sample_documents.samples(), ids=lambda sample: str(sample[1])[:20]
)
def test_everything_that_a_document_declares_has_its_field(
    sample: sample_documents.Sample,
) -> None:
    kind, _, value = sample
    one = definitions.of(kind)
    known = {path for path, _ in fields(schema(one.plural)["properties"]["spec"], "")}
    maps = {"variables", "tags", "inline", "policy", "additionalVersionWeights", "endpoints"}

    def check(given: Any, path: str) -> None:
        if isinstance(given, list):
            for item in given:
                check(item, f"{path}[]")
        elif isinstance(given, dict) and path.rpartition(".")[2] not in maps:
            for name, inner in given.items():
                assert f"{path}.{name}" in known
                check(inner, f"{path}.{name}")

    check(one.spec(value), "")
