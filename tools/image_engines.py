"""What builds images on this machine: docker, podman or buildah, behind one small face.

Each builds a Containerfile with the checkout as its context and saves an image as an archive that
`docker load`, `kind load image-archive` and containerd's import take. Standard library only.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EPOCH = "1767225600"
"""The time that all files of an image bear, unless SOURCE_DATE_EPOCH says another."""
_CA_FOLDER = "/mnt"
"""Where a build finds the machine's certificates: a folder that every base has, so that mounting
something there leaves nothing behind."""
_CA_FILE = "authorities.crt"
_CA_ARGUMENTS = ("PIP_CERT", "SSL_CERT_FILE")


class BuildError(Exception):
    """Images cannot be built; the message says what a person can do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """One image to build."""

    name: str
    """`inglenook/agent:dev`."""
    file: Path
    arguments: Mapping[str, str]
    volumes: Sequence[str] = ()
    """What is mounted for the time of the build, as `host:inside:ro`; buildah and podman only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """One of the three programs."""

    name: str

    def build(self, wanted: Build, *, is_offline: bool, is_anew: bool) -> None:
        """Build the image. Its output goes to standard error. Raises BuildError.

        Anew: not from what earlier builds have left, so with Debian's packages as they are now.
        """
        with tempfile.TemporaryDirectory() as folder:
            command = self._command(is_offline=is_offline)
            command += ["--no-cache"] if is_anew else []
            self._build(wanted, Path(folder), command)

    def _build(self, wanted: Build, folder: Path, command: list[str]) -> None:
        arguments = dict(wanted.arguments)
        volumes = [*wanted.volumes]
        authority = _authority()
        if authority is not None and self.name != "docker":
            # For the package managers of a build: their stages are not kept.
            shutil.copyfile(authority, folder / _CA_FILE)
            volumes.append(f"{folder}:{_CA_FOLDER}:ro")
            text = wanted.file.read_text()
            asked = [name for name in _CA_ARGUMENTS if f"\nARG {name}=" in text]
            arguments |= dict.fromkeys(asked, f"{_CA_FOLDER}/{_CA_FILE}")
        command += [part for each in volumes for part in ("--volume", each)]
        for key, value in arguments.items():
            command += ["--build-arg", f"{key}={value}"]
        command += ["--tag", wanted.name, "--file", str(wanted.file), str(ROOT)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch()}
        if run(command, environment=environment) != 0:
            raise BuildError(f"{wanted.name} could not be built; what was said stands above")

    def save(self, name: str, archive: Path) -> None:
        """Write the image into an archive; what stood there is replaced at once or not at all."""
        partial = archive.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        if self.name == "buildah":
            command = ["buildah", "push", "--quiet", name, f"docker-archive:{partial}:{name}"]
        else:
            command = [self.name, "save", "--output", str(partial), name]
        if run(command) != 0:
            raise BuildError(f"{name} could not be saved to {archive}")
        partial.rename(archive)

    def _command(self, *, is_offline: bool) -> list[str]:
        if self.name == "docker":
            return ["docker", "build"]
        command = ["buildah", "bud", "--isolation", "chroot"]
        if self.name == "podman":
            command = ["podman", "build", "--format", "oci"]
        if is_offline:
            command.append("--pull-never" if self.name == "buildah" else "--pull=never")
        return [*command, "--layers", "--timestamp", epoch()]


def find(name: str | None) -> Engine:
    """Return the engine of this name, or the first that works here. Raises BuildError."""
    for each in (name,) if name else ("docker", "podman", "buildah"):
        if shutil.which(each) is None:
            continue
        # A docker that has no daemon to talk to is none.
        if each == "docker" and run(["docker", "info"], is_quiet=True) != 0:
            continue
        return Engine(name=each)
    raise BuildError(f"no {name or 'docker, podman or buildah'} works here")


def epoch() -> str:
    return os.environ.get("SOURCE_DATE_EPOCH", EPOCH)


def run(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, is_quiet: bool = False
) -> int:
    """Run a command with its output on standard error; return its exit code."""
    output = subprocess.DEVNULL if is_quiet else 2
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ).returncode
    return 127


def _authority() -> str | None:
    """Return the certificates that this machine's package managers are told to believe."""
    for variable in ("PIP_CERT", "SSL_CERT_FILE"):
        path = os.environ.get(variable, "")
        if path and Path(path).is_file():
            return path
    return None
