"""Where a function's modules are found: `sys.path` as AWS's bootstrap makes it.

The function's own folder first; then its layers', unless the function sets PYTHONPATH itself. These
are *site* folders: their `.pth` files count.
"""

from __future__ import annotations

import os
import site
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TASK = "/var/task"
OPT = "/opt"
RUNTIME = "/var/runtime"


def sites(task: str, opt: str | None) -> list[str]:
    """Return the site folders in their order; without `opt`, the function's own alone."""
    if opt is None:
        return [task]
    version = "%d.%d" % sys.version_info[:2]  # noqa: UP031 - two numbers of a tuple
    return [task, f"{opt}/python/lib/python{version}/site-packages", f"{opt}/python"]


def has_pth(folder: str) -> bool:
    """Whether there may be something to `obey`."""
    try:
        return any(name.endswith(".pth") for name in os.listdir(folder))  # noqa: PTH208
    except OSError:
        return False


def obey(folders: Iterable[str]) -> None:
    """Do what the `.pth` files of site folders say; what fails in them is told on stderr."""
    for folder in folders:
        site.addsitedir(folder)
