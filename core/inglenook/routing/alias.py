"""Which version an alias sends an invocation to.

Draws are made per invocation, but not independently: each is the one before plus the golden ratio,
modulo one, from a random start. Such a sequence fills the unit interval as evenly as any can, so
that after n invocations a version has had its share to within a few invocations, where independent
draws are off by the square root of n: a canary of 1 % sees one call in the first hundred, not none
or four. A caller who sees only every n-th invocation has the same split.
"""

from inglenook.model.function import Alias

_GOLDEN_RATIO = 0.6180339887498949


class Draws:
    """An evenly spread, endless sequence in [0, 1)."""

    __slots__ = ("_last",)

    def __init__(self, start: float) -> None:
        """Begin after `start`, a random number in [0, 1)."""
        self._last = start

    def draw(self) -> float:
        """Return the next number."""
        self._last = (self._last + _GOLDEN_RATIO) % 1.0
        return self._last


def choose(alias: Alias, drawn: float) -> str:
    """Return the version for one invocation, for which `drawn` in [0, 1) was drawn.

    Each additional version gets its weight's share, the alias' own version what is left.
    """
    for version, weight in alias.additional_version_weights.items():
        if drawn < weight:
            return version
        drawn -= weight
    return alias.function_version
