"""What a runtime brings in a template: the SDK and `bootstrap.py` in /var/runtime, /var/lang.

Nothing else of the folder with the SDK is shown. /var/lang is only for wrappers, which look there
for the interpreter; to other functions its place is empty.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from inglenook_runtime import kernel, paths, preload

if TYPE_CHECKING:
    from collections.abc import Callable

LANG = "/var/lang"
"""Where Lambda's interpreters are."""
OUR_LANG = f"{paths.RUNTIME}/.lang"


def lay(origin: str | None, is_hidden: Callable[[str], bool]) -> str | None:
    """Fill /var/runtime. Return where the packages of `origin` are seen from now on.

    What will be hidden by a function's own folders is bound: a link to it would dangle.
    """
    if origin is not None and os.path.realpath(origin) == paths.RUNTIME:
        return origin
    client = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
    shown = {"bootstrap.py": f"{client}/bootstrap.py", "inglenook_runtime": client}
    if origin is not None:
        shown |= {e.name: e.path for e in os.scandir(origin) if _belongs(e.name)}
    kernel.mount_tmpfs(paths.RUNTIME, "size=64k,nr_inodes=256,mode=755")
    os.makedirs(f"{OUR_LANG}/bin", 0o755)  # noqa: PTH103
    for name in ("python", "python3", _python()):
        Path(OUR_LANG, "bin", name).symlink_to(os.path.realpath(sys.executable))
    for name, path in shown.items():
        place, real = f"{paths.RUNTIME}/{name}", os.path.realpath(path)
        if not is_hidden(real):
            Path(place).symlink_to(real)
            continue
        if os.path.isdir(real):  # noqa: PTH112
            os.mkdir(place, 0o755)  # noqa: PTH102
        else:
            Path(place).touch()
        kernel.bind(real, place)
    kernel.set_read_only(paths.RUNTIME, is_read_only=True)
    return None if origin is None else paths.RUNTIME


def interpreter() -> str:
    """Return where a function finds the interpreter: as on Lambda, or where it really is."""
    shown = f"{LANG}/bin/{_python()}"
    return shown if os.access(shown, os.X_OK) else sys.executable


def can_show_interpreter() -> bool:
    return os.path.isdir(OUR_LANG) and os.path.isdir(LANG) and not os.listdir(LANG)  # noqa: PTH112, PTH208


def _python() -> str:
    return "python%d.%d" % sys.version_info[:2]  # noqa: UP031 - two numbers of a tuple


def _belongs(name: str) -> bool:
    stem = name.partition(".")[0]
    if name.endswith(".dist-info"):
        project = name.partition("-")[0].replace("python_dateutil", "dateutil")
        return project in preload.THIRD_PARTY
    return stem in preload.THIRD_PARTY
