"""Laying folders over each other: the layers of a function become its /opt.

Later ones go over earlier ones, file by file. Where both have a folder, the two become one; where
only one of them is a folder, or one is a link, the later one's stands. A link is taken over as a
link and never followed, so nothing is written anywhere but in the new folder.

Files are linked, not copied: a merged folder costs names, and the sources may go while it stays.
All of this blocks: to be used in a thread.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from inglenook.store import durable


def merge(sources: Sequence[Path], destination: Path) -> None:
    """Merge `sources` to `destination`, which must not exist while its parent must.

    It appears at once and whole or not at all. Raises OSError.
    """
    partial = tempfile.mkdtemp(prefix=durable.PARTIAL_PREFIX, dir=destination.parent)
    try:
        for source in sources:
            _lay(str(source), partial)
        Path(partial).chmod(0o755)
        Path(partial).rename(destination)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _lay(source: str, target: str) -> None:
    """Lay all in one folder over another folder."""
    with os.scandir(source) as entries:
        for entry in entries:
            place = f"{target}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                _open_folder(place)
                _lay(entry.path, place)
            else:
                _put(entry, place)


def _open_folder(place: str) -> None:
    """Have a folder there, in the stead of a file or a link."""
    try:
        os.mkdir(place, 0o755)  # noqa: PTH102 - a Path for each of many thousands takes longer
    except FileExistsError:
        if os.path.isdir(place) and not os.path.islink(place):  # noqa: PTH112, PTH114
            return
        os.unlink(place)  # noqa: PTH108
        os.mkdir(place, 0o755)  # noqa: PTH102


def _put(entry: "os.DirEntry[str]", place: str) -> None:
    """Have a file or a link there, in the stead of whatever an earlier layer has."""
    try:
        _take_over(entry, place)
    except FileExistsError:
        if os.path.isdir(place) and not os.path.islink(place):  # noqa: PTH112, PTH114
            shutil.rmtree(place)
        else:
            os.unlink(place)  # noqa: PTH108
        _take_over(entry, place)


def _take_over(entry: "os.DirEntry[str]", place: str) -> None:
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), place)  # noqa: PTH115, PTH211
        return
    try:
        os.link(entry.path, place)
    except FileExistsError:
        raise
    except OSError as error:
        if durable.is_no_space(error):
            raise
        # No hard links here, or too many of this file (65,000 on ext4).
        shutil.copy2(entry.path, place)
