"""Gateways are killed at random moments, and others come; each hears of it at its own time.

Whatever happens: of a function with reserved concurrency never more runs at once than it has, no
event runs twice, nobody waits for ever, and who was not under way with a gateway that was killed is
answered with nothing but the function's answer or a throttle.
"""

import random
from collections.abc import Mapping

import pytest
from support import gateway_group, gateway_storms
from support.gateway_group import made
from support.gateway_storms import Step, Storm

LIMIT = 3
STEPS = 500
MOST = 4


class Deaths(Storm):
    """Calls, answers, deaths and births."""

    def chances(self) -> Mapping[Step, float]:
        return {
            self.call: 0.4,
            self.answer: 0.3,
            self.kill: 0.03,
            self.bear: 0.03,
            self.end_pod: 0.04,
            self.tell: 0.2,
        }

    async def bear(self) -> None:
        if len(self.living) < MOST:
            await super().bear()


@pytest.mark.parametrize("seed", range(30))
async def test_a_reserved_limit_is_exact_while_gateways_are_killed(seed: int) -> None:
    async with gateway_group.group() as group:
        group.put(made("f", reserved=LIMIT))
        storm = Deaths(group, random.Random(seed))
        for _ in range(MOST - 1):
            await storm.bear()
        await storm.rage(STEPS)
        await storm.end()
        assert group.pods.most["f"] <= LIMIT
        assert set(storm.ran.values()) <= {1}
        assert storm.answered > STEPS // 20
        await gateway_storms.until_nothing_is_counted(storm.living)
