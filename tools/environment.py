"""The virtual environment in `.venv`: made, filled and kept up to date, without root.

Standard library only, Python 3.11. `ensure` is cheap when nothing has changed: a stamp in the
environment says what was installed from which `pyproject.toml`.

Debian and Ubuntu split Python up, so `python3 -m venv` may not be able to install pip. Then pip
comes from, in this order: uv; the pip of this Python; Debian's own package of pip, downloaded and
unpacked as a normal user.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "inglenook-stamp.json"
PYTHON = VENV / "bin" / "python"
APT_PACKAGE = "python3-pip-whl"


class SetUpError(Exception):
    """The environment cannot be made; the message says what a person can do."""


def ensure(groups: Sequence[str]) -> None:
    """Make sure that the project and these dependency groups are installed."""
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    installed = _stamped(digest)
    if installed is not None and set(groups) <= set(installed):
        return
    if not _works():
        _create()
    wanted = sorted({*groups, *(installed or ())})
    say(f"installing the project{' and ' + ', '.join(wanted) if wanted else ''} into .venv")
    STAMP.unlink(missing_ok=True)
    # Groups need a recent pip; the one that comes with Python may be years old.
    _pip("install", "--upgrade", "pip>=25.1")
    _pip(
        "install", "--editable", str(ROOT), *(f"--group={ROOT}/pyproject.toml:{g}" for g in wanted)
    )
    STAMP.write_text(json.dumps({"digest": digest, "groups": wanted, "python": sys.version}))


def say(text: str) -> None:
    """Tell what goes on."""
    sys.stderr.write(f"dev: {text}\n")
    sys.stderr.flush()


def _stamped(digest: str) -> list[str] | None:
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return None
    return stamp["groups"] if stamp["digest"] == digest and PYTHON.exists() else None


def _works() -> bool:
    """Whether there is an environment with a pip in it; its Python may have been uninstalled."""
    if not PYTHON.exists():
        return False
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return _run([str(PYTHON), "-c", check], quiet=True)


def _create() -> None:
    say(f"making .venv with {sys.executable} ({sys.version.split()[0]})")
    for way in (_with_ensurepip, _with_uv, _with_own_pip, _with_debian_pip):
        shutil.rmtree(VENV, ignore_errors=True)
        if way() and _works():
            return
    shutil.rmtree(VENV, ignore_errors=True)
    raise SetUpError(
        "this Python cannot make a virtual environment with pip in it. Any of these helps:\n"
        "  sudo apt-get install python3-venv     (Debian, Ubuntu)\n"
        "  install uv\n"
        "  PYTHON=/path/to/another/python3 ./dev ..."
    )


def _with_ensurepip() -> bool:
    if importlib.util.find_spec("ensurepip") is None:
        return False
    return _run([sys.executable, "-m", "venv", str(VENV)], quiet=True)


def _with_uv() -> bool:
    uv = shutil.which("uv")
    return uv is not None and _run([uv, "venv", "--seed", "--python", sys.executable, str(VENV)])


def _bare() -> bool:
    return _run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], quiet=True)


def _with_own_pip() -> bool:
    if importlib.util.find_spec("pip") is None or not _bare():
        return False
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    return _run([*pip, "install", "--quiet", "pip"])


def _with_debian_pip() -> bool:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None or not _bare():
        return False
    say(f"this Python has no pip: taking it from Debian's package {APT_PACKAGE}")
    with tempfile.TemporaryDirectory() as folder:
        package = _download(Path(folder))
        if package is None:
            return False
        unpacked = Path(folder) / "unpacked"
        if not _run(["dpkg-deb", "-x", str(package), str(unpacked)]):
            return False
        wheels = list(unpacked.glob("usr/share/python-wheels/pip-*.whl"))
        if not wheels:
            return False
        # A wheel is a zip, and Python runs what is in one.
        pip = [str(PYTHON), f"{wheels[0]}/pip"]
        return _run([*pip, "install", "--quiet", "pip"])


def _download(folder: Path) -> Path | None:
    """Download the package with the machine's own lists, or else with lists of our own."""
    (folder / "lists" / "partial").mkdir(parents=True)
    own = ["-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}"]
    (folder / "archives" / "partial").mkdir(parents=True)
    if not _run(["apt-get", "download", APT_PACKAGE], cwd=folder, quiet=True):
        updated = _run(["apt-get", *own, "update"], quiet=True)
        if not updated or not _run(["apt-get", *own, "download", APT_PACKAGE], cwd=folder):
            return None
    return next(folder.glob(f"{APT_PACKAGE}_*.deb"), None)


def _pip(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", arguments[0], "--quiet"]
    if not _run([*command, *arguments[1:]]):
        raise SetUpError(f"pip {arguments[0]} failed; what it said stands above")


def _run(command: Sequence[str], *, cwd: Path | None = None, quiet: bool = False) -> bool:
    """Run a command and return whether it succeeded. Its output goes to standard error."""
    # A foreign PYTHONPATH or PYTHONHOME would be what the new environment imports first.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    output = subprocess.DEVNULL if quiet else sys.stderr
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        check=False,
    )
    return done.returncode == 0
