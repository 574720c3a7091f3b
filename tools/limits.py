"""Write docs/limits.md: `python tools/limits.py [--check]`.

The rows stand in `limits_table`; what states a limit is read from `inglenook/model/limits.py`. With
`--check` nothing is written, and a page that is out of date, or a limit that it leaves out, is an
error.
"""

import ast
import inspect
import sys
from pathlib import Path

import limits_on_cluster
import limits_table

from inglenook.model import limits

PAGE = Path(__file__).resolve().parent.parent / "docs" / "limits.md"

# Of no use to a reader of the page.
UNLISTED = frozenset({"MIB"})

HEAD = """# Limits and defaults

Written by `tools/limits.py` from the code; `./dev test` fails when it is out of date.

What AWS limits, to what, what this platform does, and the error at the limit. *same*: the value is
AWS's and is enforced. The service model's other lengths, patterns and ranges are enforced as they
stand in it, with `ValidationException`. MB means 1,024 KB, as on AWS. What differs
on Kubernetes stands at the end.

The last column says what states AWS's value: a page of the developer guide (`dg/`, under
<https://docs.aws.amazon.com/lambda/latest/dg/>) or of the API reference (`api/`, under
<https://docs.aws.amazon.com/lambda/latest/api/>), a shape of the service model that SDKs are made
from (`model:`), or the text of an error. *ours*: the limit is this platform's own.
"""

COLUMNS = "| limit | AWS | here | at the limit | stated in |\n|---|---|---|---|---|\n"

TAIL = """
## Settings

A setting changes a limit for the whole platform: set the variable before `inglenook up`, or the
value of the chart that is named like it: `INGLENOOK_GATEWAY_QUEUE_TIMEOUT_S` is
`gateway.queueTimeout`. What no variable is named for is fixed, as on AWS. More times, queues and
buffers of the platform's own can be set: `core/inglenook/settings.py` has all of them.
"""


def stated() -> dict[str, tuple[str, ...]]:
    """Return the sources of every limit: the string under one or several constants has them."""
    sources: dict[str, tuple[str, ...]] = {}
    waiting: list[str] = []
    for statement in ast.parse(inspect.getsource(limits)).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]):
                waiting.append(name)
            case ast.Expr(value=ast.Constant(value=str(text))):
                head = " ".join(text.split()).split(": ", 1)[0].rstrip(".")
                sources |= dict.fromkeys(waiting, tuple(head.split(", ")))
                waiting = []
    if waiting:
        raise SystemExit(f"nothing says where these limits come from: {', '.join(waiting)}")
    return sources


def sources_of(row: limits_table.Row, known: dict[str, tuple[str, ...]]) -> list[str]:
    """Return what states a row's figures, each once."""
    if row.source:
        return [row.source]
    found: dict[str, None] = {}
    for name in row.names:
        found |= dict.fromkeys([name] if name.startswith("model:") else known[name])
    return list(found)


def page() -> str:
    """Return the whole page. Raises SystemExit for limits that it does not show."""
    known, shown = stated(), set[str](UNLISTED)
    parts = [HEAD]
    for heading, rows in limits_table.tables().items():
        parts.append(f"\n## {heading}\n\n{COLUMNS}")
        for row in rows:
            shown.update(row.names)
            sources = ", ".join(
                each if each == "ours" or each.startswith(("error", "CloudWatch")) else f"`{each}`"
                for each in sources_of(row, known)
            )
            parts.append(f"| {row.what} | {row.aws} | {row.here} | {row.error} | {sources} |\n")
    if left_out := known.keys() - shown:
        raise SystemExit(f"docs/limits.md would not show {', '.join(sorted(left_out))}")
    return "".join([*parts, TAIL, limits_on_cluster.text()])


def main() -> int:
    """Write the page, or check it."""
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text)
        return 0
    if not PAGE.exists() or PAGE.read_text() != text:
        sys.stderr.write(f"{PAGE} is out of date: run python tools/limits.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
