"""`inglenook ls`: the functions there are, a line each."""

import sys
from collections.abc import Iterator

import msgspec

from inglenook.model import limits
from inglenook_local.cli import client


class Configuration(msgspec.Struct, frozen=True, rename="pascal"):
    """What is shown of a function or a version; the rest of the answer is not looked at."""

    function_name: str
    version: str
    last_modified: str
    runtime: str | None = None
    memory_size: int = limits.MEMORY_MB_DEFAULT
    state: str | None = None


class FunctionsPage(msgspec.Struct, frozen=True, rename="pascal"):
    """One page of ListFunctions."""

    functions: list[Configuration]
    next_marker: str | None = None


class VersionsPage(msgspec.Struct, frozen=True, rename="pascal"):
    """One page of ListVersionsByFunction."""

    versions: list[Configuration]
    next_marker: str | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One function as it is shown."""

    name: str
    runtime: str | None
    memory_mb: int
    versions: list[str]
    state: str | None
    last_modified: str


def _functions(api: client.Client) -> Iterator[Configuration]:
    query: dict[str, str] = {}
    while True:
        body = api.get(f"{client.FUNCTIONS}/", query).body
        page = msgspec.json.decode(body, type=FunctionsPage)
        yield from page.functions
        if not page.next_marker:
            return
        query = {"Marker": page.next_marker}


def _versions(api: client.Client, name: str) -> Iterator[str]:
    query: dict[str, str] = {}
    while True:
        body = api.get(client.function_path(name, "/versions"), query).body
        page = msgspec.json.decode(body, type=VersionsPage)
        yield from (version.version for version in page.versions if version.version.isdigit())
        if not page.next_marker:
            return
        query = {"Marker": page.next_marker}


def rows(api: client.Client) -> Iterator[Row]:
    """Yield the functions, in the API's order. Listings have no state, so each is asked for it."""
    for listed in _functions(api):
        path = client.function_path(listed.function_name, "/configuration")
        function = msgspec.json.decode(api.get(path).body, type=Configuration)
        yield Row(
            name=function.function_name,
            runtime=function.runtime,
            memory_mb=function.memory_size,
            versions=list(_versions(api, function.function_name)),
            state=function.state,
            last_modified=function.last_modified,
        )


def run(endpoint: str, *, json: bool) -> None:
    """Print a table, or with `json` a line of JSON per function."""
    with client.Client(endpoint) as api:
        found = list(rows(api))
    if json:
        sys.stdout.buffer.write(msgspec.json.Encoder().encode_lines(found))
        return
    if not found:
        sys.stderr.write(f"No functions at {endpoint}.\n")
        return
    _print_table(found)


def _print_table(found: list[Row]) -> None:
    import rich.console  # noqa: PLC0415 - as slow to import as all the rest of this command
    import rich.table  # noqa: PLC0415

    table = rich.table.Table(box=None, pad_edge=False)
    for heading in ("Name", "Runtime", "Memory", "Versions", "State", "Last modified"):
        table.add_column(heading, overflow="fold")
    for row in found:
        table.add_row(
            row.name,
            row.runtime or "-",
            f"{row.memory_mb} MB",
            ", ".join(row.versions) or "-",
            row.state or "-",
            row.last_modified,
        )
    # What is piped into another program is not cut to the width of a screen that is not there.
    console = rich.console.Console()
    if not console.is_terminal:
        console = rich.console.Console(width=200)
    console.print(table)
