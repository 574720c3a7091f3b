"""The gateways change at random moments, and each hears of it at its own time.

Whatever happens: of a function with reserved concurrency never more runs at once than it has,
nobody is answered with anything but the function's answer or a throttle, each event runs once, and
nothing is counted in the end.
"""

import random
from collections.abc import Mapping

import pytest
from support import gateway_group, gateway_storms
from support.gateway_group import made
from support.gateway_storms import Step, Storm

LIMIT = 3
STEPS = 600
NAMES = ("one", "two", "three", "four")


class Changes(Storm):
    """Calls, answers and changes of who takes part."""

    def chances(self) -> Mapping[Step, float]:
        return {
            self.call: 0.4,
            self.hang_up: 0.05,
            self.answer: 0.25,
            self.change: 0.05,
            self.end_pod: 0.1,
            self.tell: 0.15,
        }

    def change(self) -> None:
        there = self.rng.sample(NAMES, self.rng.randint(1, len(NAMES)))
        self.change_to(there, tuple(name for name in NAMES if name not in there))


@pytest.mark.parametrize("seed", range(6))
async def test_a_reserved_limit_is_exact_while_the_gateways_change(seed: int) -> None:
    async with gateway_group.group() as group:
        group.put(made("f", reserved=LIMIT))
        for name in NAMES:
            await group.gateway(name)
        group.see(*NAMES)
        storm = Changes(group, random.Random(seed))
        await storm.rage(STEPS)
        await storm.end()
        assert group.pods.most["f"] <= LIMIT
        assert set(storm.ran.values()) <= {1}
        assert storm.answered > STEPS // 20
        await gateway_storms.until_nothing_is_counted(storm.living)
