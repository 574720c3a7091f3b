"""Put the kill matrix's counts into docs/reliability.md: `python bench/reliability/table.py`.

They come from bench/results/reliability.json, and stand in the page between two markers.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results" / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- matrix -->", "<!-- /matrix -->"
TITLES = {
    "gateway": "`kill -9` of a gateway",
    "operator": "`kill -9` of an operator",
    "worker": "`kill -9` of a worker",
    "agent": "`kill -9` of half of the function pods' agents",
    "function-process": "`kill -9` of half of the function's processes",
    "function-pod": "deletion of half of the function's pods, without grace",
    "nats": "`kill -9` of NATS",
    "alias-flip": "four flips of the alias",
    "upgrade": "`helm upgrade` that replaces every pod of the platform",
    "node": "power cut of a node",
}
_COLUMNS = (
    "scenario",
    "calls",
    "failed in flight",
    "failed in the outage",
    "failed later",
    "whole after",
    "events accepted",
    "refused",
    "lost",
    "run twice",
    "",
)
_FAILURE_SHOWN = 120
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Row = Mapping[str, Any]


def rendered(rows: Sequence[Row]) -> str:
    """Return what stands between the markers, in Markdown."""
    if not rows:
        return "Nothing has been measured yet."
    lines = [_line(_COLUMNS), _line(["---"] * len(_COLUMNS))]
    lines += [_line(_cells(row)) for row in rows]
    notes = [
        f"- {TITLES.get(row['scenario'], row['scenario'])}: "
        + "; ".join(dict.fromkeys(f"`{_short(each)}`" for each in row["failures"]))
        for row in rows
        if row["failures"]
    ]
    parts = [_conditions(rows), "\n".join(lines)]
    if notes:
        parts.append("How calls failed:\n\n" + "\n".join(notes))
    return "\n\n".join(parts)


def _cells(row: Row) -> list[str]:
    counts = ("synchronous", "failed_in_flight", "failed_in_outage", "failed_later")
    return [
        _title(row),
        *(f"{row[name]:,}" for name in counts),
        f"{row['whole_after_s']:g} s",
        *(f"{row[name]:,}" for name in ("accepted", "refused_events", "lost", "repeated")),
        "; ".join(row["problems"]) or "as it should be",
    ]


def _title(row: Row) -> str:
    name = str(row["scenario"])
    return TITLES.get(name, name)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _short(failure: str) -> str:
    """Return a failure in one line that a page can bear, and that is the same for like ones."""
    said = _ID.sub("…", " ".join(failure.replace("`", "'").split()))
    return said if len(said) <= _FAILURE_SHOWN else f"{said[:_FAILURE_SHOWN]}…"


def _conditions(rows: Sequence[Row]) -> str:
    known = [row["conditions"] for row in rows]
    said = {
        f"{one['synchronous_per_s']:g} calls and {one['asynchronous_per_s']:g} events a second, at "
        f"commit {one['commit']}"
        for one in known
    }
    return f"Load: {'; '.join(sorted(said))}."


def inserted(page: str, table: str) -> str:
    """Return a page with another table between its markers. Raises ValueError without markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def main() -> int:
    """Rewrite the page."""
    if not RESULTS.exists():
        print(f"{RESULTS} is not there: run ./dev reliability first", file=sys.stderr)
        return 1
    rows = json.loads(RESULTS.read_text())
    PAGE.write_text(inserted(PAGE.read_text(), rendered(rows)))
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
