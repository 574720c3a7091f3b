"""Write, or with --check verify, the packages that the images are made of, by exact version.

    python tools/lock.py            resolve anew, to the newest versions that the project allows
    python tools/lock.py --check    do the files name a version, that fits, for all that is asked?

`pyproject.toml` says what the project needs; `IMAGES` which of it an image needs. The files hold
the closure of that: images are installed from them without looking anything up.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
TERMINAL = frozenset({"rich", "typer"})
IMAGES: dict[str, frozenset[str] | None] = {
    "platform": None,
    "agent": frozenset({"httptools", "msgspec", "prometheus-client", "psutil", "uvloop"}),
    "python": frozenset({"boto3"}),
}
"""Image to what it needs of the project's dependencies; None: all but the terminal's."""
HEAD = "# Made by tools/lock.py from pyproject.toml: do not edit.\n"


def wanted(image: str) -> list[Requirement]:
    """Return what the image needs, as the project asks for it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    chosen = IMAGES[image]
    return [
        each
        for each in map(Requirement, project["dependencies"])
        if (each.name not in TERMINAL if chosen is None else each.name in chosen)
    ]


def file(image: str) -> Path:
    return ROOT / "runtime-images" / image / "requirements.txt"


def resolve(image: str) -> str:
    """Return the file's text: every package that the image gets, by exact version."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    report = subprocess.run(
        [*pip, "--only-binary=:all:", "--report=-", *map(str, wanted(image))],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = (each["metadata"] for each in json.loads(report)["install"])
    pins = sorted(f"{canonicalize_name(each['name'])}=={each['version']}" for each in found)
    return HEAD + "".join(f"{pin}\n" for pin in pins)


def mistakes(image: str) -> list[str]:
    """Return what the project needs and the file does not give."""
    lines = file(image).read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    found = []
    for each in wanted(image):
        version = pinned.get(canonicalize_name(each.name))
        if version is None or not each.specifier.contains(version, prereleases=True):
            found.append(f"{file(image).relative_to(ROOT)}: {each} is wanted, {version} is there")
    return found


def main(arguments: Sequence[str]) -> int:
    if list(arguments) == ["--check"]:
        found = [mistake for image in IMAGES for mistake in mistakes(image)]
        sys.stderr.write("".join(f"{mistake}\n" for mistake in found))
        return 1 if found else 0
    for image in IMAGES:
        file(image).write_text(resolve(image))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
