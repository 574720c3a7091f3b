"""What a scenario of the kill matrix counts, and how its table is made."""

import pytest

from reliability import counting, table
from reliability.counting import Call, Calls

AT, OVER, WITHIN = 100.0, 101.0, 5.0


def row(
    *calls: Call,
    asynchronous: tuple[Call, ...] = (),
    may_fail_in_flight: bool = True,
    lost: int = 0,
    scenario: str = "gateway",
) -> counting.Row:
    return counting.counted(
        Calls(synchronous=list(calls), asynchronous=list(asynchronous), accepted=["a", "b"]),
        scenario=scenario,
        done="kill -9",
        at=AT,
        over=OVER,
        whole_within_s=WITHIN,
        may_fail_in_flight=may_fail_in_flight,
        lost=lost,
        repeated=0,
    )


def failed(began: float, ended: float) -> Call:
    return Call(began=began, ended=ended, failure="500")


@pytest.mark.parametrize(
    ("began", "ended", "column"),
    [
        (90.0, 91.0, "failed_later"),
        (90.0, 99.9, "failed_later"),
        (99.0, 100.0, "failed_in_flight"),
        (99.0, 130.0, "failed_in_flight"),
        (100.0, 100.0, "failed_in_flight"),
        (100.1, 100.2, "failed_in_outage"),
        (106.0, 140.0, "failed_in_outage"),
        (106.1, 106.2, "failed_later"),
    ],
)
def test_a_failed_call_is_in_exactly_one_column(began: float, ended: float, column: str) -> None:
    found = row(failed(began, ended))
    columns = ("failed_in_flight", "failed_in_outage", "failed_later")
    assert [getattr(found, name) for name in columns] == [int(name == column) for name in columns]


def test_calls_that_went_well_are_only_counted() -> None:
    found = row(Call(began=99.0, ended=101.0), Call(began=107.0, ended=108.0))
    assert (found.synchronous, found.failures, found.problems) == (2, [], [])
    assert found.whole_after_s == 0.0


def test_the_platform_is_whole_after_the_last_call_that_began_and_failed() -> None:
    found = row(failed(99.0, 120.0), failed(100.5, 101.0), failed(103.25, 103.5))
    assert found.whole_after_s == 3.25


def test_events_that_were_not_accepted_are_no_failed_calls() -> None:
    found = row(asynchronous=(failed(100.0, 101.0), Call(began=100.0, ended=100.1)))
    assert (found.refused_events, found.accepted, found.problems) == (1, 2, [])


def test_calls_in_flight_may_fail_where_the_scenario_says_so() -> None:
    in_flight, in_outage = failed(99.0, 101.0), failed(102.0, 103.0)
    assert row(in_flight, in_outage).problems == []
    for call in (in_flight, in_outage):
        assert row(call, may_fail_in_flight=False).problems == ["calls failed, and none may"]


def test_a_call_that_fails_later_and_a_lost_event_are_problems_in_every_scenario() -> None:
    assert row(failed(110.0, 111.0), lost=3).problems == [
        "3 accepted events were lost",
        "1 calls failed after 5 s",
    ]


def test_an_event_that_never_ran_is_missing_and_one_that_ran_twice_is_repeated() -> None:
    assert counting.missing({"a": 1, "b": 2, "not ours": 9}, ["a", "b", "c"]) == (1, 1)


def test_new_rows_take_the_place_of_older_ones_in_the_order_of_the_matrix() -> None:
    before = [{"scenario": "node", "lost": 0}, {"scenario": "nats", "lost": 1}]
    rows = [{"scenario": "gateway", "lost": 0}, {"scenario": "nats", "lost": 0}]
    assert counting.merged(before, rows, ("gateway", "nats", "node")) == [
        {"scenario": "gateway", "lost": 0},
        {"scenario": "nats", "lost": 0},
        {"scenario": "node", "lost": 0},
    ]


def kept(**changed: object) -> dict[str, object]:
    conditions = {"commit": "abc1234", "synchronous_per_s": 40.0, "asynchronous_per_s": 20.0}
    fields = {name: getattr(row(), name) for name in counting.Row.__dataclass_fields__}
    return {**fields, "conditions": conditions, **changed}


def test_the_table_has_a_line_for_each_scenario_and_says_under_which_load() -> None:
    text = table.rendered([kept(synchronous=1275), kept(scenario="unheard-of")])
    assert "Load: 40 calls and 20 events a second, at commit abc1234." in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert lines[2].startswith("| `kill -9` of a gateway | 1,275 | 0 | 0 | 0 | 0 s | 2 |")
    assert lines[3].startswith("| unheard-of |")
    assert all(line.endswith("| as it should be |") for line in lines[2:])
    assert len({line.count("|") for line in lines}) == 1


def test_problems_stand_in_the_table_and_failures_below_it_in_one_line() -> None:
    text = table.rendered(
        [kept(problems=["1 calls failed after 5 s"], failures=["500 `x`\n" * 99])]
    )
    assert "| 1 calls failed after 5 s |" in text
    last = text.splitlines()[-1]
    assert last.startswith("- `kill -9` of a gateway: `500 'x' 500")
    assert last.endswith("…`")


def test_failures_that_differ_in_a_request_id_only_are_one() -> None:
    ids = ("308cb91f-efcf-495b-99f4-9a96708920a2", "743a26de-72c6-4c07-82d7-774af6202e0e")
    text = table.rendered([kept(failures=[f"RequestId: {each} Error: ended" for each in ids])])
    assert text.splitlines()[-1] == "- `kill -9` of a gateway: `RequestId: … Error: ended`"


def test_only_what_is_between_the_markers_is_replaced() -> None:
    page = "# Page\n\n<!-- matrix -->\nold\n<!-- /matrix -->\n\nEnd\n"
    once = table.inserted(page, "new")
    assert once == "# Page\n\n<!-- matrix -->\n\nnew\n\n<!-- /matrix -->\n\nEnd\n"
    assert table.inserted(once, "new") == once


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="matrix"):
        table.inserted("# Page\n", "new")


def test_every_scenario_is_explained_on_the_page() -> None:
    page = table.PAGE.read_text()
    assert table.BEGIN in page
    assert table.END in page
    assert [name for name in table.TITLES if f"`{name}`" not in page] == []
