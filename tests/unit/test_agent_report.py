"""The platform's lines, to the last tab."""

import json

import msgspec
import pytest

from inglenook.telemetry import report

NOW = 1_795_268_760.0
PYTHON = report.RuntimeVersion(name="python:3.13.v1", arn="arn:aws:lambda:us-east-1::runtime:0")
FIGURES = report.Report(
    request_id="r-1", duration_ms=1.234, billed_ms=2, memory_mb=128, max_memory_mb=36
)


def test_a_good_report_ends_with_a_tab() -> None:
    assert report.TextLines().report(FIGURES, NOW) == (
        "REPORT RequestId: r-1\tDuration: 1.23 ms\tBilled Duration: 2 ms"
        "\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n"
    )


def test_the_first_report_tells_of_init() -> None:
    first = report.Report(
        request_id="r-1",
        duration_ms=1.0,
        billed_ms=86,
        memory_mb=128,
        max_memory_mb=36,
        init_ms=84.3,
    )
    assert report.TextLines().report(first, NOW).endswith("36 MB\tInit Duration: 84.30 ms\t\n")


def test_a_bad_report_says_how_it_ended() -> None:
    late = report.Report(
        request_id="r-1",
        duration_ms=3000.0,
        billed_ms=3000,
        memory_mb=128,
        max_memory_mb=36,
        status=report.Status.TIMEOUT,
    )
    lost = report.Report(
        request_id="r-1",
        duration_ms=3.0,
        billed_ms=3,
        memory_mb=128,
        max_memory_mb=36,
        status=report.Status.ERROR,
        error_type="Runtime.ExitError",
    )
    lines = report.TextLines()
    assert lines.report(late, NOW).endswith("36 MB\tStatus: timeout\n")
    assert lines.report(lost, NOW).endswith("\tStatus: error\tError Type: Runtime.ExitError\n")


def test_a_failed_init_has_a_report_of_its_own() -> None:
    failed = report.InitReport(
        duration_ms=122.22,
        phase=report.Phase.INIT,
        status=report.Status.ERROR,
        error_type="Runtime.ImportModuleError",
    )
    assert report.TextLines().init_report(failed, NOW) == (
        "INIT_REPORT Init Duration: 122.22 ms\tPhase: init\tStatus: error"
        "\tError Type: Runtime.ImportModuleError\n"
    )


def test_other_lines_read_as_lambdas() -> None:
    lines = report.TextLines()
    start = report.InitStart(
        runtime=PYTHON,
        function_name="f",
        version="$LATEST",
    )
    assert lines.init_start(start, NOW) == (
        "INIT_START Runtime Version: python:3.13.v1"
        "\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:0\n"
    )
    assert lines.start("r-1", "7", NOW) == "START RequestId: r-1 Version: 7\n"
    assert lines.end("r-1") == "END RequestId: r-1\n"
    assert report.timeout_line("r-1", 3, NOW) == (
        "2026-11-21T13:46:00.000Z r-1 Task timed out after 3.00 seconds\n\n"
    )


def test_json_lines_are_platform_events() -> None:
    lines = report.lines("JSON")
    assert json.loads(lines.report(FIGURES, NOW)) == {
        "time": "2026-11-21T13:46:00.000Z",
        "type": "platform.report",
        "record": {
            "requestId": "r-1",
            "metrics": {
                "durationMs": 1.234,
                "billedDurationMs": 2,
                "memorySizeMB": 128,
                "maxMemoryUsedMB": 36,
            },
            "status": "success",
        },
    }
    assert lines.end("r-1") is None
    assert json.loads(lines.start("r-1", "7", NOW))["type"] == "platform.start"


@pytest.mark.parametrize(
    ("duration_ms", "init_ms", "billed"),
    [(0.2, None, 1), (1.0, None, 1), (1.01, None, 2), (1.01, 84.3, 86), (3000.0, None, 3000)],
)
def test_billing_rounds_up_and_counts_init(
    duration_ms: float, init_ms: float | None, billed: int
) -> None:
    assert report.billed_ms(duration_ms, init_ms) == billed


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("DEBUG", ["initStart", "start", "report", "report", "initReport"]),
        ("INFO", ["initStart", "start", "report", "report", "initReport"]),
        ("WARN", ["report", "initReport"]),
    ],
)
def test_the_system_log_level_leaves_events_out(level: str, kept: list[str]) -> None:
    lines = report.lines("JSON", level)
    start = report.InitStart(
        runtime=PYTHON,
        function_name="f",
        version="7",
    )
    timed_out = report.InitReport(
        duration_ms=10_000.0, phase=report.Phase.INIT, status=report.Status.TIMEOUT
    )
    written = [
        lines.init_start(start, NOW),
        lines.start("r-1", "7", NOW),
        lines.report(FIGURES, NOW),
        lines.report(msgspec.structs.replace(FIGURES, status=report.Status.TIMEOUT), NOW),
        lines.init_report(timed_out, NOW),
    ]
    kinds = [json.loads(line)["type"] for line in written if line is not None]
    assert kinds == [f"platform.{kind}" for kind in kept]


def test_an_images_init_names_no_runtime() -> None:
    start = report.InitStart(runtime=None, function_name="f", version="7")
    assert report.TextLines().init_start(start, NOW) is None
    told = report.lines("JSON", "INFO").init_start(start, NOW)
    assert told is not None
    assert json.loads(told)["record"] == {
        "initializationType": "on-demand",
        "phase": "init",
        "functionName": "f",
        "functionVersion": "7",
    }
