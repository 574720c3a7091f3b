"""What docs/custom-resources.md shows is what the API server takes."""

import re
from pathlib import Path

import yaml
from support import chart
from support.kubernetes_cluster import kubectl

PAGE = chart.ROOT / "docs" / "custom-resources.md"


def shown(page: Path) -> list[chart.Manifest]:
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    return [each for block in blocks for each in yaml.safe_load_all(block)]


def test_every_example_of_a_resource_is_one(namespace: str) -> None:
    manifests = shown(PAGE)
    kinds = {each["kind"] for each in manifests}
    defined = {
        yaml.safe_load(path.read_text())["spec"]["names"]["kind"]
        for path in (chart.CHART / "crds").glob("*.yaml")
    }
    # Those that are left nobody declares; the page says who makes them.
    assert defined - kinds == {"Layer", "EventSourceMapping", "CodeSigningConfig"}
    text = yaml.safe_dump_all(manifests)
    said = kubectl(
        *("apply", "--namespace", namespace, "--dry-run=server", "--filename=-"), text=text
    )
    assert len(said.splitlines()) == len(manifests)
