"""What a person would declare of a document, and when a spec says the same."""

from typing import Any

import msgspec
import pytest
from support import sample_documents
from support.sample_documents import SHA256, Sample

from inglenook.model import function
from inglenook.store import kinds
from inglenook.store.documents import Document
from inglenook_cluster.resources import declared, defaults
from inglenook_cluster.resources.manifest import CodeSource

INLINE = {"inline": {"index.py": "def handler(event, context): ..."}}


def document(value: function.Function) -> Document[function.Function]:
    return Document(kind=kinds.FUNCTION, name=value.name, resource_version=1, value=value)


@pytest.mark.parametrize("sample", sample_documents.samples(), ids=lambda one: str(one[1])[:20])
def test_what_is_declared_of_a_document_declares_it(sample: Sample) -> None:
    kind, name, value = sample
    stored = Document(kind=kind, name=name, resource_version=1, value=value)
    spec = declared.spec(value)
    assert declared.is_declared(spec, stored)
    # As it comes back: with the defaults that the API server fills in.
    assert declared.is_declared(defaults.filled(kind.name, name, spec), stored)
    assert declared.mirrored(spec, stored) == spec


def test_a_spec_has_only_what_json_has() -> None:
    for _, _, value in sample_documents.samples():
        spec = declared.spec(value)
        assert msgspec.json.decode(msgspec.json.encode(spec)) == spec


def test_what_is_left_out_of_a_spec_is_at_its_default() -> None:
    given = {
        "runtime": "python3.11",
        "handler": "app.handler",
        "role": sample_documents.ROLE,
        "code": {"sha256": SHA256},
    }
    assert declared.is_declared(given, document(sample_documents.plain_function()))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("memorySize", 256),
        ("timeout", 4),
        ("description", "new"),
        ("environment", {"variables": {"A": ""}}),
        ("layers", ["arn:aws:lambda:us-east-1:123456789012:layer:a:1"]),
        ("loggingConfig", {"logFormat": "JSON"}),
        ("reservedConcurrentExecutions", 0),
        ("tags", {"a": ""}),
        ("code", INLINE),
        ("runtimeClassName", "gvisor"),
    ],
)
def test_a_spec_that_asks_for_something_else_does_not_declare(member: str, value: Any) -> None:
    stored = document(sample_documents.plain_function())
    assert not declared.is_declared(declared.spec(stored.value) | {member: value}, stored)


@pytest.mark.parametrize(
    "member",
    ["environment", "tags", "deadLetterConfig", "vpcConfig", "reservedConcurrentExecutions"],
)
def test_a_spec_from_which_something_was_removed_does_not_declare(member: str) -> None:
    stored = document(sample_documents.rich_function())
    given = declared.spec(stored.value)
    del given[member]
    assert not declared.is_declared(given, stored)


def test_what_was_given_empty_is_as_if_it_were_not_given() -> None:
    plain = sample_documents.plain_function()
    emptied = msgspec.structs.replace(
        plain, spec=msgspec.structs.replace(plain.spec, environment={}, vpc=function.Vpc())
    )
    assert declared.is_declared(declared.spec(plain), document(emptied))


def test_a_json_log_has_its_levels_without_saying_so() -> None:
    plain = sample_documents.plain_function()
    logging = function.Logging(
        format="JSON",
        log_group="/aws/lambda/hello",
        application_level="INFO",
        system_level="INFO",
    )
    stored = document(
        msgspec.structs.replace(plain, spec=msgspec.structs.replace(plain.spec, logging=logging))
    )
    given = declared.spec(plain) | {"loggingConfig": {"logFormat": "JSON"}}
    assert declared.is_declared(given, stored)


def test_code_declares_the_package_that_was_made_of_it() -> None:
    stored = document(sample_documents.plain_function())
    given = declared.spec(stored.value) | {"code": INLINE}
    made = CodeSource(source=declared.source_hash(INLINE), sha256=SHA256)
    assert declared.is_declared(given, stored, made)
    assert declared.mirrored(given, stored, made)["code"] == INLINE


def test_the_name_of_a_function_stays_as_it_was_given() -> None:
    stored = document(sample_documents.plain_function())
    given = declared.spec(stored.value) | {"functionName": "hello", "memorySize": 512}
    assert declared.mirrored(given, stored) == declared.spec(stored.value) | {
        "functionName": "hello"
    }


def test_code_that_has_changed_since_its_package_was_made_is_not_declared_by_it() -> None:
    stored = document(sample_documents.plain_function())
    given = declared.spec(stored.value) | {"code": {"inline": {"index.py": "other"}}}
    made = CodeSource(source=declared.source_hash(INLINE), sha256=SHA256)
    assert not declared.is_declared(given, stored, made)


def test_code_uploaded_through_the_api_takes_the_place_of_what_was_given() -> None:
    stored = document(sample_documents.plain_function())
    given = declared.spec(stored.value) | {"code": INLINE}
    before = CodeSource(source=declared.source_hash(INLINE), sha256="f" * 64)
    assert not declared.is_declared(given, stored, before)
    assert declared.mirrored(given, stored, before)["code"] == {"sha256": SHA256}


def test_the_hash_of_code_does_not_depend_on_the_order_of_its_members() -> None:
    one = {"s3": {"bucket": "b", "key": "k"}, "sourceKmsKeyArn": "arn:x"}
    other = {"sourceKmsKeyArn": "arn:x", "s3": {"key": "k", "bucket": "b"}}
    assert declared.source_hash(one) == declared.source_hash(other)
    assert declared.source_hash(one) != declared.source_hash({"s3": one["s3"]})


def test_a_version_is_declared_by_what_its_spec_says_of_it() -> None:
    value = sample_documents.version("hello", 1, "the first")
    stored = Document(kind=kinds.VERSION, name="hello.1", resource_version=1, value=value)
    assert declared.is_declared({"functionName": "hello"}, stored)
    assert not declared.is_declared({"functionName": "hello", "description": "no"}, stored)


def test_the_function_name_stands_in_a_spec_only_if_the_resource_has_another() -> None:
    assert "functionName" not in declared.spec(sample_documents.plain_function())
    assert declared.spec(sample_documents.rich_function())["functionName"] == "My_Function"


def test_static_defaults_are_those_of_the_definitions() -> None:
    # The definitions are made from them: a spec of nothing but defaults says nothing.
    assert defaults.static(kinds.FUNCTION.name)["memorySize"] == 128
    assert declared.spec(sample_documents.plain_function())["timeout"] == 3
