from hypothesis import given
from hypothesis import strategies as st

from inglenook.model.function import Alias
from inglenook.routing import alias

STARTS = st.floats(0, 1, exclude_max=True)


def _alias(**weights: float) -> Alias:
    return Alias(
        function_name="f",
        function_uid="u",
        name="a",
        function_version="1",
        additional_version_weights={name.lstrip("v"): weight for name, weight in weights.items()},
        revision_id="r",
    )


@given(drawn=STARTS)
def test_an_alias_without_weights_always_leads_to_its_version(drawn: float) -> None:
    assert alias.choose(_alias(), drawn) == "1"


@given(drawn=STARTS)
def test_weights_of_nothing_and_of_all_are_exact(drawn: float) -> None:
    assert alias.choose(_alias(v2=0.0), drawn) == "1"
    assert alias.choose(_alias(v2=1.0), drawn) == "2"


@given(start=STARTS, weight=st.floats(0, 1), count=st.integers(1, 2000))
def test_every_share_is_kept_to_a_few_invocations_from_wherever_it_starts(
    start: float, weight: float, count: int
) -> None:
    draws, split = alias.Draws(start), _alias(v2=weight)
    second = sum(alias.choose(split, draws.draw()) == "2" for _ in range(count))
    assert abs(second - weight * count) <= 6


@given(start=STARTS, stride=st.integers(1, 12))
def test_a_caller_who_sees_every_nth_invocation_has_the_same_split(
    start: float, stride: int
) -> None:
    draws, split = alias.Draws(start), _alias(v2=0.5)
    chosen = [alias.choose(split, draws.draw()) for _ in range(1000 * stride)]
    assert abs(chosen[::stride].count("2") - 500) <= 50
