"""Bases of the images on a machine that can reach Debian's packages but no image registry.

The Debian base is put together from the machine's own apt sources and kept in local storage under
the short name that the Containerfiles have after FROM, so that these build here as everywhere. It
must never be pushed. Go, which only builds, is lent from the machine. Standard library only.
"""

import os
import shutil
import tempfile
from pathlib import Path

import image_engines
from image_engines import BuildError

BASE = "debian:bookworm-slim"
SUITE = "bookworm"
TOOLS = {"mmdebstrap": "mmdebstrap", "buildah": "buildah"}
_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
_OLD_SOURCES = Path("/etc/apt/sources.list")


def install_tools() -> None:
    """Install what is missing, as root on Debian. Raises BuildError where it cannot."""
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BuildError(f"needed: {' '.join(install)}")
    update = image_engines.run(["apt-get", "update", "-q"], is_quiet=True)
    if update != 0 or image_engines.run(install, is_quiet=True) != 0:
        raise BuildError(f"failed: {' '.join(install)}")


def make(cache: Path) -> str:
    """Have the base in buildah's storage, and return its name there. Quick the second time."""
    # The local form of the short name is what buildah looks for first.
    name = f"localhost/{BASE}"
    archive = cache / f"{SUITE}-slim-{image_engines.epoch()}.tar"
    if not archive.exists():
        _bootstrap(archive)
    elif image_engines.run(["buildah", "inspect", "--type", "image", name], is_quiet=True) == 0:
        return name
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Containerfile"
        file.write_text('FROM scratch\nADD base.tar /\nCMD ["bash"]\n')
        (Path(folder) / "base.tar").hardlink_to(archive) if _is_near(
            archive, folder
        ) else shutil.copyfile(archive, Path(folder) / "base.tar")
        command = ["buildah", "bud", "--isolation", "chroot", "--format", "oci", "--quiet"]
        command += ["--timestamp", image_engines.epoch(), "--tag", name, folder]
        if image_engines.run(command) != 0:
            raise BuildError(f"{name} could not be built")
    return name


def lent_go() -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the build arguments and volumes by which a build uses this machine's Go."""
    go = shutil.which("go")
    if go is None:
        raise BuildError("needed: Go, to build the NATS server and the agent's init")
    root = Path(go).resolve().parent.parent
    return {"GO": BASE}, (f"{root}:/usr/local/go:ro",)


def _bootstrap(archive: Path) -> None:
    sources = _SOURCES if _SOURCES.exists() else _OLD_SOURCES
    if not sources.exists():
        raise BuildError(f"this machine has no {_SOURCES}: it is not a Debian")
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_suffix(".partial.tar")
    without = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
    command = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=tar", "--quiet"]
    # Without this package and hook, 50 MB of Perl come along.
    command += ["--include=usr-is-merged", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]
    command += [f"--dpkgopt=path-exclude={each}" for each in without]
    command += [SUITE, str(partial), str(sources)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": image_engines.epoch()}
    if image_engines.run(command, environment=environment) != 0:
        raise BuildError("mmdebstrap could not make the base; what it said stands above")
    partial.rename(archive)


def _is_near(path: Path, folder: str) -> bool:
    return path.stat().st_dev == Path(folder).stat().st_dev
