"""The Kubernetes cluster that `./dev` works with: the one that KUBECONFIG names, or one of its own.

One of its own is started by a tool beside the checkout, where there is one. What was started is
taken away again, what was found is left. Standard library only.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import environment
from environment import ROOT, SetUpError

TOOL = ROOT.parent / "shared" / "cluster" / "cluster"
_TOOLS_PROGRAMS = Path(os.environ.get("LOCAL_CLUSTER_CACHE", "/var/cache/local-cluster")) / "bin"
LOADED = ROOT / "build" / "loaded"
HELM = environment.VENV / "bin" / "helm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """A cluster that answers."""

    kubeconfig: str
    is_local: bool
    """Whether it is the tool's, which loads images itself."""
    is_started: bool = False
    """Whether it was started for this."""

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment for programs that are to use it."""
        path = os.pathsep.join((os.environ.get("PATH", os.defpath), str(_TOOLS_PROGRAMS)))
        return {**os.environ, "KUBECONFIG": self.kubeconfig, "PATH": path}

    def run(self, *command: str, text: str | None = None) -> int:
        """Run a program with this cluster, its output shown; return its exit code."""
        return subprocess.run(
            command, env=self.variables, cwd=ROOT, input=text, text=True, check=False
        ).returncode

    def output(self, *command: str) -> str:
        """Return what a program prints. Raises SetUpError with what it complained about."""
        done = subprocess.run(
            command, env=self.variables, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SetUpError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def kubectl(self, *arguments: str) -> str:
        return self.output("kubectl", *arguments)

    def load(self, archives: Iterable[Path]) -> bool:
        """Bring images to the nodes, unless they are there. Return whether any was new."""
        uid = self.kubectl("get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}")
        is_any_new = False
        for archive in archives:
            stamp = LOADED / uid / archive.stem
            digest = archive.with_suffix(".sha256").read_text()
            if stamp.exists() and stamp.read_text() == digest:
                continue
            environment.say(f"loading {archive.name}")
            if self.run(*self._loading(archive)) != 0:
                raise SetUpError(f"{archive} could not be loaded")
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.write_text(digest)
            is_any_new = True
        return is_any_new

    def _loading(self, archive: Path) -> Sequence[str]:
        if self.is_local:
            return (str(TOOL), "load", str(archive))
        context = self.kubectl("config", "current-context").strip()
        if context.startswith("kind-") and shutil.which("kind"):
            name = context.removeprefix("kind-")
            return ("kind", "load", "image-archive", str(archive), "--name", name)
        raise SetUpError(
            "images can be loaded into clusters of kind only. Push them to a registry of yours, "
            "and say so: --image-prefix registry/path/ --image-tag TAG"
        )

    def stop(self) -> None:
        """Take the cluster away, if it was started for this."""
        if self.is_started:
            environment.say("taking the cluster down")
            _ = subprocess.run([str(TOOL), "down"], check=False)


def find() -> Cluster:
    """Return the cluster that KUBECONFIG names, or else one of our own. Raises SetUpError."""
    named = os.environ.get("KUBECONFIG")
    if named:
        found = Cluster(kubeconfig=named, is_local=_is_of_the_tool(named))
        _ = found.kubectl("get", "--raw", "/readyz")
        return found
    if not TOOL.exists():
        raise SetUpError(
            "no cluster: set KUBECONFIG to one's. With Docker, `kind create cluster --config "
            "kind-config.yaml` makes one, and `kind get kubeconfig > FILE` the file to name."
        )
    return start(nodes=2)


def start(*, nodes: int) -> Cluster:
    """Return the tool's cluster, started unless it runs. Raises SetUpError."""
    if os.geteuid() != 0:
        raise SetUpError(f"no cluster: set KUBECONFIG to one's, or be root, as {TOOL} needs")
    is_running = _tool("kubectl", "get", "--raw", "/readyz").returncode == 0
    environment.say("a cluster runs here" if is_running else f"starting {nodes} nodes")
    done = subprocess.run(
        [str(TOOL), "up", "--nodes", str(nodes), "--config", str(ROOT / "kind-config.yaml")],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SetUpError("the cluster could not be started; what it said stands above")
    kubeconfig = done.stdout.split()[-1]
    return Cluster(kubeconfig=kubeconfig, is_local=True, is_started=not is_running)


def _is_of_the_tool(kubeconfig: str) -> bool:
    state = Path(os.environ.get("LOCAL_CLUSTER_STATE", "/var/lib/local-cluster"))
    return TOOL.exists() and Path(kubeconfig) == state / "kubeconfig"


def _tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run([str(TOOL), *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise SetUpError(f"{TOOL}: {error}") from error
