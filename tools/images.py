"""Build the platform's images, and those of its examples, and write them into archives.

    runtime-images/build                      all of them, into build/images
    runtime-images/build agent platform       these
    runtime-images/build --offline-base       on a Debian that reaches no image registry (as root)

docker, podman or buildah, the first that works, or the one named. An image whose sources have not
changed since its archive was written is not built again. Standard library only.
"""

import argparse
import fcntl
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import image_engines
import offline_base
from image_engines import ROOT, Build, BuildError, Engine

FOLDER = ROOT / "runtime-images"
ARCHIVES = ROOT / "build" / "images"


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """One of the images: what it is called, and where its Containerfile is."""

    repository: str
    folder: str
    needs_go: bool = False


IMAGES = {
    "platform": Image(repository="inglenook/platform", folder="platform"),
    "agent": Image(repository="inglenook/agent", folder="agent", needs_go=True),
    "python3.11": Image(repository="inglenook/runtime-python3.11", folder="python"),
    "provided.al2023": Image(repository="inglenook/runtime-provided.al2023", folder="provided"),
    "nats": Image(repository="inglenook/nats", folder="nats", needs_go=True),
    "examples": Image(repository="inglenook/examples", folder="examples"),
    "example-image": Image(
        repository="inglenook/example-image", folder="example-image", needs_go=True
    ),
}


def sources(file: Path) -> Iterator[Path]:
    """Yield the files that a Containerfile is built from, in a fixed order."""
    yield file
    for line in file.read_text().splitlines():
        words = line.split()
        if not words or words[0] != "COPY" or words[1].startswith("--from"):
            continue
        for word in words[1:-1]:
            path = ROOT / word
            found = path.rglob("*") if path.is_dir() else [path]
            yield from sorted(p for p in found if p.is_file() and "__pycache__" not in p.parts)


def digest(wanted: Build) -> str:
    """Return a hash over all that goes into an image from here."""
    total = hashlib.sha256(image_engines.epoch().encode())
    total.update(json.dumps(dict(wanted.arguments), sort_keys=True).encode())
    for path in sources(wanted.file):
        total.update(f"\0{path.relative_to(ROOT)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def make(
    engine: Engine, wanted: Build, archive: Path, *, is_offline: bool, is_forced: bool
) -> bool:
    """Build one image and write its archive. Return whether there was anything to do."""
    stamp = archive.with_suffix(".sha256")
    now = digest(wanted)
    is_there = archive.exists() and stamp.exists() and stamp.read_text() == now
    if is_there and not is_forced:
        return False
    archive.parent.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    engine.build(wanted, is_offline=is_offline, is_anew=is_forced)
    engine.save(wanted.name, archive)
    stamp.write_text(now)
    return True


def cache() -> Path:
    """Return where bases are kept, outside of the checkout."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "inglenook" / "images"


def build(options: argparse.Namespace) -> list[Path]:
    """Build what is asked for and return the archives. Raises BuildError."""
    if options.offline_base:
        offline_base.install_tools()
        offline_base.make(cache())
    engine = image_engines.find("buildah" if options.offline_base else options.engine)
    archives = []
    for key in options.images or IMAGES:
        image = IMAGES[key]
        lends_go = options.offline_base and image.needs_go
        arguments, volumes = offline_base.lent_go() if lends_go else ({}, ())
        wanted = Build(
            name=f"{image.repository}:{options.tag}",
            file=FOLDER / image.folder / "Containerfile",
            arguments=arguments,
            volumes=volumes,
        )
        archive = options.out / f"{key}.tar"
        started = time.monotonic()
        is_new = make(
            engine, wanted, archive, is_offline=options.offline_base, is_forced=options.force
        )
        took = f"built in {time.monotonic() - started:.0f} s" if is_new else "as it was"
        size = archive.stat().st_size / 1e6
        sys.stdout.write(f"{wanted.name:42} {size:6.1f} MB  {took:16} {archive}\n")
        sys.stdout.flush()
        archives.append(archive)
    return archives


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="runtime-images/build",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("images", nargs="*", metavar="IMAGE", help=", ".join(IMAGES))
    made.add_argument("--engine", choices=["docker", "podman", "buildah"])
    made.add_argument(
        "--offline-base", action="store_true", help="make the base from Debian's packages"
    )
    made.add_argument("--out", type=Path, default=ARCHIVES, help="folder of the archives")
    made.add_argument("--tag", default="dev")
    made.add_argument(
        "--force", action="store_true", help="build all anew, with Debian's packages of now"
    )
    return made


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    unknown = sorted(set(options.images) - set(IMAGES))
    if unknown:
        sys.stderr.write(f"no such image: {', '.join(unknown)} (there are: {', '.join(IMAGES)})\n")
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        # Of two at a time the second finds what the first has built.
        with (options.out / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            build(options)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
