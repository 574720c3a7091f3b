"""The commands and their options, and the one place where a command's failure is printed.

Only signatures stand here: what a command does is in its own module, imported when it is run.
"""

# ruff: noqa: PLC0415, PLR0913, PLR0917 - see above; a command has as many options as it has

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from inglenook_local.cli.exits import CommandError, Exit

PORT = 9550
"""Not registered with IANA for anything, below the ephemeral range, easy to type."""
DATA = Path("~/.local/share/inglenook")

app = typer.Typer(
    name="inglenook",
    help="AWS Lambda on your own machines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Endpoint = Annotated[
    str,
    typer.Option(
        help="URL of the platform.",
        envvar=["INGLENOOK_ENDPOINT", "AWS_ENDPOINT_URL_LAMBDA"],
        show_default=f"http://127.0.0.1:{PORT}",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines, for scripts.")]
DEFAULT_ENDPOINT = f"http://127.0.0.1:{PORT}"


def _account(text: str) -> str:
    if not re.fullmatch(r"\d{12}", text):
        raise typer.BadParameter("an account is twelve digits")
    return text


def _region(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}", text):
        raise typer.BadParameter("a region looks like us-east-1")
    return text


def _runtimes(given: list[str]) -> dict[str, Path]:
    runtimes = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and Path(path).is_file()):
            raise CommandError(
                Exit.USAGE, f"--runtime {text}: it takes NAME=PATH of an interpreter"
            )
        runtimes[name] = Path(path)
    return runtimes


@app.command()
def up(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = PORT,
    data: Annotated[
        Path,
        typer.Option(
            help="Folder that keeps functions, code and logs.",
            envvar="INGLENOOK_DATA",
            file_okay=False,
            show_default=str(DATA),
        ),
    ] = DATA,
    region: Annotated[str, typer.Option(callback=_region, help="In every ARN.")] = "us-east-1",
    account: Annotated[str, typer.Option(callback=_account, help="In every ARN.")] = "0" * 12,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH",
            help="Interpreter for a runtime, as python3.12=/opt/py/bin/python; may be repeated.",
        ),
    ] = None,
    json: Json = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say what happens.")] = False,
) -> None:
    """Start the platform and serve the Lambda API until Ctrl-C or SIGTERM."""
    from inglenook_local import app as platform
    from inglenook_local.cli import up as command

    options = platform.Options(
        host=host,
        port=port,
        data=data.expanduser().absolute(),
        region=region,
        account=account,
        runtimes=_runtimes(runtime or []),
    )
    command.run(options, json=json, verbose=verbose)


@app.command()
def invoke(
    name: Annotated[str, typer.Argument(help="Function: a name or an ARN.")],
    payload: Annotated[
        str | None,
        typer.Option("--payload", "-p", help="The event: JSON, @FILE, or - for standard input."),
    ] = None,
    qualifier: Annotated[
        str | None, typer.Option("--qualifier", "-q", help="Version or alias.")
    ] = None,
    tail: Annotated[
        bool, typer.Option("--tail", "-t", help="Show the end of its log, on standard error.")
    ] = False,
    json: Json = False,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
) -> None:
    """Invoke a function and print its answer. Ends with 1 if the function failed."""
    from inglenook_local.cli import invoke as command

    command.run(endpoint, name, payload, qualifier, tail=tail, json=json)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="Function, or log group with its leading slash.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    since: Annotated[
        str | None,
        typer.Option(help="How far back, as 90s, 10m or 2d. Without: the last 1,000 events."),
    ] = None,
    json: Json = False,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
) -> None:
    """Show a function's log."""
    from inglenook_local.cli import show_logs as command

    command.run(endpoint, name, since, follow=follow, json=json)


@app.command()
def ls(json: Json = False, endpoint: Endpoint = DEFAULT_ENDPOINT) -> None:
    """List the functions."""
    from inglenook_local.cli import ls as command

    command.run(endpoint, json=json)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(metadata.version("inglenook"))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """AWS Lambda on your own machines."""


def main() -> None:
    """Run the command line and end the process as `Exit` says."""
    try:
        app()
    except CommandError as error:
        if error.message:
            sys.stderr.write(f"inglenook: {error.message}\n")
        sys.exit(error.code)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
