"""Which version an alias sends an invocation to.

Pure: the alias and a `random.Random` in, a version out, drawn anew for each invocation.
"""

import random

from inglenook.model.function import Alias


def choose(alias: Alias, rng: random.Random) -> str:
    """Return the version for one invocation.

    Each additional version gets its weight's share, the alias' own version what is left.
    """
    weights = alias.additional_version_weights
    if not weights:
        return alias.function_version
    drawn = rng.random()
    for version, weight in weights.items():
        if drawn < weight:
            return version
        drawn -= weight
    return alias.function_version
