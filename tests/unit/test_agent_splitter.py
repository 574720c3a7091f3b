"""Output cut into log events."""

from hypothesis import given
from hypothesis import strategies as st

from inglenook.model.limits import LOG_EVENT_BYTES_MAX
from inglenook_agent.environment.splitter import Splitter

MARK = b"m\x00m\x00m mark 16 b\xff"
assert len(MARK) == 16


def record(text: str) -> bytes:
    data = text.encode()
    return MARK + len(data).to_bytes(4, "big") + data


def test_each_line_is_an_event_and_a_lone_return_does_not_split() -> None:
    splitter = Splitter(MARK)
    assert splitter.feed(b"one\ntwo\rstill\nthr") == ["one\n", "two\rstill\n"]
    assert splitter.feed(b"ee\n") == ["three\n"]
    assert splitter.flush() == []


def test_an_unfinished_line_is_an_event_when_it_is_flushed() -> None:
    splitter = Splitter(MARK)
    assert splitter.feed(b"half") == []
    assert splitter.flush() == ["half"]
    assert splitter.flush() == []


def test_a_record_is_one_event_with_its_newlines() -> None:
    splitter = Splitter(MARK)
    assert splitter.feed(b"a\n" + record("b\nc") + b"d\n") == ["a\n", "b\nc", "d\n"]


def test_a_line_goes_on_after_a_record_within_it() -> None:
    splitter = Splitter(MARK)
    assert splitter.feed(b"be" + record("r") + b"gun\n") == ["r", "begun\n"]


def test_what_is_longer_than_an_event_is_cut_between_characters() -> None:
    splitter = Splitter(MARK)
    text = "ä" * LOG_EVENT_BYTES_MAX
    events = splitter.feed(text.encode() + b"\n")
    assert all(len(event.encode()) <= LOG_EVENT_BYTES_MAX + 1 for event in events)
    assert "".join(events) == text + "\n"
    assert "".join(splitter.feed(record(text))) == text


@given(
    parts=st.lists(st.tuples(st.booleans(), st.text("ab\n\x00m", max_size=12)), max_size=8),
    cuts=st.lists(st.integers(1, 40), max_size=20),
)
def test_how_the_stream_is_cut_makes_no_difference(
    parts: list[tuple[bool, str]], cuts: list[int]
) -> None:
    stream = b"".join(record(text) if is_record else text.encode() for is_record, text in parts)
    whole = Splitter(MARK)
    expected = whole.feed(stream) + whole.flush()
    pieces = Splitter(MARK)
    found: list[str] = []
    rest = stream
    for cut in cuts:
        found += pieces.feed(rest[:cut])
        rest = rest[cut:]
    found += pieces.feed(rest)
    assert found + pieces.flush() == expected
