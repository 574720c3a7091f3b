"""Run the agent of a pod: `python -m inglenook_agent`, with settings from the environment.

The function's log goes to standard output, the agent's own to standard error, both as JSON.
"""

import asyncio
import signal
import sys

import uvloop

from inglenook import settings
from inglenook.telemetry import json_logs
from inglenook_agent import app


async def _run(tuned: settings.Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await app.serve(tuned, stop)


def main() -> None:
    try:
        tuned = settings.from_environment()
    except settings.SettingsError as exc:
        raise SystemExit(f"inglenook_agent: {exc}") from exc
    json_logs.configure(stream=sys.stderr)
    uvloop.run(_run(tuned))


if __name__ == "__main__":
    main()
