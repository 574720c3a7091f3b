"""The operations with a real store, a real code store and a real activation, without HTTP."""

import asyncio
import contextlib
import dataclasses
import io
import random
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inglenook import errors
from inglenook.aio import clock
from inglenook.capacity import provisioned
from inglenook.catalog.catalog import Catalog
from inglenook.model import function
from inglenook.model.account import Account
from inglenook.store import archive, code, sqlite
from inglenook.upkeep import activation, recovery
from inglenook.wire.messages import VersionId
from inglenook_gateway.api import serializing, service_model, validation
from inglenook_gateway.api.front import Call, Handler
from inglenook_gateway.operations import (
    code_location,
    objects,
    packages,
    provisions,
    resources,
    table,
)

ROLE = "arn:aws:iam::000000000000:role/lambda"
_MODEL = service_model.load()


def package(text: str = "def handler(event, context): return event") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as zipped:
        zipped.writestr(zipfile.ZipInfo("app.py"), text)
    return data.getvalue()


class Buckets:
    """No buckets: what S3 has is a matter of the conformance suite."""

    async def read(self, bucket: str, key: str, version: str | None, *, bytes_max: int) -> bytes:
        raise errors.InvalidParameterValueError(f"no {key} in {bucket} at {version}, {bytes_max}")


class Environments:
    """No environments: who asks for some does not get any."""

    def provision(
        self, version: VersionId, spec: function.Spec, *, environments: int, aside: int
    ) -> None:
        """Do nothing."""

    def standing(self, version: VersionId) -> provisioned.Standing:
        return provisioned.Standing()

    def retry(self, version: VersionId) -> None:
        """Do nothing."""


class Runtimes:
    """Everything is installed but what is named in `missing`."""

    def __init__(self) -> None:
        self.missing: set[str] = set()

    async def available(self, runtime: str) -> str | None:
        return f"{runtime} is not installed here" if runtime in self.missing else None


@dataclass(kw_only=True)
class Stand:
    """One platform's API. `call` checks what goes in and what comes out by the service model."""

    store: sqlite.SqliteStore
    codes: code.CodeStore
    unpacked: code.UnpackedCode
    catalog: Catalog
    account: Account
    handlers: dict[str, Handler]
    resources: resources.Resources
    locations: code_location.CodeLocations
    runtimes: Runtimes
    rng: random.Random

    async def call(self, operation: str, **params: Any) -> dict[str, Any]:
        shape = _MODEL.operation_model(operation)
        validation.Validator().check(shape, params)
        handler = self.handlers[operation]
        reply = await handler(Call(operation=operation, params=params, request_id="r"))
        serializing.serialize(shape, reply.output)
        assert shape.output_shape is None or set(reply.output) <= set(shape.output_shape.members)
        return dict(reply.output)

    async def create(self, name: str = "f", **params: Any) -> dict[str, Any]:
        given = {
            "FunctionName": name,
            "Role": ROLE,
            "Runtime": "python3.12",
            "Handler": "app.handler",
            "Code": {"ZipFile": package()},
        }
        return await self.call("CreateFunction", **(given | params))

    async def settled(self, name: str = "f", qualifier: str | None = None) -> dict[str, Any]:
        """Return the function's configuration once nothing is under way, as a waiter would."""
        params = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
        async with asyncio.timeout(10):
            async for _ in self.store.watch():
                shown = await self.call("GetFunctionConfiguration", **params)
                if shown["State"] != "Pending" and shown["LastUpdateStatus"] != "InProgress":
                    return shown
        raise AssertionError("the watch has ended")

    async def created(self, name: str = "f", **params: Any) -> dict[str, Any]:
        await self.create(name, **params)
        return await self.settled(name)

    @contextlib.asynccontextmanager
    async def activating(self, retry_s: float = 30.0) -> AsyncIterator[activation.Activation]:
        """Run an activation in the background."""
        reconciler = activation.Activation(
            store=self.store,
            code=self.unpacked,
            runtimes=self.runtimes,
            new_revision=resources.new_revision,
            written=self.catalog.apply,
            retry_s=retry_s,
        )
        async with asyncio.TaskGroup() as group:
            task = group.create_task(reconciler.run())
            yield reconciler
            task.cancel()


@contextlib.asynccontextmanager
async def stand(
    folder: Path,
    *,
    account: Account | None = None,
    strict_runtimes: bool = False,
    runs_images: bool = False,
    buckets: objects.Objects | None = None,
) -> AsyncIterator[Stand]:
    account = account or Account()
    store = await sqlite.SqliteStore.open(folder / "store" / "store.db")
    try:
        await recovery.recover(store)
        codes = await code.CodeStore.open(folder / "code")
        unpacked = await code.UnpackedCode.open(codes, folder / "unpacked")
        catalog = Catalog(account)
        since = await catalog.load(store)
        known = resources.Resources(
            store=store, catalog=catalog, account=account, clock=clock.SystemClock()
        )
        locations = code_location.CodeLocations(
            blobs=codes,
            endpoint=lambda: "http://localhost:9000",
            secret=b"secret",
            clock=clock.SystemClock(),
        )
        handlers = _handlers(
            known,
            codes,
            locations,
            strict_runtimes=strict_runtimes,
            runs_images=runs_images,
            buckets=buckets,
        )
        async with asyncio.TaskGroup() as group:
            following = group.create_task(catalog.follow(store, since))
            yield Stand(
                store=store,
                codes=codes,
                unpacked=unpacked,
                catalog=catalog,
                account=account,
                handlers=handlers,
                resources=known,
                locations=locations,
                runtimes=Runtimes(),
                rng=random.Random(7),
            )
            following.cancel()
    finally:
        await store.close()


def beside(one: Stand, known: resources.Resources) -> Stand:
    """Return a second gateway over the first one's store."""
    handlers = _handlers(known, one.codes, one.locations, strict_runtimes=False)
    return dataclasses.replace(one, resources=known, catalog=known.catalog, handlers=handlers)


def _handlers(
    known: resources.Resources,
    codes: code.CodeStore,
    locations: code_location.CodeLocations,
    *,
    strict_runtimes: bool,
    runs_images: bool = False,
    buckets: objects.Objects | None = None,
) -> dict[str, Handler]:
    return table.handlers(
        resources=known,
        packages=packages.Packages(
            store=codes,
            objects=buckets or Buckets(),
            inspect=archive.inspect,
            catalog=known.catalog,
            storage_bytes=known.account.code_storage_bytes,
        ),
        locations=locations,
        endpoint=lambda: "http://localhost:9000",
        provisions=provisions.Provisions(known.catalog, Environments()),
        strict_runtimes=strict_runtimes,
        runs_images=runs_images,
    )
