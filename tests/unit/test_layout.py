"""Rules of the layout that no linter knows (CONTRIBUTING.md says why they are rules)."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = ("core", "gateway", "local", "runtime-images", "runtime-images/agent")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "manager"}


def modules() -> list[Path]:
    folders = [ROOT / component for component in COMPONENTS[:4]] + [ROOT / "tools"]
    return [path for folder in folders for path in folder.rglob("*.py")]


def test_no_module_is_longer_than_400_lines() -> None:
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := path.read_bytes().count(b"\n")) > 400
    }
    assert too_long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in modules() if path.stem in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_folder_is_not_a_package(component: str) -> None:
    assert not (ROOT / component / "__init__.py").exists()


def test_nothing_names_a_package_registry() -> None:
    hosts = [
        b".".join(parts)
        for parts in ((b"pypi", b"org"), (b"pythonhosted", b"org"), (b"npmjs", b"org"))
    ]
    texts = [ROOT / "dev", ROOT / "pyproject.toml", ROOT / ".ci" / "run", *ROOT.glob("*.md")]
    for folder in ("docs", "tools", "examples"):
        texts += [
            path
            for path in (ROOT / folder).rglob("*")
            if path.suffix in {".md", ".py", ".txt"} and "build" not in path.parts
        ]
    assert [path for path in texts if any(host in path.read_bytes() for host in hosts)] == []
