"""The gateway, wired: the one place where its parts are made and handed to each other."""

import asyncio
import functools
import random
import secrets
from collections.abc import Mapping

from inglenook import settings
from inglenook.aio import clock, tasks
from inglenook.catalog import catalog
from inglenook.model import account, function_url
from inglenook.store import archive, code, documents
from inglenook_gateway.api import api_rate, front, http_server, service_model, uploads
from inglenook_gateway.dispatch import dispatcher, pods
from inglenook_gateway.operations import (
    code_location,
    event_intake,
    invoke,
    invoke_async,
    invoke_stream,
    objects,
    packages,
    provisions,
    resources,
    table,
)
from inglenook_gateway.urls import serving

_BACKLOG = 4096
_CLOSE_TIMEOUT_S = 2.0


class Gateway:
    """The Lambda API over a store and a supply of pods: `start`, `listen`, `close`."""

    def __init__(  # noqa: PLR0913 - wiring
        self,
        *,
        store: documents.Store,
        blobs: code.CodeStore,
        objects: objects.Objects,
        supply: pods.Pods,
        events: event_intake.Events,
        owner: account.Account,
        options: settings.Gateway,
        time: clock.Clock,
        rng: random.Random,
        extra: Mapping[str, front.ExtraHandler],
    ) -> None:
        """Serve the paths of `extra`, by prefix, beside the API."""
        self._store = store
        self._endpoint = ""
        self._idle_timeout_s = options.connection_idle_timeout_s
        self._servers: list[tuple[asyncio.Server, http_server.HttpServer]] = []
        self._background = tasks.Tasks()
        self.catalog = catalog.Catalog(owner)
        self.dispatcher = dispatcher.Dispatcher(
            supply=supply, time=time, limits=options, region=owner.region, account=owner.id
        )
        self.catalog.subscribe(lambda retired: self.dispatcher.retire(retired.covers))
        self.catalog.subscribe_reserved(self.dispatcher.reserve)
        locations = code_location.CodeLocations(
            blobs=blobs,
            endpoint=lambda: self._endpoint,
            secret=secrets.token_bytes(32),
            clock=time,
        )
        provided = provisions.Provisions(self.catalog, self.dispatcher)
        self.dispatcher.observe(lambda version: provided.reconcile(version.function_name))
        handlers = table.handlers(
            resources=resources.Resources(
                store=store, catalog=self.catalog, account=owner, clock=time
            ),
            packages=packages.Packages(
                store=blobs,
                objects=objects,
                inspect=functools.partial(archive.inspect, contents=True),
                catalog=self.catalog,
                storage_bytes=owner.code_storage_bytes,
            ),
            locations=locations,
            endpoint=lambda: self._endpoint,
            provisions=provided,
            strict_runtimes=options.strict_runtimes,
        )
        intake = event_intake.EventIntake(events, time)
        invoker = invoke.Invoke(
            known=self.catalog,
            runner=self.dispatcher,
            intake=intake,
            owner=owner,
            time=time,
            rng=rng,
        )
        deprecated = invoke_async.InvokeAsync(
            known=self.catalog, intake=intake, owner=owner, time=time, rng=rng
        )
        streamer = invoke_stream.InvokeWithResponseStream(
            known=self.catalog, runner=self.dispatcher, owner=owner, time=time, rng=rng
        )
        urls = serving.Urls(
            known=self.catalog, runner=self.dispatcher, owner=owner, time=time, rng=rng
        )
        self._front = front.Front(
            service_model.load(),
            handlers,
            {
                "Invoke": invoker.handle,
                "InvokeAsync": deprecated.handle,
                "InvokeWithResponseStream": streamer.handle,
            },
            {code_location.PREFIX: locations.serve, function_url.PATH_PREFIX: urls.serve, **extra},
            urls.serve,
            api_rate.ApiRate(time).admit if options.api_rate_limit else None,
            uploads.Uploads(options.uploads_bytes),
        )

    @property
    def operations(self) -> dict[str, table.Support]:
        """Return every operation of the Lambda API, and how far it is built."""
        return {
            name: table.support(name, is_built=is_built)
            for name, is_built in self._front.operations.items()
        }

    async def start(self) -> None:
        """Learn what the store holds, and keep up with it."""
        since = await self.catalog.load(self._store)
        _ = self._background.start(self.catalog.follow(self._store, since), name="follow the store")
        _ = self._background.start(self.dispatcher.reap_forever(), name="reap environments")

    async def listen(self, host: str, port: int) -> str:
        """Serve on an address (port 0: any free one); return the endpoint's URL."""
        loop = asyncio.get_running_loop()
        http = http_server.HttpServer(self._front.handle, idle_timeout_s=self._idle_timeout_s)
        listening = await loop.create_server(http, host, port, backlog=_BACKLOG)
        self._servers.append((listening, http))
        bound = listening.sockets[0].getsockname()[1]
        shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared only
        self._endpoint = f"http://[{shown}]:{bound}" if ":" in shown else f"http://{shown}:{bound}"
        return self._endpoint

    async def close(self) -> None:
        """Take no new connections, finish what runs, then end."""
        for listening, _ in self._servers:
            listening.close()
        await self.dispatcher.close()
        for _, http in self._servers:
            http.pre_shutdown()
            await http.shutdown(_CLOSE_TIMEOUT_S)
        await self._background.close()
