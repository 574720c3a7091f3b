"""Provisioned environments are kept by the owner alone, and go over to the next one."""

from collections.abc import AsyncIterator

import pytest
from support import gateway_group
from support.gateway_group import Group, Member, eventually, made

from inglenook.model import function
from inglenook.model.provisioned import ProvisionedConcurrency
from inglenook.store import kinds

CONFIG = ProvisionedConcurrency(
    function_name="f", function_uid="u-f", qualifier="1", requested=3, last_modified="now"
)


@pytest.fixture
async def group() -> AsyncIterator[Group]:
    async with gateway_group.group() as found:
        one = made("f")
        found.put(one)
        version = function.Version(
            function_name="f", function_uid=one.uid, number=1, spec=one.spec, status=one.status
        )
        found.apply(kinds.VERSION, kinds.version_name("f", 1), version)
        for name in ("one", "two", "three"):
            await found.gateway(name)
        found.see("one", "two", "three")
        yield found


def available(member: Member) -> int:
    assert member.provisions is not None
    return member.provisions.standing("f", "1").available


def provide(group: Group) -> None:
    group.apply(kinds.PROVISIONED, kinds.qualified_name("f", "1"), CONFIG)


async def test_the_owner_keeps_them_without_being_asked_to_run_anything(group: Group) -> None:
    provide(group)
    await eventually(lambda: available(group.owner()) == 3)
    assert [available(each) for each in group.others()] == [0, 0]
    assert len(group.pods.agents) == 3


async def test_they_go_over_to_the_next_owner_as_they_are(group: Group) -> None:
    provide(group)
    first = group.owner()
    await eventually(lambda: available(first) == 3)
    group.see(*(name for name in group.all if name != first.name), leaving=(first.name,))
    await eventually(lambda: available(group.owner()) == 3)
    assert available(first) == 0
    assert len([each for each in group.pods.agents if each.environment is not None]) == 3
    assert len(group.pods.agents) == 3


async def test_after_the_owners_death_too(group: Group) -> None:
    provide(group)
    first = group.owner()
    await eventually(lambda: available(first) == 3)
    await first.die()
    group.see(*(name for name in group.all if name != first.name))
    await eventually(lambda: available(group.owner()) == 3)
    assert len(group.pods.agents) == 3
