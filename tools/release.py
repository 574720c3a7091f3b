"""The chart on a cluster, from this checkout: images built and loaded, installed, taken away again.

`Release` remembers what was there before, and `remove` takes away what was not. Standard library
only.
"""

import argparse
import contextlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import environment
import volumes
from environment import ROOT, SetUpError

from cluster import HELM, Cluster

NAME = "inglenook"
CHART = ROOT / "charts" / "inglenook"
REPORTS = ROOT / "build" / "reports"
_PARTS = ("gateway", "operator", "worker")


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """The platform on a cluster."""

    on: Cluster
    namespace: str
    was_there: bool
    had_definitions: bool
    """Whether the custom resources were defined before, for whomever."""

    def remove(self) -> None:
        """Take away what was installed, functions first: their finalizers need the operator."""
        if self.was_there or self.on.is_started:
            return
        environment.say("uninstalling")
        kinds = self.on.kubectl("api-resources", "--api-group=inglenook.dev", "--output=name")
        for kind in kinds.split():
            if not kind.startswith("runtimes."):
                of = ("--all", "--namespace", self.functions_namespace(), "--timeout=60s")
                _ = self.on.run("kubectl", "delete", kind, *of)
        _ = self.on.run(str(HELM), "uninstall", NAME, "--namespace", self.namespace, "--wait")
        _ = self.on.run("kubectl", "delete", "namespace", self.namespace, "--timeout=120s")
        if self.on.is_local:
            volumes.remove(self.on, self.namespace)
        if not self.had_definitions:
            _ = self.on.run("kubectl", "delete", "--filename", str(CHART / "crds"))

    def functions_namespace(self) -> str:
        path = "--output=jsonpath={.data.INGLENOOK_CLUSTER_FUNCTIONS_NAMESPACE}"
        of = ("configmap", "inglenook-settings", "--namespace", self.namespace)
        return self.on.kubectl("get", *of, path)

    def report(self, folder: Path = REPORTS) -> None:
        """Write what can be seen of the platform into a folder."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shown: dict[str, tuple[str, ...]] = {
            "pods": ("get", "pods", "--all-namespaces", "--output=wide"),
            "events": ("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"),
            "functions": ("get", "functions,aliases,runtimes", "-A", "--output=yaml"),
            "described": ("describe", "pods", "--namespace", self.namespace),
        }
        for part in (*_PARTS, "nats"):
            selector = f"--selector=app.kubernetes.io/component={part}"
            logs = ("logs", "--namespace", self.namespace, selector, "--prefix", "--tail=-1")
            shown[part] = (*logs, "--all-containers")
        for name, arguments in shown.items():
            with contextlib.suppress(SetUpError):
                (folder / f"{name}.txt").write_text(self.on.kubectl(*arguments))
        environment.say(f"what the cluster said is in {folder}")


def install(on: Cluster, options: argparse.Namespace) -> Release:
    """Have the platform of this checkout run on the cluster. Raises SetUpError."""
    is_new = False
    if not options.image_prefix:
        is_new = on.load(build(is_offline=on.is_local))
    listing = ("list", "--all", "--namespace", options.namespace, "--short")
    releases = on.output(str(HELM), *listing).split()
    defined = on.kubectl("api-resources", "--api-group=inglenook.dev", "--output=name")
    release = Release(
        on=on,
        namespace=options.namespace,
        was_there=NAME in releases,
        had_definitions=bool(defined.split()),
    )
    if on.is_local:
        volumes.make(on, options.namespace)
    environment.say("installing the chart")
    command = [str(HELM), "upgrade", "--install", NAME, str(CHART)]
    command += ["--namespace", options.namespace, "--create-namespace", "--wait", "--timeout", "5m"]
    command += [part for each in options.values or () for part in ("--values", each)]
    if on.is_local:
        # What enforces policies there knows IPv4 only.
        command += ["--set", "networkPolicy.functionsReach={0.0.0.0/0}"]
    if options.image_prefix:
        command += ["--set", f"image.prefix={options.image_prefix},image.tag={options.image_tag}"]
    if on.run(*command) != 0:
        release.report()
        raise SetUpError("the chart could not be installed")
    if release.was_there and is_new:
        _renew(release)
    return release


def build(*, is_offline: bool) -> list[Path]:
    """Build the images, those that have changed; return their archives. Raises SetUpError."""
    command = [str(ROOT / "runtime-images" / "build")]
    command += ["--offline-base"] if is_offline else []
    environment.say(f"building the images: {' '.join(command)}")
    log = ROOT / "build" / "images.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as output:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=output, text=True, check=False
        )
    sys.stderr.write(done.stdout)
    if done.returncode != 0:
        sys.stderr.write("".join(log.read_text().splitlines(keepends=True)[-30:]))
        raise SetUpError(f"the images could not be built; all that was said is in {log}")
    return [Path(line.split()[-1]) for line in done.stdout.splitlines()]


def _renew(release: Release) -> None:
    """Have pods of an older build of the same images go."""
    on, namespace = release.on, release.namespace
    deployments = [f"deployment/{NAME}-{part}" for part in _PARTS]
    _ = on.run("kubectl", "rollout", "restart", "--namespace", namespace, *deployments)
    for each in deployments:
        wait = ("rollout", "status", "--namespace", namespace, each, "--timeout=5m")
        if on.run("kubectl", *wait) != 0:
            raise SetUpError(f"{each} does not come up again")
    pooled = "app.kubernetes.io/component=function,inglenook.dev/state=pooled"
    of = ("--namespace", release.functions_namespace(), "--selector", pooled)
    _ = on.run("kubectl", "delete", "pods", *of)
