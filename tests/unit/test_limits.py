"""That every limit says where it comes from, is used, is on its page and is held by a test."""

import ast
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support import sources

from inglenook.capacity import rates
from inglenook.model import limits

ROOT = Path(__file__).resolve().parents[2]
OTHER_SOURCES = re.compile(r"ours|error text of [\w.]+|CloudWatch Logs")
NAMES = sorted(name for name in vars(limits) if name.isupper())
# What runs beside functions has no packages of ours, and so its own copy of some of them.
APART = ROOT / "runtime-images" / "python"


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """tools/limits.py, which is a program and no part of a package."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        spec = importlib.util.spec_from_file_location("limits_page", ROOT / "tools" / "limits.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return module


def rows(page: ModuleType) -> list:
    return [row for table in page.limits_table.tables().values() for row in table]


def test_every_limit_is_stated_somewhere(page: ModuleType) -> None:
    stated = page.stated()
    assert sorted(stated) == NAMES
    faults = {
        (name, source): fault
        for name, found in stated.items()
        for source in found
        if not OTHER_SOURCES.fullmatch(source) and (fault := sources.fault(source))
    }
    assert faults == {}


def test_every_row_is_stated_somewhere(page: ModuleType) -> None:
    stated = page.stated()
    for row in rows(page):
        found = page.sources_of(row, stated)
        assert found, row.what
        for source in found:
            assert OTHER_SOURCES.fullmatch(source) or sources.fault(source) is None, row.what


def test_the_page_is_what_the_code_says(page: ModuleType) -> None:
    assert page.PAGE.read_text() == page.page()


def test_no_limit_is_in_two_rows(page: ModuleType) -> None:
    named = [name for row in rows(page) for name in row.names if not name.startswith("model:")]
    assert sorted(named) == sorted(set(named))


def test_every_limit_with_an_error_is_held_by_a_test(page: ModuleType) -> None:
    for row in rows(page):
        assert row.held_by or not row.error, row.what
        if row.held_by:
            file, _, test = row.held_by.partition("::")
            assert re.search(rf"def {test}\(", (ROOT / "tests" / file).read_text()), row.held_by


def test_every_limit_is_used() -> None:
    folders = ("core", "gateway", "worker", "local", "runtime-images")
    used: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        if path != Path(inspect.getfile(limits)):
            used.update(re.findall(r"\blimits\.([A-Z_0-9]+)\b", path.read_text()))
    # `KAFKA_POLLERS_MIN` and its like are used by name; what is not is dead or not enforced.
    assert set(NAMES) - used == set()


def is_telling(value: object) -> bool:
    """Whether a figure can hardly be anything but this limit."""
    if not isinstance(value, int) or value < 1100 or not value & (value - 1):
        return False
    return value > 100_000 or bool(value % 1000 and value % 1024)


def test_no_limit_is_written_out_elsewhere() -> None:
    telling = {value for name in NAMES if is_telling(value := getattr(limits, name))}
    assert {limits.PAYLOAD_BYTES_MAX, limits.EVENT_AGE_S_MAX} <= telling
    modules = (
        path
        for folder in ("core", "gateway", "worker", "local", "runtime-images/agent")
        for path in (ROOT / folder).rglob("*.py")
        if path != Path(inspect.getfile(limits))
    )
    assert [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in telling
    ] == []


def test_what_runs_beside_functions_has_the_same_figures() -> None:
    source = (APART / "inglenook_runtime" / "storage.py").read_text()
    assert f"SIZE_MB = {limits.EPHEMERAL_STORAGE_MB_MIN}\n" in source


@pytest.mark.parametrize(
    ("operation", "most"), [("GetFunction", 100), ("GetPolicy", 15), ("ListTags", 15)]
)
def test_calls_of_the_api_have_a_rate(operation: str, most: int) -> None:
    rate = rates.ApiRate(now=0.0)
    assert [rate.take(operation, 0.0) for _ in range(most)] == [0.0] * most
    wait_s = rate.take(operation, 0.0)
    assert wait_s == pytest.approx(1 / most)
    assert rate.take(operation, wait_s) == 0.0


def test_what_has_no_rate_of_its_own_shares_one() -> None:
    rate = rates.ApiRate(now=0.0)
    for number in range(15):
        assert rate.take(("ListTags", "CreateFunction", "DeleteAlias")[number % 3], 0.0) == 0.0
    assert rate.take("ListFunctions", 0.0) > 0.0
    assert rate.take("GetFunction", 0.0) == rate.take("GetPolicy", 0.0) == 0.0
