"""The folder of packages that a Python function finds beside its own, as in AWS's runtime: boto3.

The packages are those that this process itself is installed with; the folder holds links to them
and to nothing else of our environment. Interpreters older than the packages support go without.
"""

import importlib.metadata
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

# Distribution to the module that it installs.
_PACKAGES = {
    "boto3": "boto3",
    "botocore": "botocore",
    "s3transfer": "s3transfer",
    "jmespath": "jmespath",
    "urllib3": "urllib3",
    "python-dateutil": "dateutil",
    "six": "six",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Packages:
    """A folder for PYTHONPATH, and the oldest Python (3.`minor_min`) that can import from it."""

    folder: Path
    minor_min: int


def link(folder: Path) -> Packages:
    """Fill `folder` with the links. Blocks; safe to repeat."""
    folder.mkdir(parents=True, exist_ok=True)
    minor_min = 0
    for distribution, module in _PACKAGES.items():
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        target = origin.parent if spec.submodule_search_locations else origin
        link_to(folder / target.name, target)
        metadata = importlib.metadata.metadata(distribution)
        for info in target.parent.glob(f"{distribution.replace('-', '_')}-*.dist-info"):
            link_to(folder / info.name, info)
        required = re.search(r">=\s*3\.(\d+)", metadata["Requires-Python"] or "")
        minor_min = max(minor_min, int(required[1]) if required else 0)
    return Packages(folder=folder, minor_min=minor_min)


def link_to(link: Path, target: Path) -> None:
    """Make `link` a symbolic link to `target`, unless something is there."""
    if not link.is_symlink():
        link.symlink_to(target)
