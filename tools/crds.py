"""Write the custom resource definitions of the chart: `python tools/crds.py [--check]`.

The schemas stand in `crd_schemas`, limits in `inglenook/model/limits.py`. With `--check` nothing is
written, and a file that is out of date, missing or too many is an error.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from crd_schemas import artefacts, event_sources, functions, invocations, releases, runtimes

FOLDER = Path(__file__).resolve().parent.parent / "charts" / "inglenook" / "crds"
HEAD = "# Written by tools/crds.py from tools/crd_schemas; checked by `./dev lint`.\n"

DEFINITIONS = (
    functions.function,
    releases.version,
    releases.alias,
    invocations.function_url,
    invocations.provisioned_concurrency,
    invocations.event_invoke_config,
    invocations.function_policy,
    artefacts.layer,
    artefacts.layer_version,
    artefacts.code_signing_config,
    event_sources.event_source_mapping,
    runtimes.runtime,
)


class Dumper(yaml.SafeDumper):
    """Writes items of lists indented, and everything in full."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow=flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text_node(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Fold long texts, whose quotes would keep their lines from being broken."""
    style = ">" if len(value) > 72 else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


Dumper.add_representer(str, _text_node)


def text(definition: Mapping[str, Any]) -> str:
    """Return the file of one definition."""
    body = yaml.dump(
        definition,
        Dumper=Dumper,
        sort_keys=False,
        width=60,
        allow_unicode=True,
        default_flow_style=False,
    )
    return f"{HEAD}---\n{body}"


def files() -> dict[str, str]:
    """Return every file's text by its name."""
    made = [one().manifest() for one in DEFINITIONS]
    return {f"{one['spec']['names']['plural']}.yaml": text(one) for one in made}


def main() -> int:
    """Write the definitions, or check them."""
    wanted = files()
    found = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.yaml"))}
    if "--check" in sys.argv[1:]:
        wrong = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
        if wrong:
            sys.stderr.write(f"out of date: {', '.join(wrong)}: run python tools/crds.py\n")
        return 1 if wrong else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in found.keys() - wanted.keys():
        (FOLDER / name).unlink()
    for name, content in wanted.items():
        (FOLDER / name).write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
