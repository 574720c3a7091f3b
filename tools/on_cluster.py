"""./dev cluster and ./dev e2e: the platform on Kubernetes, from this checkout.

    ./dev cluster try         a cluster, the platform, a function, its answer
    ./dev cluster install     a cluster (KUBECONFIG's, or one of our own) and the platform on it
    ./dev cluster images      only build the images
    ./dev cluster down        take away the cluster of our own
    ./dev e2e [PYTEST ARGS]   install, run tests/e2e, take away what was started (--keep: leave it)

Options: --namespace NAME (of the platform), --values FILE (of the chart), --image-prefix PREFIX/
and --image-tag TAG (of images that you have pushed to a registry; without, they are built and
loaded).
"""

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence

import environment
import release
from environment import ROOT

import cluster

PYTEST = environment.VENV / "bin" / "pytest"
HELLO = ROOT / "examples" / "hello.yaml"
E2E_VALUES = ROOT / "tests" / "e2e" / "values.yaml"
_SERVICE = "/api/v1/namespaces/{}/services/inglenook-gateway:http/proxy"


def parser(name: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog=f"./dev {name}",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # What is not known goes to pytest, whatever it begins with.
        allow_abbrev=False,
    )
    made.add_argument("--namespace", default="inglenook")
    made.add_argument("--values", action="append")
    made.add_argument("--image-prefix", default="")
    made.add_argument("--image-tag", default="dev")
    return made


def in_cluster(arguments: Sequence[str]) -> int:
    """`./dev cluster VERB`."""
    asked = parser("cluster")
    asked.add_argument("verb", choices=["try", "install", "images", "down"])
    options = asked.parse_args(arguments)
    if options.verb == "images":
        _ = release.build(is_offline=cluster.TOOL.exists())
        return 0
    if options.verb == "down":
        return subprocess.run([str(cluster.TOOL), "down"], check=False).returncode
    found = cluster.find()
    installed = release.install(found, options)
    if options.verb == "try" and not answers(installed):
        installed.report()
        return 1
    environment.say(f"export KUBECONFIG={found.kubeconfig}")
    return 0


def answers(installed: release.Release) -> bool:
    """Apply the first example, and call it over HTTP as anything in the cluster would."""
    on = installed.on
    within = ("--namespace", installed.functions_namespace())
    wait = ("wait", "function/hello", "--for=condition=Ready", "--timeout=120s")
    for command in (("apply", "--filename", str(HELLO)), wait):
        environment.say(f"kubectl {' '.join(command)}")
        if on.run("kubectl", *command, *within) != 0:
            return False
    # The API server hands it on to a gateway: so it works wherever this runs.
    path = f"{_SERVICE.format(installed.namespace)}/2015-03-31/functions/hello/invocations"
    environment.say("POST /2015-03-31/functions/hello/invocations")
    return on.run("kubectl", "create", "--raw", path, "-f", "-", text='{"name": "you"}') == 0


def e2e(arguments: Sequence[str]) -> int:
    """`./dev e2e`."""
    asked = parser("e2e")
    asked.add_argument("--keep", action="store_true", help="leave everything as it is at the end")
    options, for_pytest = asked.parse_known_args(arguments)
    options.values = [str(E2E_VALUES), *(options.values or ())]
    environment.ensure(["lint", "test"])
    with _installed(options) as installed:
        has_paths = any(not each.startswith("-") for each in for_pytest)
        tests = () if has_paths else (str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "charts"))
        where = f"INGLENOOK_NAMESPACE={installed.namespace}"
        code = installed.on.run("env", where, str(PYTEST), *tests, *for_pytest)
        if code != 0:
            installed.report()
        return code


@contextlib.contextmanager
def _installed(options: argparse.Namespace) -> Iterator[release.Release]:
    found = cluster.find()
    try:
        installed = release.install(found, options)
        try:
            yield installed
        finally:
            if not options.keep:
                installed.remove()
    finally:
        if options.keep:
            environment.say(f"left running: export KUBECONFIG={found.kubeconfig}")
        else:
            found.stop()


if __name__ == "__main__":
    sys.exit(e2e(sys.argv[1:]))
