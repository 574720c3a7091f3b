"""`inglenook up`: run the platform in this process until it is told to stop.

SIGTERM and SIGINT begin an orderly stop (work in flight is finished); a second one ends it at once.
"""

import asyncio
import contextlib
import errno
import logging
import os
import resource
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvloop

from inglenook import errors, settings
from inglenook.aio import allocator, collector
from inglenook.store import documents
from inglenook_local import app
from inglenook_local.cli.exits import CommandError, Exit

_DESCRIPTORS = (1_048_576, 10_240)
"""How many would be good to have; then what macOS, which says it had no limit, really allows."""


def variables(endpoint: str, region: str) -> dict[str, str]:
    """Return the environment that points AWS tools at the endpoint.

    Credentials are needed because the tools refuse to work without, not because they are checked.
    """
    return {
        "AWS_ENDPOINT_URL_LAMBDA": endpoint,
        "AWS_ACCESS_KEY_ID": "inglenook",
        "AWS_SECRET_ACCESS_KEY": "inglenook",
        "AWS_DEFAULT_REGION": region,
    }


def run(options: app.Options, *, json: bool, verbose: bool) -> None:
    """Serve until a signal. Raises `CommandError` if it cannot start."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    _raise_descriptor_limit()
    _ = allocator.keep()
    announce = _announce_json if json else _announce
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(
                _serve(options, lambda endpoint, sandbox: announce(endpoint, sandbox, options))
            )
    except (documents.StoreError, settings.SettingsError, errors.ApiError) as error:
        raise CommandError(Exit.NOT_STARTED, str(error)) from error
    except OSError as error:
        raise CommandError(Exit.NOT_STARTED, _explain(error, options)) from error


def _raise_descriptor_limit() -> None:
    """Allow this process what it may allow itself: each environment takes three descriptors.

    Functions get Lambda's limit all the same.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in _DESCRIPTORS:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft != resource.RLIM_INFINITY and allowed > soft:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
                return


async def _serve(options: app.Options, ready: Callable[[str, str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, stop, number)

    def announce(endpoint: str, sandbox: str) -> None:
        collector.spare_what_stays()
        ready(endpoint, sandbox)

    await app.serve(options, ready=announce, stop=stop)


def _on_signal(stop: asyncio.Event, number: signal.Signals) -> None:
    if stop.is_set():
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    stop.set()


def _explain(error: OSError, options: app.Options) -> str:
    where = f"port {options.port} on {options.host}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where} is in use; choose another one with --port (0 takes any free one)"
        case errno.EADDRNOTAVAIL:
            return f"this machine has no address {options.host}; see --host"
        case errno.EACCES | errno.EPERM if error.filename is None:
            return f"{where} may not be used by you; choose another one with --port"
        case _:
            return f"cannot start: {error}"


def _announce_json(endpoint: str, sandbox: str, options: app.Options) -> None:
    line = {
        "endpoint": endpoint,
        "region": options.region,
        "account": options.account,
        "data": str(options.data),
        "pid": os.getpid(),
        "sandbox": sandbox,
        "environment": variables(endpoint, options.region),
    }
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _announce(endpoint: str, sandbox: str, options: app.Options) -> None:
    exports = "".join(
        f"  export {name}={shlex.quote(value)}\n"
        for name, value in variables(endpoint, options.region).items()
    )
    sys.stdout.write(
        f"Inglenook serves the Lambda API at {endpoint}\n"
        f"region {options.region}, account {options.account}, data in {_short(options.data)}\n"
        f"sandbox of functions: {sandbox}\n\n"
        f"Point the aws CLI, boto3 and others at it:\n\n{exports}\n"
        "Ctrl-C stops it.\n"
    )
    sys.stdout.flush()


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError, RuntimeError):
        return f"~/{path.relative_to(Path.home())}"
    return str(path)
