"""Deployment packages of files in a manifest: the same files always make the same zip."""

import hashlib
import io
import stat
import zipfile
from collections.abc import Mapping

from inglenook.model import limits

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_SHEBANG = b"#!"

FETCH_FAILED = "FetchFailed"
"""The reason of what may be mended by nobody but whoever serves the zip, at any moment."""


class BadSourceError(Exception):
    """The declared source of the code cannot be used, for a reason that people can mend."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files by their paths. What begins as a script does is executable.

    Raises BadSourceError for paths that lead out of the package.
    """
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            _check_path(path)
            entry = zipfile.ZipInfo(path, _EPOCH)
            # Not the host's: the zip would differ between machines.
            entry.create_system = _UNIX
            mode = 0o755 if content.startswith(_SHEBANG) else 0o644
            entry.external_attr = (stat.S_IFREG | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return result.getvalue()


def _check_path(path: str) -> None:
    parts = path.split("/")
    if not path or path.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise BadSourceError("InvalidPath", f"{path!r} is no path of a file in a package")


def verified(content: bytes, expected: str | None) -> bytes:
    """Return what was fetched, if it is what was declared and not too large to be sent on."""
    if len(content) > limits.ZIPPED_BYTES_MAX:
        raise BadSourceError(
            "PackageTooLarge", f"The zip is larger than {limits.ZIPPED_BYTES_MAX} bytes."
        )
    found = hashlib.sha256(content).hexdigest()
    if expected is not None and found != expected:
        raise BadSourceError(
            "DigestMismatch", f"The zip's SHA-256 is {found}, not {expected} as declared."
        )
    return content
