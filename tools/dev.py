"""./dev COMMAND — set up what is needed, then do it.

  try [--exit]        start the platform, deploy an example, invoke it, show what happened;
                      go on serving until Ctrl-C (in a terminal) or end (--exit, or no terminal)
  test [PYTEST ARGS]  check and test everything; with arguments, only run pytest with them
  lint                only the checks
  bench [ARGS]        make the figures of docs/performance.md of one machine (--help; wrk, oha)
  bench cluster [...] those of a cluster, KUBECONFIG's (--help); see bench/README.md
  bench model         where 10,000 functions on 100 nodes would bend
  bench report [...]  write docs/performance.md's tables and pictures from results (--help)
  reliability [...]   kill parts of the platform on KUBECONFIG's cluster, and count what came of
                      every call (--help); see docs/reliability.md
  format              put all code into its standard form
  cluster VERB        on Kubernetes: try, install, images, down; see `./dev cluster --help`
  e2e [PYTEST ARGS]   install on a cluster (KUBECONFIG's, or one of our own) and run tests/e2e there
  up [ARGS]           inglenook up, from this checkout
  inglenook [ARGS]    any inglenook command, from this checkout
  shell-env           for eval: .venv's commands on your PATH, its Python's name in RUNTIME

The first run makes .venv, as a normal user; later ones are quick.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import environment
import on_cluster

BIN = environment.VENV / "bin"
CHECKS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
    ("codespell",),
    ("yamllint", "--strict", "."),
    ("python", "tools/compatibility.py", "--check"),
    ("python", "tools/limits.py", "--check"),
    ("python", "tools/lock.py", "--check"),
    ("python", "tools/chart.py", "--check"),
    ("python", "tools/crds.py", "--check"),
    ("python", "bench/report.py", "--check"),
)


def run(*command: str) -> int:
    """Run one of the environment's commands in the checkout."""
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        cwd=environment.ROOT,
        env={**os.environ, "PATH": path},
    )
    while True:
        # Ctrl-C goes to the command as well, which may have something to put in order first.
        with contextlib.suppress(KeyboardInterrupt):
            return process.wait()


def step(*command: str) -> bool:
    """Run one of several commands, saying so."""
    environment.say(" ".join(command))
    started = time.monotonic()
    code = run(*command)
    took = f"{time.monotonic() - started:.1f} s"
    environment.say(f"{'passed' if code == 0 else 'FAILED'}: {command[0]} ({took})")
    return code == 0


def lint(_: Sequence[str]) -> int:
    environment.ensure(["lint", "test"])
    failed = [" ".join(check) for check in CHECKS if not step(*check)]
    if failed:
        environment.say(f"failed: {'; '.join(failed)}")
    return 1 if failed else 0


def reformat(_: Sequence[str]) -> int:
    environment.ensure(["lint", "test"])
    fixed = run("ruff", "check", "--fix-only", "--quiet", ".")
    return run("ruff", "format", ".") or fixed


def test(arguments: Sequence[str]) -> int:
    environment.ensure(["lint", "test"])
    if arguments:
        return run("pytest", *arguments)
    checked = lint(())
    # The first time it is built, which takes longer than a test may.
    _ = step("python", "tests/support/nats_program.py")
    workers = max(2, min(4, os.cpu_count() or 2))
    # -ra, in pyproject.toml, ends with what was skipped and why.
    tested = step("pytest", "-n", str(workers))
    return 0 if checked == 0 and tested else 1


def try_it(arguments: Sequence[str]) -> int:
    environment.ensure([])
    return run("python", str(environment.ROOT / "tools" / "try_it.py"), *arguments)


def bench(arguments: Sequence[str]) -> int:
    environment.ensure(["bench"])
    is_named = list(arguments[:1]) in (["cluster"], ["model"], ["report"])
    name = arguments[0] if is_named else "one_machine"
    program = environment.ROOT / "bench" / f"{name}.py"
    return run("python", str(program), *arguments[is_named:])


def reliability(arguments: Sequence[str]) -> int:
    # The tests' packages bring helm.
    environment.ensure(["test"])
    program = environment.ROOT / "bench" / "reliability" / "run.py"
    return run("python", str(program), *arguments)


def in_cluster(arguments: Sequence[str]) -> int:
    environment.ensure(["test"])
    return on_cluster.in_cluster(arguments)


def inglenook(arguments: Sequence[str]) -> int:
    environment.ensure([])
    program = str(BIN / "inglenook")
    os.execv(program, [program, *arguments])


def up(arguments: Sequence[str]) -> int:
    return inglenook(["up", *arguments])


def shell_env(_: Sequence[str]) -> int:
    environment.ensure([])
    runtime = subprocess.run(
        [str(BIN / "python"), "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    sys.stdout.write(f'export PATH="{BIN}:$PATH"\nexport RUNTIME={runtime}\n')
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "try": try_it,
    "test": test,
    "lint": lint,
    "bench": bench,
    "reliability": reliability,
    "format": reformat,
    "cluster": in_cluster,
    "e2e": on_cluster.e2e,
    "up": up,
    "inglenook": inglenook,
    "shell-env": shell_env,
}


def main() -> int:
    name, *arguments = sys.argv[1:] or ["help"]
    command = COMMANDS.get(name)
    if command is None:
        is_help = name in ("help", "-h", "--help")
        (sys.stdout if is_help else sys.stderr).write(__doc__ or "")
        return 0 if is_help else 2
    try:
        return command(arguments)
    except environment.SetUpError as error:
        environment.say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
