"""One entry of a deployment package: what its record in the zip's directory says it becomes.

Whoever made the zip is not trusted. An entry has to be readable without a password, lie inside the
destination by its name alone, and be a plain file, a folder or a symbolic link.
"""

import enum
import stat
import zipfile

import msgspec

from inglenook import errors

NAME_BYTES_MAX = 255
"""What file systems allow a file's name."""
PATH_BYTES_MAX = 1024
"""What an entry's path may take; room for the folder it goes to is left below PATH_MAX (4096)."""

# Encrypted, strongly encrypted, and the directory's own encryption (APPNOTE.TXT, 4.4.4).
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
_COMPRESSIONS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# FAT, HPFS, NTFS and VFAT hosts, whose tools may separate folders with backslashes. Elsewhere a
# backslash is a character like any other.
_WINDOWS_HOSTS = frozenset({0, 6, 10, 14})


class EntryType(enum.Enum):
    """What an entry becomes."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in a package."""

    path: str
    """Relative, with slashes, without `.`, `..` or empty parts."""
    type: EntryType
    size_bytes: int = 0
    is_executable: bool = False
    target: str = ""
    """Of a link."""


def bad_zip() -> errors.InvalidParameterValueError:
    """Return what AWS answers for a file that is not a sound zip."""
    return errors.InvalidParameterValueError(
        "Could not unzip uploaded file. Please check your file, then try to upload again."
    )


def require_readable(info: zipfile.ZipInfo) -> None:
    """Refuse what is encrypted or compressed in a way that Lambda does not read."""
    if info.flag_bits & _ENCRYPTED_FLAGS or info.compress_type not in _COMPRESSIONS:
        raise bad_zip()


def path_of(info: zipfile.ZipInfo) -> str:
    """Return the path that an entry goes to; empty for the destination itself."""
    name = _name(info)
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise bad_zip()
    path = "/".join(parts)
    if len(path.encode()) > PATH_BYTES_MAX:
        raise bad_zip()
    if any(len(part.encode()) > NAME_BYTES_MAX for part in parts):
        raise bad_zip()
    return path


def type_of(info: zipfile.ZipInfo) -> EntryType:
    """Return what an entry becomes. Refuses devices, pipes and the like."""
    match stat.S_IFMT(info.external_attr >> 16):
        case stat.S_IFLNK:
            return EntryType.LINK
        case stat.S_IFDIR:
            return EntryType.FOLDER
        case 0 | stat.S_IFREG:
            return EntryType.FOLDER if _name(info).endswith("/") else EntryType.FILE
        case _:
            raise bad_zip()


def _name(info: zipfile.ZipInfo) -> str:
    # `filename` ends at the first NUL and would hide what follows.
    name = info.orig_filename
    if "\0" in name:
        raise bad_zip()
    if info.create_system in _WINDOWS_HOSTS:
        name = name.replace("\\", "/")
        if name[1:2] == ":":
            raise bad_zip()
    return name
