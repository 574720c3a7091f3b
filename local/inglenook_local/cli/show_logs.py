"""`inglenook logs`: a function's log, as far as it goes and, if wanted, as it goes on."""

import re
import sys
from datetime import UTC, datetime, timedelta

import msgspec

from inglenook.aio import clock
from inglenook_local.cli import client
from inglenook_local.cli.exits import CommandError, Exit

PATH = "/_inglenook/logs"
LIMIT_WITHOUT_SINCE = 1000
FOLLOW_TIMEOUT_S = 60.0
"""The endpoint says something every ten seconds, if only that it lives."""
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
DURATION = re.compile(r"(?:\d+[smhdw])+")


class Line(msgspec.Struct, frozen=True):
    """One event of the log."""

    timestamp_ms: int
    stream: str
    message: str


class LoggingConfig(msgspec.Struct, frozen=True, rename="pascal"):
    """Where a function logs to."""

    log_group: str | None = None


class Configuration(msgspec.Struct, frozen=True, rename="pascal"):
    """The part of a function's configuration that matters here."""

    logging_config: LoggingConfig = LoggingConfig()


def duration(text: str) -> timedelta:
    """Read `90s`, `10m`, `1h30m`, `2d`."""
    if not DURATION.fullmatch(text):
        raise CommandError(
            Exit.USAGE, f"{text} is not a length of time, such as 90s, 10m, 1h30m or 2d"
        )
    parts = re.findall(r"(\d+)([smhdw])", text)
    return timedelta(**{UNITS[unit]: int(number) for number, unit in parts})


def group_of(api: client.Client, name: str) -> str:
    """Return a function's log group; something with a leading slash is a group already.

    The log of a function that has been deleted is still there, under the usual name.
    """
    if name.startswith("/"):
        return name
    response = api.request("GET", client.function_path(name, "/configuration"))
    usual = f"/aws/lambda/{name}"
    if response.status == 404:
        past = api.get(PATH, {"group": usual, "limit": "1"})
        if past.body.strip():
            return usual
    client.refuse(response)
    return msgspec.json.decode(response.body, type=Configuration).logging_config.log_group or usual


def run(endpoint: str, name: str, since: str | None, *, follow: bool, json: bool) -> None:
    """Print events until the log, or with `follow` the platform, ends."""
    length = duration(since) if since else None
    with client.Client(endpoint) as api:
        query = {"group": group_of(api, name), "since_ms": "0"}
    if length is None:
        query["limit"] = str(LIMIT_WITHOUT_SINCE)
    else:
        start = clock.SystemClock.now() - length.total_seconds()
        query["since_ms"] = str(int(start * 1000))
    if follow:
        query["follow"] = "1"
    decode = msgspec.json.Decoder(Line).decode
    with client.Client(endpoint, FOLLOW_TIMEOUT_S) as api:
        for line in api.lines(PATH, query):
            sys.stdout.write(line.decode() if json else _readable(decode(line)))
            if follow:
                sys.stdout.flush()


def _readable(line: Line) -> str:
    moment = datetime.fromtimestamp(line.timestamp_ms / 1000, tz=UTC)
    text = line.message.rstrip("\n")
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{line.timestamp_ms % 1000:03d}Z"
    if sys.stdout.isatty():
        stamp = f"\x1b[2m{stamp}\x1b[0m"
    return f"{stamp} {text}\n"
