"""Apply the definitions in a folder, server-side, as the ServiceAccount of this pod.

    python apply_crds.py FOLDER

Run by the chart before an upgrade: Helm itself never changes definitions that are there. Standard
library only. Any refusal ends the upgrade, with what the API server said.
"""

import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_S = 30


def apply(path: Path, *, server: str, token: str, trust: ssl.SSLContext) -> None:
    """Apply one file. Raises urllib.error.URLError."""
    name = f"{path.stem}.inglenook.dev"
    url = f"{server}/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
    request = urllib.request.Request(
        f"{url}?fieldManager=inglenook-chart&force=true",
        data=path.read_bytes(),
        method="PATCH",
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/apply-patch+yaml",
        },
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=trust) as answer:
        sys.stdout.write(f"{name}: {answer.status}\n")


def main(folder: Path) -> int:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    token = (ACCOUNT / "token").read_text()
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    for path in sorted(folder.glob("*.yaml")):
        try:
            apply(path, server=server, token=token, trust=trust)
        except urllib.error.HTTPError as error:
            sys.stderr.write(f"{path.name}: {error.code} {error.read().decode()}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
