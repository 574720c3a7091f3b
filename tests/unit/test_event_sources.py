"""What is an event source, when two mappings are the same, and what is a filter pattern."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inglenook import errors
from inglenook.model import event_source
from inglenook.model.event_source import Source
from inglenook_gateway.operations import event_source_filters

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "$or", "prefix", "numeric", "exists", "anything-but"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("arn", "source"),
    [
        ("arn:aws:sqs:us-east-1:000000000000:q", Source.SQS),
        ("arn:aws-cn:sqs:cn-north-1:000000000000:q.fifo", Source.SQS),
        ("arn:aws:kinesis:us-east-1:000000000000:stream/s", Source.KINESIS),
        ("arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1", Source.KINESIS),
        (
            "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00",
            Source.DYNAMODB,
        ),
        ("arn:aws:kafka:us-east-1:000000000000:cluster/c/1", Source.MSK),
        ("arn:aws:kafka:us-east-1:000000000000:vpc-connection/000000000000/c/1", Source.MSK),
        ("arn:aws:mq:us-east-1:000000000000:broker:b:b-1", Source.MQ),
        ("arn:aws:rds:us-east-1:000000000000:cluster:c", Source.DOCUMENTDB),
        ("arn:aws:dynamodb:us-east-1:000000000000:table/t", None),
        ("arn:aws:rds:us-east-1:000000000000:db:d", None),
        ("arn:aws:kafka:us-east-1:000000000000:topic/t", None),
        ("arn:aws:sqs:us-east-1:000000000000:", None),
        ("arn:aws:sns:us-east-1:000000000000:t", None),
        ("arn:aws:sqs", None),
    ],
)
def test_a_source_is_told_by_its_arn(arn: str, source: Source | None) -> None:
    assert event_source.source_of(arn) is source


def _kafka(*servers: str, topic: str = "t", name: str = "f") -> event_source.EventSourceMapping:
    return event_source.EventSourceMapping(
        uuid="u", function_name=name, qualifier=None, source=Source.SELF_MANAGED_KAFKA,
        last_modified=0, batch_size=1, bootstrap_servers=servers, topics=(topic,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (_kafka("b:1", "c:1"), True),
        (_kafka("c:1"), False),
        (_kafka("a:1", topic="other"), False),
        (_kafka("a:1", name="g"), False),
    ],
)
def test_clusters_are_the_same_that_share_a_server(
    other: event_source.EventSourceMapping, same: bool
) -> None:
    assert _kafka("a:1", "b:1").reads_as(other) is same


@given(pattern=_JSON | st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_a_pattern_is_kept_or_refused_whatever_it_is(pattern: object) -> None:
    try:
        event_source_filters.check((json.dumps(pattern),))
    except errors.InvalidParameterValueError:
        return
    assert isinstance(pattern, dict)


@pytest.mark.parametrize("text", ['{"a":' * 800 + "[1]" + "}" * 800, "[" * 4096])
def test_a_pattern_that_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidParameterValueError, match="Invalid filter pattern"):
        event_source_filters.check((text,))
