"""When it is worth trying again."""

import asyncio

from inglenook_gateway.dispatch.patience import Patience


async def test_many_that_fail_at_once_are_one_failure() -> None:
    over = asyncio.Event()
    patience = Patience("f", over.set)
    for _ in range(20):
        patience.pause("lost")
    assert patience.is_pausing
    async with asyncio.timeout(1):
        await over.wait()
    assert not patience.is_pausing
    # Had each made the pause longer, the next would be one of two seconds.
    over.clear()
    patience.pause("lost again")
    async with asyncio.timeout(1):
        await over.wait()


async def test_one_that_is_stopped_tries_nothing_and_is_never_over() -> None:
    over = asyncio.Event()
    patience = Patience("f", over.set)
    patience.pause("lost")
    patience.stop()
    patience.pause("lost")
    assert not patience.is_pausing
    assert not over.is_set()
