"""The program that starts an image's, put where the function's container finds it."""

import os
import shutil
from pathlib import Path

_MODE = 0o555
"""The function's container has another user."""


def install(source: str, place: str) -> None:
    """Put a copy of `source` at `place`, whole or not at all. Blocks. Raises OSError.

    The one that is there may be running: it is replaced, not written to.
    """
    coming = Path(f"{place}.coming")
    coming.unlink(missing_ok=True)
    shutil.copyfile(source, coming)
    coming.chmod(_MODE)
    os.replace(coming, place)  # noqa: PTH105 - says that it may be there
