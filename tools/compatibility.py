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
from inglenook.events import queue
from inglenook.model import account
from inglenook.store import code, sqlite
from inglenook_gateway import app
from inglenook_gateway.dispatch import pods
from inglenook_gateway.operations import objects, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "compatibility.md"

NOTES = {
    "CreateFunction": "Zips, inline or from any S3-compatible endpoint, read once. `VpcConfig`,"
    " `FileSystemConfigs`, `KMSKeyArn` and `SnapStart` are kept and shown, and change nothing in"
    " what runs. `PackageType` `Image` on Kubernetes alone: nodes pull images by the URI that was"
    " given, tags are not resolved ([kubernetes.md](kubernetes.md#container-images)). Durable"
    " functions, tenant isolation and capacity providers are refused"
    " with an error that names the member.",
    "UpdateFunctionCode": "As CreateFunction. Until an update has succeeded, and after it has"
    " failed, what ran before serves.",
    "CreateCodeSigningConfig": "Kept and shown; signatures are not checked, whatever the policy.",
    "CreateEventSourceMapping": "Checked, kept and shown. Event sources are not polled yet, so"
    " `State` is `Disabled` whatever `Enabled` asks, and `StateTransitionReason` says why; what was"
    " asked for is kept. Whether the source exists is not looked up.",
    "UpdateEventSourceMapping": "As CreateEventSourceMapping.",
    "DeleteEventSourceMapping": "At once; the answer says `Deleting`, as on Lambda.",
    "ListEventSourceMappings": "A function's name lists the mappings of the unqualified function;"
    " those of a version or an alias are listed by its ARN.",
    "PutFunctionRecursionConfig": "Kept and shown; recursive loops are not detected.",
    "PutRuntimeManagementConfig": "Kept and shown; the runtime is the one that the machine has, or"
    " that the image of its Runtime has.",
    "TagResource": "Functions, code signing configs and event source mappings.",
    "Invoke": "All types. An `Event` is durable before 202 is answered, and runs at least once;"
    " one whose function or alias is deleted before it runs is dropped.",
    "InvokeAsync": "As Invoke with `Event`, with the payload limit of 256 KB.",
    "InvokeWithResponseStream": "Functions on `provided.*` that stream; Python functions answer in"
    " one piece, as on Lambda. `ErrorCode` is the error's type, `ErrorDetails` its JSON. Past its"
    " first 6 MB a stream goes at 2 MB/s, and it ends at 200 MB.",
    "PutFunctionConcurrency": "Enforced exactly, also over several gateways.",
    "PutProvisionedConcurrencyConfig": "Environments are initialised ahead, used first, replaced"
    " when they are lost, and warmed again when the platform starts.",
    "GetFunction": "`Code.Location` is a URL of this server, good for ten minutes.",
    "AddPermission": "Kept and shown, not enforced yet.",
    "PutResourcePolicy": "The policy that AddPermission adds to, as a whole; IAM's grammar is"
    " checked, its meaning is not. Kept and shown, not enforced yet.",
    "PutFunctionEventInvokeConfig": "Destinations that are functions have to exist; others are"
    " taken at their word.",
    "PublishLayerVersion": "A crash in the middle may cost a number, never a version.",
    "GetLayerVersion": "`Content.Location` is a URL of this server, good for ten minutes. Layers of"
    " other accounts answer 403.",
    "AddLayerVersionPermission": "Kept and shown, not enforced yet.",
    "CreateFunctionUrlConfig": "Served at `http://<url-id>.lambda-url.<region>.localhost:<port>/`"
    " on one machine, and under `/_inglenook/url/<url-id>/`, both invoke modes. `NONE` needs no"
    " permission in the policy; `AWS_IAM` wants a signed request, and the signature is not"
    " verified.",
    "GetAccountSettings": "Real usage. The quotas are AWS's defaults; settings change them"
    " (docs/limits.md).",
}

HEAD = """# Compatibility with the Lambda API

Written by `tools/compatibility.py` from the code; `./dev test` fails when it is out of date.

Every operation of the service model is routed, parsed and validated, with AWS's error texts. One
that is not built answers `ServiceException` with status 501, which AWS's SDKs do not retry, and a
message that says so. Of {total}, {works} work and the settings of {stored} are stored only.

It is the same API on one machine and on Kubernetes. On a cluster what it stores are custom
resources, and kubectl is a second door to them ([custom-resources.md](custom-resources.md));
runtimes are those that have a `Runtime`; memory, CPU and `/tmp` are the pod's
([limits.md](limits.md#on-kubernetes)); function URLs are served below the address of the gateways,
or `cluster.publicUrl` of the chart.

| operation | state | notes |
|---|---|---|
"""


class NoEvents:
    """No queue: nothing is accepted here."""

    async def put(self, item: queue.Item) -> None:
        raise NotImplementedError(item.group)


class NoPods:
    """No pods: nothing is invoked here."""

    async def lease(self, wanted: pods.Wanted, *, is_ahead: bool) -> pods.Pod:
        raise NotImplementedError(wanted, is_ahead)

    def has_free(self, wanted: pods.Wanted) -> bool:
        raise NotImplementedError(wanted)


async def operations() -> dict[str, table.Support]:
    """Ask a gateway what it has."""
    with tempfile.TemporaryDirectory() as folder:
        store = await sqlite.SqliteStore.open(Path(folder) / "state.sqlite")
        try:
            gateway = app.Gateway(
                store=store,
                blobs=await code.CodeStore.open(Path(folder) / "code"),
                objects=objects.S3Objects(
                    settings.Aws(), region=account.Account().region, time=clock.SystemClock()
                ),
                supply=NoPods(),
                events=NoEvents(),
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
