"""What is cut off at any step is finished or undone by the next start."""

from pathlib import Path
from typing import Any

import pytest
from support import operations_stand
from support.operations_stand import Stand, package

from inglenook import errors
from inglenook.store import documents, kinds


class KilledError(Exception):
    """The process ends here."""


class Mortal:
    """A store that lives for a number of writes."""

    def __init__(self, store: documents.Store, writes: int) -> None:
        self._store = store
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in ("create", "replace", "delete"):
            return found
        if self._left == 0:
            raise KilledError
        self._left -= 1
        return found


async def _life(stand: Stand) -> None:
    for number in range(2):
        await stand.call(
            "UpdateFunctionCode",
            FunctionName="f",
            ZipFile=package(f"x = {number}"),
            Publish=True,
        )
        await stand.settled()
    await stand.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=5)
    await stand.settled()
    await stand.call("PublishVersion", FunctionName="f")
    await stand.call("CreateAlias", FunctionName="f", Name="prod", FunctionVersion="3")
    await stand.create("g", Publish=True)
    await stand.call("DeleteFunction", FunctionName="f")
    await stand.create("f")


async def _check_consistent(stand: Stand) -> None:
    owners = {one.name: one.value for one in await stand.store.list(kinds.FUNCTION)}
    assert not any(owner.deleting for owner in owners.values())
    for version in await stand.store.list(kinds.VERSION):
        assert version.value.is_of(owners[version.value.function_name])
    for alias in await stand.store.list(kinds.ALIAS):
        owner = owners[alias.value.function_name]
        assert alias.value.function_uid == owner.uid
        assert await stand.resources.version(owner, int(alias.value.function_version)) is not None
    # And everything can go on.
    async with stand.activating():
        for name, owner in owners.items():
            await stand.settled(name)
            number = (await stand.call("PublishVersion", FunctionName=name))["Version"]
            assert int(number) >= owner.last_version
            await stand.settled(name, number)
            stand.catalog.resolve(stand.account.ref(name, number), stand.rng)


@pytest.mark.parametrize("writes", range(22))
async def test_a_kill_before_any_write_leaves_a_state_that_goes_on(
    tmp_path: Path, writes: int
) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        stand.resources._store = Mortal(stand.store, writes)
        try:
            await _life(stand)
        except KilledError:
            assert writes < 21
        else:
            assert writes >= 11
    async with operations_stand.stand(tmp_path) as stand:
        await _check_consistent(stand)


async def test_a_reservation_left_behind_is_invisible_and_its_number_is_used(
    tmp_path: Path,
) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        stand.resources._store = Mortal(stand.store, 1)
        with pytest.raises(KilledError):
            await stand.call("PublishVersion", FunctionName="f", Description="cut off")
        stand.resources._store = stand.store
        assert len(await stand.store.list(kinds.VERSION)) == 1
        with pytest.raises(errors.ResourceNotFoundError):
            await stand.call("GetFunction", FunctionName="f", Qualifier="1")
        with pytest.raises(errors.ResourceNotFoundError):
            stand.catalog.resolve(stand.account.ref("f", "1"), stand.rng)
        # Somebody else publishes something else, without a restart in between.
        assert (await stand.call("PublishVersion", FunctionName="f"))["Version"] == "2"
        with pytest.raises(errors.ResourceNotFoundError):
            await stand.call("GetFunction", FunctionName="f", Qualifier="1")
        assert len(await stand.store.list(kinds.VERSION)) == 1


async def test_a_reservation_of_the_very_same_is_taken_up(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        stand.resources._store = Mortal(stand.store, 1)
        with pytest.raises(KilledError):
            await stand.call("PublishVersion", FunctionName="f")
        stand.resources._store = stand.store
        assert (await stand.call("PublishVersion", FunctionName="f"))["Version"] == "1"


async def test_what_was_pending_is_activated_after_a_restart(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand:
        await stand.create(Publish=True)
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        assert (await stand.settled())["State"] == "Active"
        assert (await stand.settled(qualifier="1"))["State"] == "Active"


async def test_what_ran_before_an_update_serves_over_a_restart_until_the_update_ends(
    tmp_path: Path,
) -> None:
    async with operations_stand.stand(tmp_path) as stand:
        async with stand.activating():
            await stand.created()
        old = stand.catalog.resolve(stand.account.ref("f"), stand.rng)
        await stand.call("UpdateFunctionCode", FunctionName="f", ZipFile=package("x = 1"))
    async with operations_stand.stand(tmp_path) as stand:
        again = stand.catalog.resolve(stand.account.ref("f"), stand.rng)
        assert (again.id, again.spec) == (old.id, old.spec)
        async with stand.activating():
            await stand.settled()
        new = stand.catalog.resolve(stand.account.ref("f"), stand.rng)
        assert new.spec.code != old.spec.code


async def test_a_function_in_deletion_is_gone_for_all_but_its_name(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand, stand.activating():
        await stand.created()
        stand.resources._store = Mortal(stand.store, 1)
        with pytest.raises(KilledError):
            await stand.call("DeleteFunction", FunctionName="f")
        stand.resources._store = stand.store
        with pytest.raises(errors.ResourceNotFoundError):
            await stand.call("GetFunction", FunctionName="f")
        with pytest.raises(errors.ResourceConflictError, match="state: Deleting"):
            await stand.create()
    async with operations_stand.stand(tmp_path) as stand:
        assert await stand.store.list(kinds.FUNCTION) == []
        await stand.create()


async def test_a_function_whose_code_is_lost_fails_and_says_so(tmp_path: Path) -> None:
    async with operations_stand.stand(tmp_path) as stand:
        await stand.create()
        for digest in await stand.codes.list():
            await stand.codes.delete(digest)
        async with stand.activating():
            shown = await stand.settled()
            assert (shown["State"], shown["StateReasonCode"]) == ("Failed", "InternalError")
            with pytest.raises(errors.ResourceConflictError, match="state: Failed"):
                stand.catalog.resolve(stand.account.ref("f"), stand.rng)
            await stand.call("UpdateFunctionCode", FunctionName="f", ZipFile=package())
            assert (await stand.settled())["State"] == "Active"
