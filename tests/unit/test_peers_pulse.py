"""How often a link is asked whether somebody is there, in a time that passes at once."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from inglenook.wire import asking, gateways
from inglenook.wire.connection import Body, Connection, memory_pair
from inglenook.wire.messages import Header
from inglenook_cluster.peers.pulse import Pulse


class _Hurried(asyncio.SelectorEventLoop):
    """A loop that does not wait for its timers: its time is theirs."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        selector: Any = self._selector  # type: ignore[attr-defined]
        select = selector.select

        def pass_time(timeout: float | None) -> Any:
            self._now += timeout or 0.0
            return select(0)

        selector.select = pass_time

    def time(self) -> float:
        return self._now


class _Other:
    """The other end: keeps when it was asked, and answers while it lives."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.lives = True
        self.asked_at: list[float] = []
        connection.open(self)

    def received(self, stream: int, header: Header, body: Body) -> None:
        assert isinstance(header, gateways.Ping)
        self.asked_at.append(asyncio.get_running_loop().time())
        if self.lives:
            self._connection.send(stream, gateways.Pong())

    def closed(self, reason: str) -> None:
        del reason

    def asked_between(self, since: float, until: float) -> int:
        return sum(since <= at < until for at in self.asked_at)


class _Stand:
    def __init__(self) -> None:
        mine, theirs = memory_pair()
        self.other = _Other(theirs)
        link = asking.Asking(mine)
        link.open()
        self.changes: list[tuple[float, bool]] = []
        self.pulse = Pulse(link, self._changed)
        self.pulse.start()

    def _changed(self) -> None:
        self.changes.append((asyncio.get_running_loop().time(), self.pulse.is_quiet))


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=_Hurried) as made:
        yield made


async def _use(stand: _Stand, seconds: float) -> None:
    """Use a link all the time."""
    for _ in range(int(seconds * 10)):
        stand.pulse.used()
        await asyncio.sleep(0.1)


def test_a_link_in_use_is_asked_four_times_a_second_and_another_every_two(
    runner: asyncio.Runner,
) -> None:
    async def case() -> None:
        stand = _Stand()
        await _use(stand, 20.05)
        assert stand.other.asked_between(10, 20) == pytest.approx(40, abs=1)
        await asyncio.sleep(110)
        assert stand.other.asked_between(30, 130) == pytest.approx(50, abs=1)
        assert stand.changes == []

    runner.run(case())


def test_a_link_in_use_is_quiet_within_three_quarters_of_a_second_and_until_it_answers(
    runner: asyncio.Runner,
) -> None:
    async def case() -> None:
        stand = _Stand()
        await _use(stand, 10)
        stand.other.lives = False
        await _use(stand, 5)
        ((at, is_quiet),) = stand.changes
        assert is_quiet
        assert 10 < at <= 10.76
        assert stand.other.asked_between(at, 100) == 0, "one question is enough"

    runner.run(case())


def test_a_link_at_rest_is_asked_as_soon_as_it_is_used_and_as_often(
    runner: asyncio.Runner,
) -> None:
    async def case() -> None:
        stand = _Stand()
        await asyncio.sleep(60.7)
        stand.other.lives = False
        began = asyncio.get_running_loop().time()
        await _use(stand, 5)
        assert stand.other.asked_at[-1] == began
        ((at, is_quiet),) = stand.changes
        assert is_quiet
        assert began < at <= began + 0.51

    runner.run(case())


def test_a_link_at_rest_is_quiet_within_six_seconds(runner: asyncio.Runner) -> None:
    async def case() -> None:
        stand = _Stand()
        await asyncio.sleep(60)
        stand.other.lives = False
        await asyncio.sleep(6.01)
        assert stand.pulse.is_quiet

    runner.run(case())


def test_nothing_is_asked_after_the_end(runner: asyncio.Runner) -> None:
    async def case() -> None:
        stand = _Stand()
        await asyncio.sleep(1)
        stand.pulse.stop()
        asked = len(stand.other.asked_at)
        await asyncio.sleep(100)
        assert len(stand.other.asked_at) == asked

    runner.run(case())
