"""Write, or with --check verify, what of the chart is made of other files.

README.md and values.schema.json of values.yaml and the platform's settings; files/settings.json,
by which templates know each setting's variable. Run with the project's environment.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import chart_readme
import chart_schema
import chart_settings

CHART = Path(__file__).resolve().parent.parent / "charts" / "inglenook"


def names() -> dict[str, dict[str, str]]:
    """Return group to value to variable."""
    found: dict[str, dict[str, str]] = {}
    for each in chart_settings.all_of_them():
        found.setdefault(each.group, {})[each.name] = each.variable
    return found


def made() -> dict[Path, str]:
    """Return the files and what has to be in them."""
    values = (CHART / "values.yaml").read_text()
    return {
        CHART / "README.md": chart_readme.readme(values),
        CHART / "values.schema.json": json.dumps(chart_schema.schema(), indent=2) + "\n",
        CHART / "files" / "settings.json": json.dumps(names(), indent=2) + "\n",
    }


def main(arguments: Sequence[str]) -> int:
    is_check = list(arguments) == ["--check"]
    stale = [p for p, t in made().items() if not p.exists() or p.read_text() != t]
    for path in stale:
        if is_check:
            sys.stderr.write(f"{path} is out of date: run tools/chart.py\n")
        else:
            path.write_text(made()[path])
    return 1 if stale and is_check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
