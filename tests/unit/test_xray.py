"""X-Ray's trace header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.extension.aws.trace import AwsXRayIdGenerator
from opentelemetry.trace import format_trace_id

from inglenook.telemetry import xray

TRACE = 0x5759E988BD862E3FE1BE46A994272793
ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    ("header", "parent_id", "is_sampled"),
    [
        (ROOT, None, None),
        (f"{ROOT};Sampled=1", None, True),
        (f"{ROOT};Parent=53995c3f42cd8ad8;Sampled=0", 0x53995C3F42CD8AD8, False),
        (f"Self=1-67891234-12456789abcdef012345678;{ROOT};Sampled=?", None, None),
        (f" {ROOT} ; parent=53995C3F42CD8AD8 ; SAMPLED=1 ", 0x53995C3F42CD8AD8, True),
        (f"{ROOT};Parent=0000000000000000", None, None),
        (f"{ROOT};Parent=short", None, None),
        (f"{ROOT};Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2", None, None),
    ],
)
def test_a_header_says_trace_parent_and_decision(header, parent_id, is_sampled):
    context = xray.parse(header)
    assert context == xray.Context(trace_id=TRACE, parent_id=parent_id, is_sampled=is_sampled)


@pytest.mark.parametrize("header", ["", "Root=", "Root=1-1-1", "Sampled=1", "Root=2-5759e988-bd86"])
def test_what_names_no_trace_says_nothing(header):
    assert xray.parse(header) is None


@given(st.text())
def test_any_text_is_read_without_an_error(text):
    assert xray.parse(text) is None or "oot" in text.lower()


def test_a_span_takes_the_place_of_the_parent_and_the_rest_stays():
    header = f"{ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1"
    assert xray.with_parent(header, 0xAB) == f"{ROOT};Parent=00000000000000ab;Sampled=1;Lineage=a:1"


def test_a_span_comes_after_the_trace_where_there_was_no_parent():
    assert xray.with_parent(f"{ROOT};Sampled=1", 1) == f"{ROOT};Parent=0000000000000001;Sampled=1"


def test_the_ids_are_those_of_opentelemetry():
    made = format_trace_id(AwsXRayIdGenerator().generate_trace_id())
    context = xray.parse(f"Root=1-{made[:8]}-{made[8:]}")
    assert context is not None
    assert format_trace_id(context.trace_id) == made
