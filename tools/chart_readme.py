"""The chart's README: its values, from values.yaml, and the platform's settings, as tables.

In values.yaml the comment above a value says what it is for. A value with members that have
comments of their own is shown by these.
"""

import json
from collections.abc import Iterator

import chart_settings
import yaml

HEAD = """# The chart `inglenook`

Inglenook on Kubernetes: gateways, operators, workers, NATS, the runtimes.
[docs/kubernetes.md](../../docs/kubernetes.md) goes from nothing to a first invocation, and tells of
upgrades, rights and network policies. Needs Kubernetes 1.33 or later.

```sh
helm install inglenook charts/inglenook --namespace inglenook --create-namespace --wait
```

This file is made by `tools/chart.py` from `values.yaml` and `core/inglenook/settings.py`.

## Values
"""
SETTINGS = """
## Settings

What the platform's processes can be told beside that. Each may be given as a value; what is not
given has the default shown.
"""


def readme(values: str) -> str:
    """Return the README for the text of values.yaml."""
    root = yaml.compose(values)
    assert isinstance(root, yaml.MappingNode)
    found = {
        path: f"| `{path}` | {_code(default)} | {text} |"
        for path, default, text in _values(root, values.splitlines(), "")
    }
    settings = [
        f"| `{each.group}.{each.name}` | {_code(each.default)} | {_cell(each.text)} |"
        for each in chart_settings.all_of_them()
        if f"{each.group}.{each.name}" not in found
    ]
    return "\n".join(
        (
            *(HEAD, "| value | default | |", "|---|---|---|", *found.values()),
            *(SETTINGS, "| value | default | |", "|---|---|---|", *settings, ""),
        )
    )


def _values(
    node: yaml.MappingNode, lines: list[str], above: str
) -> Iterator[tuple[str, object, str]]:
    for key, value in node.value:
        path = f"{above}{key.value}"
        text = comment(lines, key.start_mark.line)
        has_told = isinstance(value, yaml.MappingNode) and _has_told(value, lines)
        is_told = bool(text) and not has_told
        if is_told:
            yield path, yaml.safe_load(yaml.serialize(value)), text
        if isinstance(value, yaml.MappingNode) and not is_told:
            if path == "runtimes":
                yield path, yaml.safe_load(yaml.serialize(value)), comment_within(value, lines)
                continue
            yield from _values(value, lines, f"{path}.")


def comment(lines: list[str], line: int) -> str:
    """Return the comment that ends above a line."""
    found: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        found.insert(0, lines[line].lstrip().removeprefix("#").strip())
    return _cell(" ".join(found))


def comment_within(node: yaml.MappingNode, lines: list[str]) -> str:
    """Return the comment above a mapping's first member."""
    return comment(lines, node.value[0][0].start_mark.line)


def _has_told(node: yaml.MappingNode, lines: list[str]) -> bool:
    """Return whether members have comments of their own."""
    if node.flow_style:
        return False
    return any(comment(lines, key.start_mark.line) for key, _ in node.value)


def _code(value: object) -> str:
    return f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
