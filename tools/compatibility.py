"""Write docs/compatibility.md from the code: `python tools/compatibility.py [--check]`.

Which operations are built is asked of the gateway itself; what is to be known of one stands in
`NOTES` below. With `--check` nothing is written, and a page that is out of date is an error.
"""

import asyncio
import collections
import random
import sys
import tempfile
from pathlib import Path

from inglenook import settings
from inglenook.aio import clock
from inglenook.model import account
from inglenook.store import code, sqlite
from inglenook.wire import connection
from inglenook_gateway import app
from inglenook_gateway.operations import table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "compatibility.md"

NOTES = {
    "CreateFunction": "Inline zips (`ZipFile`). Layers, images, S3 code, VPC subnets, file systems,"
    " SnapStart, dead-letter targets and KMS keys are refused with an error that names the member.",
    "UpdateFunctionCode": "As CreateFunction. The new code serves while the update is in progress;"
    " one that fails leaves the function Failed until the next update.",
    "Invoke": "`RequestResponse` and `DryRun`. `Event` answers 501: it needs the durable queue.",
    "PutFunctionConcurrency": "Enforced exactly, on one machine.",
    "GetFunction": "`Code.Location` is a URL of this server, good for ten minutes.",
    "GetAccountSettings": "Real usage; the quotas are AWS's defaults.",
}

HEAD = """# Compatibility with the Lambda API

Written by `tools/compatibility.py` from the code; `./dev test` fails when it is out of date.

Every operation of the service model is routed, parsed and validated, with AWS's error texts. One
that is not built answers `ServiceException` with status 501, which AWS's SDKs do not retry, and a
message that says so. Of {total}, {works} work and the settings of {stored} are stored only.

| operation | state | notes |
|---|---|---|
"""


class NoPods:
    """No pods: nothing is invoked here."""

    async def lease(self, runtime: str) -> connection.Connection:
        raise NotImplementedError(runtime)


async def operations() -> dict[str, table.Support]:
    """Ask a gateway what it has."""
    with tempfile.TemporaryDirectory() as folder:
        store = await sqlite.SqliteStore.open(Path(folder) / "state.sqlite")
        try:
            gateway = app.Gateway(
                store=store,
                blobs=await code.CodeStore.open(Path(folder) / "code"),
                supply=NoPods(),
                owner=account.Account(),
                options=settings.Gateway(),
                time=clock.SystemClock(),
                rng=random.Random(0),
                extra={},
            )
            return gateway.operations
        finally:
            await store.close()


def page(built: dict[str, table.Support]) -> str:
    """Return the whole page."""
    states = collections.Counter(built.values())
    rows = [
        f"| {name} | {support.value} | {NOTES.get(name, '')} |\n" for name, support in built.items()
    ]
    return HEAD.format(
        works=states[table.Support.WORKS],
        stored=states[table.Support.STORED_ONLY],
        total=len(built),
    ) + "".join(rows)


def main() -> int:
    """Write the page, or check it."""
    text = page(asyncio.run(operations()))
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text)
        return 0
    if not PAGE.exists() or PAGE.read_text() != text:
        sys.stderr.write(f"{PAGE} is out of date: run python tools/compatibility.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
