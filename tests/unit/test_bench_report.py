"""Results as tables with their targets, and the page that they are written into."""

import pytest

from measuring import figures, rendering, targets

MACHINE = {"commit": "abc", "cores": 2, "memory_gib": 4.0, "kernel": "6", "python": "3.11"}
WARM = {
    "machine": MACHINE,
    "conditions": {
        "load_before": 0.5,
        "load_after": 3.0,
        "busy_percent": 98.0,
        "steal_percent": 0.3,
    },
    "sizes": {"seconds": 10, "image": "an image"},
    "figures": {
        "platform": {"rate": 7540.0, "p50_ms": 7.6, "p99_ms": 44.0},
        "bare aiohttp": {"rate": 32600.0},
        "ratio": {"of_bare": 0.2313},
    },
}


def test_a_figure_stands_beside_its_target_and_whether_it_is_reached() -> None:
    table = rendering.table(targets.ONE_MACHINE, {"warm": WARM}, ["first", "warm"])
    assert table.splitlines() == [
        "| scenario | what | figures | target |",
        "|---|---|---|---|",
        "| `warm` | platform | 7,540 /s, p50 7.60 ms, p99 44 ms | ≥ 4,000 /s: reached |",
        "| `warm` | bare aiohttp | 32,600 /s |  |",
        (
            "| `warm` | ratio | 0.231 of the bare server's rate "
            "| ≥ 0.45 of the bare server's rate: **missed** |"
        ),
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (3, "3"), (0.33, "0.330"), (12.34, "12.3"), (999.6, "1,000"), (32600.4, "32,600")],
)
def test_numbers_have_three_digits(value: float, shown: str) -> None:
    assert rendering.number(value) == shown


def test_scenarios_of_one_machine_share_their_conditions_line() -> None:
    other = {**WARM, "machine": {**MACHINE, "commit": "def"}}
    shown = rendering.conditions({"warm": WARM, "one": WARM, "open": other}).splitlines()
    assert shown[0].startswith("- `warm`, `one`: commit abc, 2 virtual cores")
    assert shown[1].startswith("- `open`: commit def")
    assert "`warm` 0.5 → 3.0, 98 % and 0.3 %" in shown[2]
    assert shown[3] == "- sizes: seconds 10"
    assert rendering.conditions({"warm": WARM}).startswith("- all: commit abc")


def test_only_what_stands_between_the_markers_is_written_anew() -> None:
    page = "head\n<!-- figures: a -->\nold\n<!-- end -->\nmine\n<!-- figures: b -->\n<!-- end -->\n"
    parts = {"a": lambda: r"new \1", "b": lambda: "other"}
    once = rendering.filled(page, parts)
    assert once == (
        "head\n<!-- figures: a -->\nnew \\1\n<!-- end -->\n"
        "mine\n<!-- figures: b -->\nother\n<!-- end -->\n"
    )
    assert rendering.filled(once, parts) == once


def test_figures_without_a_place_in_the_page_are_an_error() -> None:
    with pytest.raises(ValueError, match="figures of c"):
        _ = rendering.filled("<!-- figures: a -->\n<!-- end -->\n", {"c": lambda: ""})


def test_another_commit_is_compared_where_both_were_measured() -> None:
    against = {"figures": {"platform": {"rate": 90.0, "p50_ms": 2.0}, "commit x": {"rate": 60.0}}}
    table = rendering.comparison({"warm": against, "idle": WARM}, "commit x")
    assert table.splitlines()[2:] == ["| warm | rate | 90 | 60 | 1.50 |"]


def test_a_target_is_of_its_own_place_and_of_names_that_begin_like_it() -> None:
    found = targets.of(targets.CLUSTER, "first", "first call, from the pool", "p50_ms")
    assert found is not None
    assert found.is_reached(20.0)
    assert not found.is_reached(20.1)
    assert targets.of(targets.ONE_MACHINE, "first", "first call, from the pool", "p50_ms") is None


def test_bends_are_told_with_two_digits_the_first_first() -> None:
    shown = rendering.bends({"as it is": {"pods": 87.3, "NATS": 17500.0}, "none": {}})
    assert shown.splitlines()[2:] == [
        "| as it is | pods at 87/s | NATS at 18,000/s |",
        "| none | not at all |  |",
    ]


def test_tenths_are_the_medians_of_ten_parts_in_their_order() -> None:
    assert figures.tenths([float(n) for n in range(100)])[::9] == [4.5, 94.5]
    with pytest.raises(ValueError, match="ten"):
        _ = figures.tenths([1.0] * 9)
