"""The trace header in a function's environment variables, whoever reads or changes them."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest

from inglenook_runtime import trace_id

NAME = "_X_AMZN_TRACE_ID"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = os.environ.pop(NAME, None)
    yield
    os.environ.pop(NAME, None)
    if before is not None:
        os.environ[NAME] = before


def of_a_program() -> str:
    """Return what a program that is started now finds."""
    script = f"import os; print(os.environ.get({NAME!r}))"
    started = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    return started.stdout.strip()


def test_each_invocation_has_its_own() -> None:
    shown = trace_id.TraceId()
    for value in ("Root=1-a;Sampled=1", "Root=1-a;Parent=b;Sampled=0", "x", "Root=1-é"):
        shown.show(value)
        assert os.environ[NAME] == value
        assert of_a_program() == value


def test_without_one_there_is_no_variable() -> None:
    shown = trace_id.TraceId()
    shown.show("Root=1-a")
    shown.show(None)
    assert NAME not in os.environ
    assert of_a_program() == "None"
    shown.show("Root=1-b")
    assert of_a_program() == "Root=1-b"


@pytest.mark.parametrize("what", ["removes", "replaces", "clears"])
def test_what_a_function_does_to_it_lasts_until_the_next_invocation(what: str) -> None:
    shown = trace_id.TraceId()
    shown.show("Root=1-a")
    before = dict(os.environ)
    match what:
        case "removes":
            del os.environ[NAME]
        case "replaces":
            os.environ[NAME] = "its own"
        case _:
            os.environ.clear()
    found = os.environ.get(NAME)
    os.environ.update({name: value for name, value in before.items() if name != NAME})
    assert of_a_program() == str(found)
    shown.show("Root=1-b")
    assert os.environ[NAME] == of_a_program() == "Root=1-b"


def test_a_very_long_one_is_shown_too() -> None:
    shown = trace_id.TraceId()
    for value in ("Root=1-a", "Root=1-" + "b" * 5000, "Root=1-c"):
        shown.show(value)
        assert os.environ[NAME] == of_a_program() == value


def test_a_function_that_puts_a_mapping_of_its_own_in_place_finds_it_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = trace_id.TraceId()
    shown.show("Root=1-a")
    own: dict[str, str] = {}
    monkeypatch.setattr(os, "environ", own)
    shown.show("Root=1-b")
    assert own == {NAME: "Root=1-b"}


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_a_hundred_thousand_invocations_leave_nothing_behind() -> None:
    shown = trace_id.TraceId()
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(100_000):
        shown.show(f"Root=1-{number:032x};Parent=0123456789abcdef;Sampled=0")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 4096
