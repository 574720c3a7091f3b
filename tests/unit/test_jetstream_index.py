"""How items are written in a stream, and what is known of them in memory."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inglenook_cluster.streams import index, records
from inglenook_cluster.streams.cache import BytesCache
from inglenook_cluster.streams.records import Name, Record

SUBJECTS = records.Subjects("inglenook.events")
TIMES = st.floats(0, 1e12, allow_nan=False)


def record(due: float = 0.0, until: float = 0.0, size: int = 1) -> Record:
    return Record(due=due, until=until, state_bytes=size, payload_bytes=0)


def name(item: int, group: str = "f") -> Name:
    return Name(group=group, id=item)


@given(st.text(), st.integers(1, 2**62))
def test_a_subject_names_its_item_and_has_no_meaning_of_its_own(group: str, item: int) -> None:
    subject = SUBJECTS.item(Name(group=group, id=item))
    assert SUBJECTS.name(subject) == Name(group=group, id=item)
    assert subject.isascii()
    assert subject.isprintable()
    assert not set(subject) & set(" *>")
    assert len(subject.split(".")) == 5
    assert all(subject.split("."))


@pytest.mark.parametrize("subject", ["", "a.b.c", "inglenook.events.item.f", "inglenook.events.x"])
def test_what_is_no_items_subject_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match=r"subject|invalid literal"):
        SUBJECTS.name(subject)


@given(
    st.builds(
        Record,
        due=TIMES,
        until=TIMES,
        order=st.integers(0, 2**60),
        epoch=st.integers(0, 2**60),
        state_bytes=st.integers(0, 2**30),
        payload_bytes=st.integers(0, 2**30),
        pieces=st.integers(0, 100),
    )
)
def test_a_record_is_read_as_it_was_written(written: Record) -> None:
    assert records.record(records.headers(written)) == written
    later = {records.ITEM_HEADER: records.headers(written)[records.ITEM_HEADER] + " 7 new"}
    assert records.record(later) == written


def test_a_message_without_a_record_says_that_its_item_is_gone() -> None:
    assert records.record({}) is None
    assert records.record(None) is None


@given(st.binary(max_size=100), st.integers(0, 3 * records.PIECE_BYTES))
def test_the_pieces_of_a_payload_make_it_whole(start: bytes, more: int) -> None:
    payload = start + bytes(more)
    pieces = records.split(payload)
    assert b"".join(pieces) == (payload if len(payload) > records.INLINE_BYTES_MAX else b"")
    assert all(0 < len(one) <= records.PIECE_BYTES for one in pieces)


def test_what_this_process_has_ended_is_not_brought_back_by_what_it_is_told_late() -> None:
    known = index.Index()
    known.did(name(1), 5, record())
    known.did(name(1), 9, None)
    known.told(name(1), 5, record())
    assert known.get(1) is None
    known.told(name(1), 9, None)
    assert known.head("f") is None
    assert (len(known), known.bytes) == (0, 0)


def test_what_is_heard_late_of_a_write_of_ones_own_is_no_news() -> None:
    known = index.Index()
    known.told(name(1), 5, record(due=10))
    known.told(name(1), 9, None)
    known.did(name(1), 5, record(due=10))
    assert known.get(1) is None


def test_what_is_not_told_again_is_gone_but_not_what_was_written_meanwhile() -> None:
    known = index.Index()
    known.told(name(1), 1, record())
    known.told(name(2, "g"), 2, record())
    known.begin()
    known.told(name(1), 1, record())
    known.did(name(3), 4, record())
    assert known.complete() == {"g"}
    assert sorted(known.free("f", 10, 0)) == [1, 3]
    assert known.head("g") is None


def test_a_correction_is_not_taken_once_more_is_known() -> None:
    known = index.Index()
    known.told(name(1), 5, record(due=10))
    known.told(name(1), 7, record(due=20))
    known.correct(name(1), 5, 6, None)
    assert known.head("f") == 20
    known.correct(name(1), 7, 6, record(due=30))
    assert known.head("f") == 30
    known.correct(name(1), 6, 6, record(due=30))
    assert known.free("f", 10, 30) == [1]


def test_a_lapsed_lease_is_good_again_for_whose_clock_is_behind() -> None:
    known = index.Index()
    known.told(name(1), 1, record(until=100))
    assert known.free("f", 10, 100) == [1]
    assert known.free("f", 10, 99) == []
    assert known.head("f") == 100
    assert known.free("f", 10, 100) == [1]


@given(st.data())
def test_the_free_of_a_group_come_in_turn_whatever_has_happened(data: st.DataObject) -> None:
    known = index.Index()
    model: dict[int, tuple[float, float, int]] = {}
    for sequence in range(1, data.draw(st.integers(1, 60))):
        item = data.draw(st.integers(1, 8))
        if data.draw(st.booleans()) and item in model:
            known.told(name(item), sequence, None)
            del model[item]
            continue
        due, until = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9))
        order = model[item][2] if item in model else sequence
        made = Record(due=due, until=until, order=order, state_bytes=1, payload_bytes=0)
        known.told(name(item), sequence, made)
        model[item] = (due, until, order)
        now = data.draw(st.integers(0, 9))
        due_now = {k: v for k, v in model.items() if v[0] <= now and (v[1] <= now)}
        turns = sorted(due_now, key=lambda k: (due_now[k][0], due_now[k][2]))
        limit = data.draw(st.integers(1, 4))
        assert known.free("f", limit, now) == turns[:limit]
        head = known.head("f")
        assert head is not None
        assert head <= min(max(due, until) for due, until, _ in model.values())
    assert (len(known), known.bytes) == (len(model), len(model))


def test_a_choice_among_more_than_are_wanted_keeps_their_turns() -> None:
    chosen = index.spread(list(range(100)), 10, random.Random(1))
    assert len(chosen) == 10
    assert chosen == sorted(chosen)
    assert index.spread([3, 1], 10, random.Random(1)) == [3, 1]


def test_a_cache_keeps_what_was_asked_for_last_within_its_bound() -> None:
    cache = BytesCache(10)
    for key in "abc":
        cache.put(key, b"1234")
    assert cache.get("a") is None
    assert cache.get("b") == b"1234"
    cache.put("d", b"12345")
    assert cache.get("c") is None
    assert cache.get("b") == b"1234"
    cache.put("e", b"x" * 11)
    assert cache.get("e") is None
    assert cache.get("d") == b"12345"
    cache.forget("d")
    cache.forget("d")
    assert cache.get("d") is None
