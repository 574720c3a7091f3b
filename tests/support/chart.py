"""The chart as helm renders it, read."""

import functools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "charts" / "inglenook"
HELM = shutil.which("helm", path=str(Path(sys.executable).parent)) or shutil.which("helm") or "helm"
NAMESPACE = "inglenook"
KUBERNETES = "1.34.0"
_TIMEOUT_S = 60

Manifest = dict[str, Any]


class RefusedError(Exception):
    """Helm does not take the values; the message is what it says."""


def helm(*arguments: str) -> str:
    """Run helm and return what it prints. Raises RefusedError."""
    done = subprocess.run(
        [HELM, *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise RefusedError(done.stderr)
    return done.stdout


def render(**values: object) -> list[Manifest]:
    """Return the manifests that values make. Raises RefusedError."""
    return _rendered(json.dumps(values, sort_keys=True))


@functools.cache
def _rendered(values: str) -> list[Manifest]:
    command = ("template", "try", str(CHART), "--namespace", NAMESPACE)
    given = [f"--set-json={key}={json.dumps(value)}" for key, value in json.loads(values).items()]
    text = helm(*command, "--kube-version", KUBERNETES, *given)
    return [each for each in yaml.safe_load_all(text) if each]


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] in kinds]


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Return the only manifest of this kind and name."""
    [found] = [each for each in of_kind(manifests, kind) if each["metadata"]["name"] == name]
    return found


def pod_specs(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield the pods' specs of all that makes pods, by name."""
    for each in of_kind(manifests, "Deployment", "StatefulSet", "Job"):
        yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def is_hook(manifest: Manifest) -> bool:
    return "helm.sh/hook" in manifest["metadata"].get("annotations", {})
