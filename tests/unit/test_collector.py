"""When what has ended is looked for: all of this process's objects are gone through each time."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from inglenook.aio import collector

MANY = 100


class Ended:
    """Something that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


class Time:
    """A clock on which each look at it takes a second."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        self.at += 1.0
        return self.at


@pytest.fixture(autouse=True)
def by_hand() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def leave(leftovers: collector.Leftovers, count: int) -> "list[weakref.ref[Ended]]":
    left = [weakref.ref(Ended()) for _ in range(count)]
    for _ in left:
        leftovers.more()
    return left


def test_few_that_have_ended_are_left_where_they_are() -> None:
    leftovers = collector.Leftovers(Time())
    left = leave(leftovers, MANY - 1)
    assert not leftovers.collect()
    assert all(each() is not None for each in left)


def test_many_that_have_ended_are_taken_away() -> None:
    leftovers = collector.Leftovers(Time())
    left = leave(leftovers, MANY)
    assert leftovers.collect()
    assert all(each() is None for each in left)


def test_a_look_that_took_long_is_not_soon_taken_again() -> None:
    time = Time()
    leftovers = collector.Leftovers(time)
    leave(leftovers, MANY)
    assert leftovers.collect()
    left = leave(leftovers, MANY)
    assert not leftovers.collect()
    time.at += 50
    assert leftovers.collect()
    assert all(each() is None for each in left)
