"""Deployment packages: what is unpacked, how, and what is refused."""

import io
import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inglenook import errors
from inglenook.model import limits
from inglenook.store import archive, entries, links

COULD_NOT_UNZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
REGULAR = stat.S_IFREG | 0o644
LINK = stat.S_IFLNK | 0o777
UNIX, WINDOWS = 3, 0

Member = tuple[str, bytes, int, int]
"""Name, content, Unix mode and host system of an entry."""


def file(name: str, content: bytes = b"x", mode: int = REGULAR, host: int = UNIX) -> Member:
    return name, content, mode, host


def link(name: str, target: str) -> Member:
    return name, target.encode(), LINK, UNIX


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "task"


def zipped(*members: Member, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for name, content, mode, host in members:
            info = zipfile.ZipInfo()
            info.filename = name
            info.external_attr = mode << 16
            info.create_system = host
            package.writestr(info, content, compression)
    return buffer.getvalue()


def edited(data: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """Overwrite a field of the first record with this signature."""
    start = data.index(signature) + offset
    return data[:start] + value + data[start + len(value) :]


def flagged(data: bytes, flags: int) -> bytes:
    field = flags.to_bytes(2, "little")
    return edited(edited(data, b"PK\x03\x04", 6, field), b"PK\x01\x02", 8, field)


def tree(root: Path) -> dict[str, object]:
    """Return the paths under `root`: bytes for a file, a link's target, None for a folder."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = None if path.is_dir() else path.read_bytes()
    return found


def assert_refused(data: bytes, destination: Path, message: str = COULD_NOT_UNZIP) -> None:
    before = tree(destination.parent)
    with pytest.raises(errors.InvalidParameterValueError) as caught:
        archive.unpack(data, destination)
    assert caught.value.message == message
    with pytest.raises(errors.InvalidParameterValueError) as caught:
        archive.inspect(data, contents=True)
    assert caught.value.message == message
    assert tree(destination.parent) == before


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_folders_are_unpacked_as_they_were_packed(destination: Path) -> None:
    data = zipped(
        file("app.py", b"code"),
        file("pkg/__init__.py", b""),
        file("pkg/data/größe.bin", b"\0" * 3_000_000),
        file("empty/", b"", stat.S_IFDIR | 0o755),
    )
    found = archive.unpack(data, destination)
    assert tree(destination) == {
        "app.py": b"code",
        "empty": None,
        "pkg": None,
        "pkg/__init__.py": b"",
        "pkg/data": None,
        "pkg/data/größe.bin": b"\0" * 3_000_000,
    }
    assert found == archive.inspect(data, contents=True)
    assert found.unzipped_bytes == 3_000_004
    assert [entry.path for entry in found.entries] == [
        "app.py",
        "pkg/__init__.py",
        "pkg/data/größe.bin",
    ]


def test_a_zip_may_be_given_as_a_file(tmp_path: Path, destination: Path) -> None:
    path = tmp_path / "code.zip"
    path.write_bytes(zipped(file("a")))
    archive.unpack(path, destination)
    assert archive.inspect(path).unzipped_bytes == 1
    assert tree(destination) == {"a": b"x"}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0, 0o644),
        (REGULAR, 0o644),
        (stat.S_IFREG | 0o600, 0o644),
        (stat.S_IFREG | 0o666, 0o644),
        (stat.S_IFREG | 0o700, 0o755),
        (stat.S_IFREG | 0o755, 0o755),
        (stat.S_IFREG | 0o4755, 0o755),
        (stat.S_IFREG | 0o001, 0o755),
    ],
)
def test_executable_stays_executable_and_everybody_may_read(
    destination: Path, mode: int, expected: int
) -> None:
    before = os.umask(0o077)
    try:
        archive.unpack(zipped(file("bin/run", mode=mode)), destination)
    finally:
        os.umask(before)
    assert permissions(destination / "bin/run") == expected
    assert permissions(destination / "bin") == 0o755
    assert permissions(destination) == 0o755


def test_links_to_inside_are_kept_as_links(destination: Path) -> None:
    data = zipped(
        link("lib/current", "v1/code.so"),
        file("lib/v1/code.so", b"so"),
        link("top", "lib/../lib/current"),
        link("lib/v1/up", "../.."),
        link("dangling", "not/there"),
    )
    archive.unpack(data, destination)
    assert (destination / "top").read_bytes() == b"so"
    assert (destination / "lib/v1/up").resolve() == destination.resolve()
    assert (destination / "dangling").readlink() == Path("not/there")


@pytest.mark.parametrize(
    "members",
    [
        [link("a", "/etc/passwd")],
        [link("a", "../b")],
        [link("d/a", "../../b")],
        [link("a", "b/../../c"), file("b/x")],
        [link("a/b/root", "../.."), link("out", "a/b/root/..")],
        [link("a", "b"), link("b", "a")],
        [link("a", "a")],
        [link("a", "")],
        [link("a", "x" * 1025)],
        [link("a", "x\0y")],
        [("a", b"\xff\xfe", LINK, UNIX)],
        [link("a", "."), file("a/x")],
        [file("a/x"), link("a", ".")],
    ],
)
def test_links_that_lead_outside_or_nowhere_or_into_other_entries_are_refused(
    destination: Path, members: list[Member]
) -> None:
    assert_refused(zipped(*members), destination)


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../a",
        "a/../../b",
        "a/..",
        "..",
        "a\0.py",
        "./",
        "n" * 256,
        "/".join(["d" * 200] * 6),
    ],
)
def test_names_that_lead_outside_or_are_none_are_refused(destination: Path, name: str) -> None:
    assert_refused(zipped(file(name)), destination)


def test_dots_and_doubled_slashes_in_names_mean_nothing(destination: Path) -> None:
    archive.unpack(zipped(file("./a//./b.py"), file("./", b"")), destination)
    assert tree(destination) == {"a": None, "a/b.py": b"x"}


def test_backslashes_separate_folders_if_packed_on_windows(destination: Path) -> None:
    data = zipped(
        file("pkg\\mod.py", mode=0, host=WINDOWS),
        file("dir\\", b"", mode=0, host=WINDOWS),
        file("un\\ix", host=UNIX),
    )
    archive.unpack(data, destination)
    assert tree(destination) == {"dir": None, "pkg": None, "pkg/mod.py": b"x", "un\\ix": b"x"}


@pytest.mark.parametrize("name", ["..\\a", "a\\..\\..\\b", "\\a", "C:\\a", "c:a", "\\\\host\\a"])
def test_windows_names_that_lead_outside_are_refused(destination: Path, name: str) -> None:
    assert_refused(zipped(file(name, mode=0, host=WINDOWS)), destination)


@pytest.mark.parametrize(
    "mode", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK], ids=stat.filemode
)
def test_devices_pipes_and_sockets_are_refused(destination: Path, mode: int) -> None:
    assert_refused(zipped(file("a", mode=mode | 0o644)), destination)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "members",
    [
        [file("a"), file("a")],
        [file("a"), file("./a")],
        [file("a"), link("a", "b")],
        [file("a"), file("a/b")],
        [file("a/b"), file("a")],
        [file("a"), file("a/", b"", stat.S_IFDIR | 0o755)],
        [file("a/", b"content", stat.S_IFDIR | 0o755)],
    ],
)
def test_entries_that_contradict_each_other_are_refused(
    destination: Path, members: list[Member]
) -> None:
    assert_refused(zipped(*members), destination)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_naming_a_folder_twice_does_no_harm(destination: Path) -> None:
    folder = file("a/", b"", stat.S_IFDIR | 0o755)
    archive.unpack(zipped(file("a/b"), folder, folder), destination)
    assert tree(destination) == {"a": None, "a/b": b"x"}


@pytest.mark.parametrize("data", [b"", zipped()], ids=["no bytes", "no entries"])
def test_an_empty_zip_is_refused(destination: Path, data: bytes) -> None:
    assert_refused(data, destination, "Uploaded file must be a non-empty zip")


def test_what_is_not_a_zip_is_refused(destination: Path) -> None:
    assert_refused(b"#!/bin/sh\necho this is no zip\n", destination)


def test_a_zip_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    data = zipped(file("a.py", b"code" * 10), file("b.py", b"more"))
    for length in range(1, len(data)):
        assert_refused(data[:length], tmp_path / "task")


def test_a_content_that_does_not_match_its_checksum_is_refused(destination: Path) -> None:
    data = zipped(file("a.py", b"print(1)"), compression=zipfile.ZIP_STORED)
    assert_refused(data.replace(b"print(1)", b"print(2)", 1), destination)


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x2000])
def test_an_encrypted_entry_is_refused(destination: Path, flags: int) -> None:
    assert_refused(flagged(zipped(file("a")), flags), destination)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_lambda_does_not_read_is_refused(
    destination: Path, compression: int
) -> None:
    assert_refused(zipped(file("a"), compression=compression), destination)


def declared(data: bytes, size_bytes: int) -> bytes:
    return edited(data, b"PK\x01\x02", 24, size_bytes.to_bytes(4, "little"))


def test_the_unzipped_size_is_bounded_by_what_the_zip_declares(destination: Path) -> None:
    too_large = "Unzipped size must be smaller than 262144000 bytes"
    data = zipped(file("a"))
    assert_refused(declared(data, limits.UNZIPPED_BYTES_MAX), destination, too_large)
    largest = declared(data, limits.UNZIPPED_BYTES_MAX - 1)
    assert archive.inspect(largest).unzipped_bytes == limits.UNZIPPED_BYTES_MAX - 1
    two = zipped(file("a"), file("b", b"x" * 100))
    assert_refused(declared(two, limits.UNZIPPED_BYTES_MAX - 100), destination, too_large)


@pytest.mark.parametrize("size_bytes", [0, 10, 1_999_999, 2_000_001])
def test_a_content_longer_or_shorter_than_declared_is_refused(
    destination: Path, size_bytes: int
) -> None:
    data = zipped(file("bomb", b"\0" * 2_000_000))
    assert_refused(declared(data, size_bytes), destination)


def test_a_zip_of_a_zip_bomb_unpacks_to_the_inner_zip_only(destination: Path) -> None:
    inner = zipped(file("bomb", b"\0" * 1_000_000))
    archive.unpack(zipped(file("inner.zip", inner)), destination)
    assert tree(destination) == {"inner.zip": inner}


def test_too_many_entries_or_folders_are_refused(
    destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ARCHIVE_ENTRIES_MAX", 10)
    ten = [file(f"{number}") for number in range(10)]
    archive.inspect(zipped(*ten))
    assert_refused(zipped(*ten, file("one more")), destination)
    assert_refused(zipped(file("/".join("abcdefghijk"))), destination)
    archive.inspect(zipped(file("/".join("abcdefghi"))))


def test_names_that_differ_in_case_are_two_where_the_disk_allows_it(destination: Path) -> None:
    data = zipped(file("a", b"1"), file("A", b"2"))
    if (destination.parent / destination.parent.name.upper()).exists():
        assert_refused(data, destination)
    else:
        archive.unpack(data, destination)
        assert tree(destination) == {"a": b"1", "A": b"2"}


def test_what_stands_at_the_destination_is_not_touched(destination: Path) -> None:
    destination.mkdir()
    (destination / "mine").write_bytes(b"1")
    with pytest.raises(OSError, match="not empty"):
        archive.unpack(zipped(file("a")), destination)
    assert tree(destination.parent) == {"task": None, "task/mine": b"1"}


PARTS = st.sampled_from(["a", "b", "..", ".", "", "é", "\\", "C:", "\0", "a\\b", "...", "~"])
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
MODES = st.sampled_from([0, REGULAR, LINK, stat.S_IFDIR | 0o755, stat.S_IFIFO, 0o777])
MEMBERS = st.tuples(
    NAMES,
    st.one_of(st.binary(max_size=20), NAMES.map(str.encode)),
    MODES,
    st.sampled_from([UNIX, WINDOWS]),
)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(deadline=None, max_examples=300)
@given(members=st.lists(MEMBERS, min_size=1, max_size=5))
def test_whatever_the_entries_nothing_reaches_outside(
    members: list[Member], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzed-entries"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    root = folder / "task"
    try:
        archive.unpack(zipped(*members), root)
    except errors.InvalidParameterValueError:
        assert tree(folder) == {}
        return
    assert [path.name for path in folder.iterdir()] == ["task"]
    for path in root.rglob("*"):
        assert path.resolve().is_relative_to(root.resolve())


WHOLE = zipped(file("a.py", b"code" * 50), link("pkg/l", "../a.py"), file("pkg/b", b"\0" * 99))


@settings(deadline=None, max_examples=500)
@given(
    position=st.integers(0, len(WHOLE) - 1),
    replacement=st.binary(max_size=8),
    cut=st.integers(0, 8),
)
@example(position=0, replacement=b"", cut=0)
def test_whatever_the_bytes_the_answer_is_unpacked_or_refused(
    position: int, replacement: bytes, cut: int
) -> None:
    data = WHOLE[:position] + replacement + WHOLE[position + cut :]
    try:
        found = archive.inspect(data, contents=True)
    except errors.InvalidParameterValueError:
        return
    assert all(entry.path for entry in found.entries)
    assert all(entry.type is not entries.EntryType.FOLDER for entry in found.entries)


def test_a_chain_of_links_is_followed_as_far_as_linux_does() -> None:
    chain = {f"l{number}": f"l{number + 1}" for number in range(100)}
    assert links.stays_inside("l60", chain)
    assert not links.stays_inside("l59", chain)
