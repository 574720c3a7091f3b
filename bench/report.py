"""Write the figures of docs/performance.md, and its pictures: `./dev bench report [--check]`.

They are made from the published results, in bench/published/. `--publish` first takes what is in
bench/results/ there, scenario by scenario; histograms and single measurements stay in the results.
`--check` writes nothing, and ends with 1 if the page's tables are not what the published results
say; it needs no matplotlib.
"""

import argparse
import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import rendering, results, targets

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"
PUBLISHED = ROOT / "bench" / "published"
MODEL = "model"
_PUBLISHED_OF = ("machine", "conditions", "sizes", "took_s", "figures", "series")
ORDER = {
    targets.ONE_MACHINE: (
        *("warm", "one", "open", "curve", "first", "further", "at-once", "many", "payloads"),
        *("stream", "events", "environment", "idle"),
    ),
    targets.CLUSTER: ("first", "further", "empty-pool", "flat", "warm", "at-once", "many", "idle"),
}


def published(where: str) -> dict[str, Any]:
    """Return the published results; of what never was, nothing."""
    path = PUBLISHED / f"{where}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def latest(where: str) -> dict[str, Any]:
    """Return what `publish` would publish: the results, and what is published beside them."""
    source = results.FOLDER / f"{where}.json"
    found = json.loads(source.read_text()) if source.exists() else {}
    return {
        **published(where),
        **{
            scenario: {key: each[key] for key in _PUBLISHED_OF if key in each}
            for scenario, each in found.items()
        },
    }


def publish() -> None:
    """Take over what is in the results, without what is only there to be worked on."""
    PUBLISHED.mkdir(exist_ok=True)
    for where in (targets.ONE_MACHINE, targets.CLUSTER, MODEL):
        if kept := latest(where):
            text = json.dumps(kept, indent=1, ensure_ascii=False)
            (PUBLISHED / f"{where}.json").write_text(text + "\n")


def parts() -> dict[str, Callable[[], str]]:
    """Return the page's generated parts, by name."""
    made = {where: functools.partial(_measured, where) for where in ORDER}
    return {**made, MODEL: _modelled}


def _measured(where: str) -> str:
    kept = published(where)
    if not kept:
        return "Not measured yet.\n"
    table = rendering.table(where, kept, ORDER[where])
    return f"{table}\n\nConditions:\n\n{rendering.conditions(kept)}\n"


def _modelled() -> str:
    kept = published(MODEL)
    if not kept:
        return "Not computed yet.\n"
    costs = kept["bends"]["conditions"]["costs"]
    return (
        f"{rendering.bends(kept['bends']['figures'])}\n\n"
        f"An invocation costs its owner gateway {costs['owner_cpu_s'] * 1e6:.0f} µs of CPU, "
        f"another that passes it on {costs['entry_cpu_s'] * 1e6:.0f} µs (measured, see above).\n\n"
        "How long first calls wait for a pod (simulated; a pod takes 3 s to be made, 100 at once "
        f"over the nodes; seed {kept['pools']['conditions']['seed']}):\n\n"
        f"{rendering.table(MODEL, kept, ['pools'])}\n"
    )


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(prog="./dev bench report", description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--publish", action="store_true")
    options = parser.parse_args()
    if options.publish:
        publish()
    before = PAGE.read_text()
    after = rendering.filled(before, parts())
    if options.check:
        if before != after:
            print(f"{PAGE.name} is out of date: ./dev bench report", file=sys.stderr)
        return int(before != after)
    PAGE.write_text(after)
    import drawing  # noqa: PLC0415 - it needs matplotlib, which a check does without

    for path in drawing.draw(published, IMAGES):
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
