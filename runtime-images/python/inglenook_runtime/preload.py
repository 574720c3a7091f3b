"""What the zygote has imported before it forks, and what a function gets to forget of it.

A module that is imported ahead costs a child nothing. But on Lambda a function's own folders come
first on the path: its own boto3, or its own `queue.py`, wins over the runtime's. So what a function
provides itself is forgotten before its handler is imported. The standard modules that AWS's client
has loaded itself by then cannot be replaced on Lambda either, and are kept.
"""

from __future__ import annotations

import importlib
import os
import site
import sys
from dataclasses import dataclass
from importlib import machinery
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

THIRD_PARTY = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""The packages that AWS's runtime brings along."""

_STANDARD = """
argparse array asyncio base64 binascii bisect calendar cgi collections concurrent.futures.thread
configparser contextvars copy csv ctypes dataclasses datetime decimal difflib email email.charset
email.generator email.header email.message email.mime.multipart email.mime.text email.parser
email.policy email.utils encodings.idna fnmatch fractions functools getpass glob gzip hashlib heapq
hmac html html.entities http http.client http.cookiejar http.cookies importlib.metadata
importlib.resources inspect io ipaddress itertools json locale logging.config logging.handlers math
mimetypes multiprocessing netrc numbers pathlib pickle pkgutil platform plistlib pprint queue quopri
random re resource secrets select selectors shlex shutil signal socket sqlite3 ssl statistics string
struct subprocess tarfile tempfile textwrap threading timeit traceback typing unicodedata
unittest.mock urllib.error urllib.parse urllib.request urllib.response uuid warnings weakref
xml.etree.ElementTree xml.sax.saxutils zipfile zlib zoneinfo
""".split()  # noqa: SIM905 - a hundred names are easier to read and to keep sorted as text

_KEPT = frozenset(
    """
    __future__ abc atexit builtins codecs collections contextlib copyreg decimal encodings enum
    functools genericpath importlib io itertools json keyword linecache logging marshal math numbers
    operator os posix posixpath re reprlib site stat string sys textwrap threading time token
    tokenize traceback types warnings weakref zipimport inglenook_runtime __main__
    """.split()  # noqa: SIM905
) | frozenset(sys.builtin_module_names)


@dataclass(frozen=True)
class Loaded:
    """The top-level names of what was imported ahead, and where a function finds the rest."""

    standard: frozenset[str]
    third_party: frozenset[str]
    origin: str | None


def builtins() -> None:
    """Bring what `site`, which `-S` leaves out, gives to programs: `exit`, `help` and so on."""
    site.setquit()
    site.setcopyright()
    site.sethelper()


def load(origin: str | None) -> Loaded:
    """Import what functions commonly use; from the folder `origin`, AWS's SDK and its friends."""
    for name in _STANDARD:
        _try_import(name)
    before = _top_level()
    if origin is not None:
        sys.meta_path.append(RuntimeFinder(origin))
        for name in THIRD_PARTY:
            _try_import(name)
        _warm_sdk()
    third_party = _top_level() & frozenset(THIRD_PARTY)
    # Standard modules that only the SDK needed count as standard.
    standard = (before | (_top_level() - third_party)) - _KEPT
    return Loaded(standard=standard, third_party=third_party, origin=origin)


def forget(loaded: Loaded, folders: Iterable[str]) -> list[str]:
    """Drop the preloaded modules that `folders`, first on the function's path, provide themselves.

    Third-party packages go all together: a boto3 of the function with a botocore of the runtime
    is a mixture that nobody has tested. Return those of the folders that hold `.pth` files: only
    here they are all looked at.
    """
    own, with_pth = _provided(folders)
    gone = own & loaded.standard
    if own & loaded.third_party:
        gone |= loaded.third_party
    if gone:
        for name in list(sys.modules):
            if name.partition(".")[0] in gone:
                del sys.modules[name]
    return with_pth


class RuntimeFinder:
    """Finds the runtime's third-party packages, and nothing else, in a folder.

    The folder may be the site-packages of the platform itself, whose other packages a function must
    not see. It comes last, after everything that the function brings.
    """

    def __init__(self, origin: str) -> None:
        self._path = [origin]

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> machinery.ModuleSpec | None:
        if path is not None or name not in THIRD_PARTY:
            return None
        return machinery.PathFinder.find_spec(name, self._path, target)


def _try_import(name: str) -> None:
    try:
        importlib.import_module(name)
    except Exception as error:
        # Modules come and go with Python's versions; a function that needs it will see why.
        if not isinstance(error, ImportError):
            print(f"cannot preload {name}: {error!r}", file=sys.stderr)


def _warm_sdk() -> None:
    """Make a client once: botocore imports a good part of itself only then.

    It belongs to a session of its own, which is dropped: no credentials, region or configuration of
    the spawner's environment stay behind for a function to find.
    """
    try:
        session = importlib.import_module("botocore.session").Session()
        session.set_credentials("none", "none")
        session.create_client("s3", region_name="us-east-1")
    except Exception as error:
        print(f"cannot warm the SDK: {error!r}", file=sys.stderr)


def _top_level() -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in sys.modules)


def _provided(folders: Iterable[str]) -> tuple[frozenset[str], list[str]]:
    """Top-level names that can be imported from `folders`; and those that have `.pth` files."""
    suffixes = tuple(machinery.all_suffixes())
    names = set()
    with_pth: list[str] = []
    for folder in folders:
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            stem, dot, _ = entry.name.partition(".")
            # A folder without __init__ is a namespace: it loses against any module further on.
            if dot:
                if entry.name.endswith(suffixes):
                    names.add(stem)
                elif entry.name.endswith(".pth") and folder not in with_pth:
                    with_pth.append(folder)
            elif os.path.exists(f"{entry.path}/__init__.py"):  # noqa: PTH110
                names.add(stem)
    return frozenset(names), with_pth
