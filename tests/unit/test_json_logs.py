"""The platform's own log in pods."""

import io
import json
import logging

import pytest

from inglenook.telemetry import json_logs


def formatted(**members) -> dict:
    record = logging.makeLogRecord(
        {"name": "inglenook.part", "levelname": "INFO", "msg": "it began", "created": 1.5} | members
    )
    line = json_logs.JsonFormatter().format(record)
    assert "\n" not in line
    return json.loads(line)


def test_a_record_is_a_line_with_its_time_level_logger_and_message():
    assert formatted() == {
        "timestamp": "1970-01-01T00:00:01.500Z",
        "level": "INFO",
        "logger": "inglenook.part",
        "message": "it began",
    }


def test_extra_fields_are_members_of_the_line():
    line = formatted(function="f", request_id="r", n=3)
    assert (line["function"], line["request_id"], line["n"]) == ("f", "r", 3)


def test_an_extra_field_never_replaces_one_of_the_line():
    line = formatted(level="mine", logger="mine", timestamp="mine")
    assert (line["level"], line["level_"]) == ("INFO", "mine")
    assert (line["logger"], line["logger_"]) == ("inglenook.part", "mine")
    assert line["timestamp_"] == "mine"


def test_the_message_takes_its_arguments():
    assert formatted(msg="%s of %d", args=("one", 2))["message"] == "one of 2"


def test_arguments_that_do_not_fit_are_shown():
    assert formatted(msg="%d", args=("one",))["message"] == "%d ('one',)"


def test_an_exception_is_told_in_full():
    error = ValueError("lost\nline")
    line = formatted(exc_info=(type(error), error, error.__traceback__))
    assert line["exception"] == "ValueError: lost\nline"


@pytest.mark.parametrize("value", [object(), {1: object()}, "\ud800", {"a": "\ud800"}, {(1,): 2}])
def test_what_json_cannot_say_is_described(value):
    assert formatted(odd=value)["odd"]


def test_a_circle_is_described():
    circle: list = []
    circle.append(circle)
    assert formatted(odd=circle)["odd"] == "[[...]]"


@pytest.fixture
def root():
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def test_configured_the_process_logs_lines_of_json_alone(root):
    written = io.StringIO()
    json_logs.configure(logging.INFO, written)
    json_logs.configure(logging.INFO, written)
    logging.getLogger("a.part").info("once", extra={"function": "f"})
    logging.getLogger("a.part").debug("never")
    (line,) = written.getvalue().splitlines()
    assert json.loads(line)["function"] == "f"
