"""Rendezvous hashing: everybody agrees, shares are even, and little moves."""

import collections

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inglenook.routing import rendezvous

NAMES = [f"function-{n}" for n in range(6_000)]
MEMBERS = [f"inglenook-gateway-7c9f-{suffix}" for suffix in ("a1", "b2", "c3", "d4")]


def test_nobody_owns_anything_where_there_are_no_members() -> None:
    assert rendezvous.owner("f", []) is None
    assert rendezvous.Owners([]).of("f") is None


@given(st.text(), st.lists(st.text(), min_size=1, unique=True))
def test_the_order_of_the_members_makes_no_difference(name: str, members: list[str]) -> None:
    found = rendezvous.owner(name, members)
    assert found in members
    assert found == rendezvous.owner(name, reversed(members))
    assert found == rendezvous.Owners(members).of(name)


def test_the_owners_are_the_same_in_every_version() -> None:
    found = [rendezvous.owner(name, MEMBERS) for name in ("hello", "orders", "resize")]
    assert found == [MEMBERS[2], MEMBERS[1], MEMBERS[1]]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_members_own_even_shares(count: int) -> None:
    shares = collections.Counter(rendezvous.owner(name, MEMBERS[:count]) for name in NAMES)
    fair = len(NAMES) / count
    assert all(abs(share - fair) < fair / 10 for share in shares.values())
    assert len(shares) == count


def test_what_moves_when_a_member_comes_moves_to_it_alone() -> None:
    before, after = rendezvous.Owners(MEMBERS[:3]), rendezvous.Owners(MEMBERS)
    moved = [name for name in NAMES if before.of(name) != after.of(name)]
    assert {after.of(name) for name in moved} == {MEMBERS[3]}
    assert len(moved) == pytest.approx(len(NAMES) / 4, rel=0.1)


def test_what_moves_when_a_member_goes_was_its_own() -> None:
    before, after = rendezvous.Owners(MEMBERS), rendezvous.Owners(MEMBERS[1:])
    moved = [name for name in NAMES if before.of(name) != after.of(name)]
    assert {before.of(name) for name in moved} == {MEMBERS[0]}
    assert len({after.of(name) for name in moved}) == 3
