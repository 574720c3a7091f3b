"""Which of a function's own log events a level keeps."""

import pytest

from inglenook.telemetry.levels import ApplicationLevel

AT = '"timestamp": "2026-11-21T13:46:00.000Z"'


@pytest.mark.parametrize(
    ("level", "message", "is_kept"),
    [
        ("INFO", f'{{{AT}, "level": "DEBUG"}}\n', False),
        ("INFO", f'{{{AT}, "level": "info"}}\n', True),
        ("DEBUG", f'{{{AT}, "level": "DEBUG"}}', True),
        ("ERROR", f'{{{AT}, "level": "WARNING"}}', False),
        ("FATAL", f'{{{AT}, "level": "CRITICAL"}}', True),
        # No level, or none that means something, or no time: INFO.
        ("INFO", f"{{{AT}}}", True),
        ("WARN", f"{{{AT}}}", False),
        ("WARN", f'{{{AT}, "level": "loud"}}', False),
        ("WARN", f'{{{AT}, "level": 5}}', False),
        ("INFO", '{"level": "DEBUG"}', True),
        ("WARN", '{"timestamp": "yesterday", "level": "ERROR"}', False),
        ("TRACE", f'{{{AT}, "level": "TRACE"}}', True),
        # Not an object.
        ("FATAL", "plain text\n", True),
        ("FATAL", "{not JSON\n", True),
        ("FATAL", "", True),
        ("FATAL", '{"a": "\ud800"}', True),
    ],
)
def test_an_event_is_kept_from_its_level_on(level: str, message: str, is_kept: bool) -> None:
    assert ApplicationLevel(level).keeps(message) == is_kept
