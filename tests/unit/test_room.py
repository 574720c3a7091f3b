"""Which idle environments go when nodes are full."""

from collections.abc import Iterator

import pytest
from support.dispatchers import Time

from inglenook_gateway.dispatch import room


@pytest.fixture
def time() -> Time:
    made = Time()
    made.stop()
    return made


def never() -> Iterator[float]:
    raise AssertionError("nobody needs to know")
    yield 0.0


def idle_for(time: Time, *seconds: float) -> list[float]:
    return [time.monotonic() - each for each in seconds]


def test_nothing_is_given_up_while_there_is_room(time: Time) -> None:
    assert room.Room(lambda: 0, time).before(never()) is None


def test_as_many_go_as_pods_lack_room_and_those_that_were_idle_longest(time: Time) -> None:
    (moment,) = idle_for(time, 80)
    found = room.Room(lambda: 2, time).before(idle_for(time, 20, 90, 5, 80, 30))
    assert found == pytest.approx(moment)


def test_all_go_that_have_been_idle_for_a_while_where_more_lack_room(time: Time) -> None:
    (moment,) = idle_for(time, 20)
    found = room.Room(lambda: 50, time).before(idle_for(time, 20, 5, 90))
    assert found == pytest.approx(moment)


def test_what_was_used_a_moment_ago_stays(time: Time) -> None:
    one = room.Room(lambda: 1, time)
    assert one.before(idle_for(time, 0, 9)) is None
    time.ahead_s += 1
    assert one.before(idle_for(time, 10)) is not None


def test_what_was_given_up_has_time_to_make_room(time: Time) -> None:
    one = room.Room(lambda: 1, time)
    assert one.before(idle_for(time, 60)) is not None
    time.ahead_s += 4
    assert one.before(never()) is None
    time.ahead_s += 1
    assert one.before(idle_for(time, 60)) is not None
