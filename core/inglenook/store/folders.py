"""Folders that are each made once, by the first who asks, and shared by all.

A node's cache: a folder's name says what is in it, whoever finds it complete uses it, and nobody
changes it. It is made in a thread, appears whole (that is up to its maker), and is removed when its
owner forgets it.

Methods are safe for many tasks of one event loop and never block it. Cancelling one stops the
waiting; the work is finished behind it, harmlessly.
"""

import asyncio
import contextlib
import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from inglenook.store import durable

T = TypeVar("T")


class Folders:
    """Single flight over the folders of one root."""

    def __init__(self, root: Path) -> None:
        """Use a folder that exists and has nothing of ours in it; `clear` makes it so."""
        self._root = root
        self._folders: dict[str, asyncio.Future[Path]] = {}
        self._forgetting: dict[str, asyncio.Future[None]] = {}

    async def get(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return the folder `name`; if there is none yet, `make` is called with its path.

        All who ask meanwhile wait for the same making and share its failure; the next one tries
        anew.
        """
        while (forgetting := self._forgetting.get(name)) is not None:
            await asyncio.wait([forgetting])
        folder = self._folders.get(name)
        if folder is None:
            folder = _in_thread(functools.partial(_made, self._root / name, make))
            self._folders[name] = folder
            folder.add_done_callback(functools.partial(self._finished, name))
        return folder.result() if folder.done() else await asyncio.shield(folder)

    def ready(self, name: str) -> Path | None:
        """Return the folder if it is there already."""
        folder = self._folders.get(name)
        return folder.result() if folder is not None and folder.done() else None

    async def forget(self, name: str) -> None:
        """Remove a folder. Nothing may use it any more."""
        # After every wait, look anew: others ask for and forget the same folder meanwhile.
        while (busy := self._busy_with(name)) is not None:
            await asyncio.wait([busy])
        if self._folders.pop(name, None) is None:
            return
        forgetting = _in_thread(functools.partial(_remove, self._root / name))
        self._forgetting[name] = forgetting
        forgetting.add_done_callback(lambda _: self._forgetting.pop(name))
        await asyncio.shield(forgetting)

    def _busy_with(self, name: str) -> asyncio.Future[Any] | None:
        folder = self._folders.get(name)
        if folder is not None and not folder.done():
            return folder
        return self._forgetting.get(name)

    def _finished(self, name: str, folder: asyncio.Future[Path]) -> None:
        # Looking at the failure also says that it is known, should nobody wait for it any more.
        if folder.exception() is not None and self._folders.get(name) is folder:
            del self._folders[name]


def clear(root: Path, is_ours: Callable[[str], bool]) -> None:
    """Make `root` if it is absent, and rid it of what another process has made. Blocks.

    What cannot be of our making, by its name, is left alone, lest a mistyped path empties
    somebody's home.
    """
    root.mkdir(parents=True, exist_ok=True)
    for child in root.iterdir():
        if not (is_ours(child.name) or child.name.startswith(durable.PARTIAL_PREFIX)):
            continue
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()


def _in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    return asyncio.get_running_loop().run_in_executor(None, work)


def _made(folder: Path, make: Callable[[Path], None]) -> Path:
    make(folder)
    return folder


def _remove(folder: Path) -> None:
    # Moved away first: from then on its name is free, and half of it is not mistaken for all.
    away = Path(tempfile.mkdtemp(prefix=durable.PARTIAL_PREFIX, dir=folder.parent))
    with contextlib.suppress(FileNotFoundError):
        folder.rename(away / folder.name)
    shutil.rmtree(away)
