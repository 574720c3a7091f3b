"""Names of custom resources, and of the documents that they keep."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inglenook.store import kinds
from inglenook.store.documents import Kind
from inglenook_cluster.resources import names

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
any_kind = st.sampled_from([kind.name for kind in kinds.ALL])
any_name = st.one_of(
    st.text(min_size=1, max_size=300),
    st.from_regex(r"[a-zA-Z0-9_-]{1,70}(\.[a-zA-Z0-9_$-]{0,12})?", fullmatch=True),
    st.from_regex(r"[a-c]{1,2}\.[0-9]{1,11}", fullmatch=True),
    st.from_regex(r"[a-c]{1,2}--[0-9a-f]{16}", fullmatch=True),
)


@pytest.mark.parametrize(
    ("kind", "document", "resource"),
    [
        (kinds.FUNCTION, "hello", "hello"),
        (kinds.FUNCTION, "hello-2", "hello-2"),
        (kinds.ALIAS, kinds.alias_name("hello", "live"), "hello.live"),
        (kinds.VERSION, kinds.version_name("hello", 3), "hello.3"),
        (kinds.LAYER_VERSION, kinds.layer_version_name("deps", 12), "deps.12"),
        (kinds.URL, kinds.qualified_name("hello", None), "hello"),
        (kinds.URL, kinds.qualified_name("hello", "live"), "hello.live"),
        (kinds.EVENT_INVOKE, kinds.qualified_name("hello", "$LATEST"), "hello"),
        (kinds.PROVISIONED, kinds.qualified_name("hello", "3"), "hello.3"),
        (kinds.POLICY, kinds.qualified_name("hello", None), "hello"),
        (kinds.LAYER, "deps", "deps"),
    ],
)
def test_usual_documents_have_readable_resources(
    kind: Kind[Any], document: str, resource: str
) -> None:
    assert names.resource_name(kind.name, document) == resource


def test_an_unusual_name_keeps_what_can_be_read_of_it() -> None:
    name = names.resource_name(kinds.FUNCTION.name, "My_Function")
    assert re.fullmatch(r"my-function--[0-9a-f]{16}", name)


def test_the_resource_of_a_function_can_be_a_label() -> None:
    assert len(names.resource_name(kinds.FUNCTION.name, "x" * 63)) == 63
    assert len(names.resource_name(kinds.FUNCTION.name, "x" * 64)) <= 63


@given(any_kind, any_name)
def test_every_document_has_a_resource_that_kubernetes_takes(kind: str, document: str) -> None:
    name = names.resource_name(kind, document)
    assert SUBDOMAIN.fullmatch(name)
    assert len(name) <= 253


@given(any_kind, any_name, any_name)
def test_no_two_documents_share_a_resource(kind: str, one: str, other: str) -> None:
    if one != other:
        assert names.resource_name(kind, one) != names.resource_name(kind, other)


@pytest.mark.parametrize(
    ("kind", "resource", "spec", "document"),
    [
        (kinds.FUNCTION, "hello", {}, "hello"),
        (kinds.FUNCTION, "any", {"functionName": "My_Function"}, "My_Function"),
        (kinds.ALIAS, "hello.live", {"functionName": "hello", "name": "live"}, "hello.live"),
        (kinds.VERSION, "hello.3", {"functionName": "hello"}, kinds.version_name("hello", 3)),
        (kinds.VERSION, "hello.v3", {"functionName": "hello"}, None),
        (kinds.URL, "hello", {"functionName": "hello"}, "hello."),
        (kinds.URL, "a", {"functionName": "hello", "qualifier": "live"}, "hello.live"),
        (kinds.EVENT_INVOKE, "hello", {"functionName": "hello"}, "hello.$LATEST"),
        (kinds.LAYER, "x", {"layerName": "deps"}, "deps"),
        (kinds.LAYER_VERSION, "deps.1", {"layerName": "deps"}, "deps.0000000001"),
        (kinds.EVENT_SOURCE, "some-uuid", {"functionName": "hello"}, "some-uuid"),
        (kinds.POLICY, "x", {}, None),
    ],
)
def test_a_spec_says_which_document_it_declares(
    kind: Kind[Any], resource: str, spec: dict[str, Any], document: str | None
) -> None:
    assert names.document_name(kind.name, resource, spec) == document
