"""The manifests as a real API server judges them, field by field. Changes nothing there."""

import os
import shutil
import subprocess

import pytest
import yaml
from support import chart

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif("KUBECONFIG" not in os.environ, reason="needs a cluster: set KUBECONFIG"),
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl"),
]


COMMAND = (
    *("kubectl", "apply", "--dry-run=server", "--validate=strict", "--server-side"),
    *("--force-conflicts", "--field-manager=chart-test", "--filename"),
)


def judged(filename: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, filename], input=text, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.parametrize("servers", [1, 3])
def test_the_api_server_takes_every_manifest(servers: int) -> None:
    manifests = [
        # The platform's own namespaces need not be there.
        {**each, "metadata": {**each["metadata"], "namespace": "default"}}
        for each in chart.render(nats={"replicas": servers})
        # Nor its definitions.
        if each["kind"] not in ("Runtime", "Namespace")
    ]
    done = judged("-", yaml.safe_dump_all(manifests))
    assert done.returncode == 0, done.stderr


def test_the_api_server_takes_every_definition() -> None:
    done = judged(str(chart.CHART / "crds"))
    assert done.returncode == 0, done.stderr
