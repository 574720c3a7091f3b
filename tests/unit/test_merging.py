"""Layers over each other, on a real disk."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from inglenook.store import durable, merging

Tree = Mapping[str, str | None]
"""Path to a file's text, to `-> target` of a link, or to None for an empty folder."""


@pytest.fixture
def merged(tmp_path: Path) -> Callable[..., dict[str, str | None]]:
    def merge(*layers: Tree) -> dict[str, str | None]:
        sources = [tmp_path / str(number) for number in range(len(layers))]
        for source, layer in zip(sources, layers, strict=True):
            source.mkdir()
            _make(source, layer)
        merging.merge(sources, tmp_path / "opt")
        return _read(tmp_path / "opt")

    return merge


def _make(root: Path, tree: Tree) -> None:
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        elif content.startswith("-> "):
            path.symlink_to(content[3:])
        else:
            path.write_text(content)


def _read(root: Path) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text()
        elif not any(path.iterdir()):
            found[name] = None
    return found


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([{"a": "1"}, {"b": "2"}], {"a": "1", "b": "2"}),
        ([{"a": "1"}, {"a": "2"}], {"a": "2"}),
        ([{"a": "1"}, {"a": "2"}, {"a": "3", "b": "3"}], {"a": "3", "b": "3"}),
        ([{"d/x": "1", "d/y": "1"}, {"d/y": "2", "d/e/z": "2"}],
         {"d/x": "1", "d/y": "2", "d/e/z": "2"}),
        ([{"d/x": "1"}, {"d": None}], {"d/x": "1"}),
        ([{"d/x": "1"}, {"d": "2"}], {"d": "2"}),
        ([{"d": "1"}, {"d/x": "2"}], {"d/x": "2"}),
        ([{"real/x": "1", "d": "-> real"}, {"d/x": "2"}], {"real/x": "1", "d/x": "2"}),
        ([{"real": "1", "a": "-> real"}, {"a": "2"}], {"real": "1", "a": "2"}),
        ([{"a": "1", "b": "1"}, {"a": "-> b"}], {"a": "-> b", "b": "1"}),
        ([{"d/x": "1"}, {"d": "-> nowhere"}], {"d": "-> nowhere"}),
        ([{"a": "-> one"}, {"a": "-> two"}], {"a": "-> two"}),
    ],
)  # fmt: skip
def test_later_layers_go_over_earlier_ones(
    merged: Callable[..., dict[str, str | None]], layers: list[Tree], expected: Tree
) -> None:
    assert merged(*layers) == dict(sorted(expected.items()))


def test_what_can_be_executed_stays_so_and_layers_stay_as_they_are(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, text in ((one, "1"), (two, "2")):
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "tool").write_text(text)
    (two / "bin" / "tool").chmod(0o755)
    merging.merge([one, two], tmp_path / "opt")
    assert os.access(tmp_path / "opt" / "bin" / "tool", os.X_OK)
    assert ((one / "bin" / "tool").read_text(), (two / "bin" / "tool").read_text()) == ("1", "2")
    assert (tmp_path / "opt").stat().st_mode & 0o777 == 0o755


def test_files_are_shared_with_the_layers_they_come_from(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "x").write_text("1")
    merging.merge([tmp_path / "one"], tmp_path / "opt")
    assert (tmp_path / "opt" / "x").samefile(tmp_path / "one" / "x")


def test_where_files_cannot_be_shared_they_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "x").write_text("1")
    (tmp_path / "one" / "x").chmod(0o755)
    merging.merge([tmp_path / "one"], tmp_path / "opt")
    assert (tmp_path / "opt" / "x").read_text() == "1"
    assert os.access(tmp_path / "opt" / "x", os.X_OK)


def test_a_merge_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "x").write_text("1")
    with pytest.raises(FileNotFoundError):
        merging.merge([tmp_path / "one", tmp_path / "absent"], tmp_path / "opt")
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert not list(tmp_path.glob(f"{durable.PARTIAL_PREFIX}*"))
