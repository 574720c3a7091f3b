import random

from hypothesis import given
from hypothesis import strategies as st

from inglenook.model.function import Alias
from inglenook.routing import alias


def _alias(**weights: float) -> Alias:
    return Alias(
        function_name="f",
        function_uid="u",
        name="a",
        function_version="1",
        additional_version_weights={name.lstrip("v"): weight for name, weight in weights.items()},
        revision_id="r",
    )


def test_an_alias_without_weights_always_leads_to_its_version() -> None:
    assert alias.choose(_alias(), random.Random(0)) == "1"


def test_forty_sixty_is_kept_within_a_point_over_ten_thousand() -> None:
    split, rng = _alias(v2=0.6), random.Random(3)
    second = sum(alias.choose(split, rng) == "2" for _ in range(10_000))
    assert abs(second - 6000) <= 100


@given(seed=st.integers())
def test_weights_of_nothing_and_of_all_are_exact(seed: int) -> None:
    rng = random.Random(seed)
    assert alias.choose(_alias(v2=0.0), rng) == "1"
    assert alias.choose(_alias(v2=1.0), rng) == "2"
