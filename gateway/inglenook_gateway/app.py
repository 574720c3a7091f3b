"""The gateway, wired: the one place where its parts are made and handed to each other."""

import asyncio
import functools
import random
import secrets
from collections.abc import Callable, Mapping

from aiohttp import web

from inglenook import settings
from inglenook.aio import clock, tasks
from inglenook.catalog import catalog, targets
from inglenook.model import account, function_url
from inglenook.routing import streaming, traced
from inglenook.store import archive, documents
from inglenook.store.blobs import Blobs
from inglenook.telemetry.instruments import Instruments
from inglenook_gateway.api import (
    addressed,
    api_rate,
    front,
    http_server,
    invoker,
    relay,
    service_model,
    uploads,
)
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
from inglenook_gateway.several import Several, Share
from inglenook_gateway.urls import serving

_BACKLOG = 4096
_CLOSE_TIMEOUT_S = 2.0


class Gateway:
    """The Lambda API over a store and a supply of pods: `start`, `listen`, `close`."""

    def __init__(  # noqa: PLR0913 - wiring
        self,
        *,
        store: documents.Store,
        blobs: Blobs,
        objects: objects.Objects,
        supply: pods.Pods,
        events: event_intake.Events,
        owner: account.Account,
        options: settings.Gateway,
        time: clock.Clock,
        rng: random.Random,
        extra: Mapping[str, front.ExtraHandler],
        seen_with: Instruments | None = None,
        several: Several | None = None,
        runs_images: bool = False,
        died: Callable[[str], None] | None = None,
    ) -> None:
        """Serve the paths of `extra`, by prefix, beside the API.

        `several` is there if this is one of several gateways; `runs_images` tells whether `supply`
        has pods of container images. Call `died` with the name of a
        background task that has failed.
        """
        self._store = store
        self._endpoint = ""
        self._several = several
        self._drain_timeout_s = options.drain_timeout_s
        self._is_leaving = False
        self._idle_timeout_s = options.connection_idle_timeout_s
        self._servers: list[tuple[asyncio.Server, http_server.HttpServer]] = []
        self._background = tasks.Tasks(on_failure=died)
        self.catalog = catalog.Catalog(owner)
        # One of several is told of what the others have written only after a while.
        self.targets = targets.Targets(self.catalog, rng, None if several is None else store)
        seen_with = seen_with or Instruments()
        headers = seen_with.headers(time, rng)
        watcher = seen_with.watcher(time, lambda: (each.name for each in self.catalog.functions()))
        self.dispatcher = dispatcher.Dispatcher(
            supply=supply,
            time=time,
            limits=options,
            region=owner.region,
            account=owner.id,
            watcher=watcher,
            remote=None if several is None else several.remote(self.catalog),
        )
        self._share: Share | None = None
        self.runner: streaming.StreamRunner = self.dispatcher
        if several is not None:
            self._share = several.share(self.catalog, self.dispatcher)
            self.runner = self._share.runner
        if seen_with.tracing is not None:
            self.runner = traced.Traced(self.runner, seen_with.tracing.tracer)
        self.catalog.subscribe(
            lambda retired: None if retired.version else watcher.forget(retired.function_name)
        )
        self.catalog.subscribe(lambda retired: self.dispatcher.retire(retired.covers))
        self.catalog.subscribe_reserved(self.dispatcher.reserve)
        locations = code_location.CodeLocations(
            blobs=blobs,
            endpoint=self._address,
            secret=secrets.token_bytes(32) if several is None else several.signing_key,
            clock=time,
        )
        provided = self._provisions()
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
            endpoint=self._address,
            provisions=provided,
            strict_runtimes=options.strict_runtimes,
            runs_images=runs_images,
        )
        intake = event_intake.EventIntake(events, time, seen_with.tally)
        invoking = invoke.Invoke(
            aims=self.targets,
            runner=self.runner,
            intake=intake,
            owner=owner,
            time=time,
            headers=headers,
        )
        deprecated = invoke_async.InvokeAsync(
            aims=self.targets, intake=intake, owner=owner, time=time, rng=rng
        )
        streamer = invoke_stream.InvokeWithResponseStream(
            aims=self.targets,
            runner=self.runner,
            owner=owner,
            time=time,
            headers=headers,
        )
        urls = serving.Urls(
            known=self.catalog,
            aims=self.targets,
            runner=self.runner,
            owner=owner,
            time=time,
            headers=headers,
            seen=seen_with.tally,
        )
        self._front = front.Front(
            service_model.load(),
            handlers,
            {
                "Invoke": invoking.handle,
                "InvokeAsync": deprecated.handle,
                "InvokeWithResponseStream": streamer.handle,
            },
            {code_location.PREFIX: locations.serve, function_url.PATH_PREFIX: urls.serve, **extra},
            urls.serve,
            api_rate.ApiRate(time).admit if options.api_rate_limit else None,
            uploads.Uploads(options.uploads_bytes),
        )
        self._invoke = invoker.Invoker(invoking.begin).invoke
        self._handle = self._front.handle
        self._address_of_request: Callable[[], str] | None = None
        self._relay: relay.Relay | None = None
        if several is not None and self._share is not None:
            self._stand_among(several, self._share, owner)

    def _provisions(self) -> provisions.Provisions:
        if self._share is None:
            return provisions.Provisions(self.catalog, self.dispatcher)
        provided = provisions.Provisions(self.catalog, self.dispatcher, self._share.claim)
        self._share.observe(provided.reconcile)
        self._share.observe_view(provided.reconcile_all)
        return provided

    def _stand_among(self, several: Several, share: Share, owner: account.Account) -> None:
        def elsewhere(key: str) -> str | None:
            address = share.elsewhere(key)
            if address is None:
                return None
            return f"{f'[{address}]' if ':' in address else address}:{several.http_port}"

        public = addressed.Addressed(
            self._handle, public_url=several.public_url, otherwise=lambda: self._endpoint
        )
        self._address_of_request = public.address
        self._relay = relay.Relay(
            public.handle,
            name=several.name,
            function_name=lambda given: owner.ref(given).name,
            elsewhere=elsewhere,
        )
        handle = self._relay.handle

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            response = await handle(request)
            if self._is_leaving:
                # Whoever has more to ask asks another gateway, which is where it is going anyway.
                response.force_close()
            return response

        self._handle = answer

    def _address(self) -> str:
        return self._endpoint if self._address_of_request is None else self._address_of_request()

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
        http = http_server.HttpServer(
            self._handle, idle_timeout_s=self._idle_timeout_s, invoke=self._invoke
        )
        listening = await loop.create_server(http, host, port, backlog=_BACKLOG)
        self._servers.append((listening, http))
        bound = listening.sockets[0].getsockname()[1]
        shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared only
        self._endpoint = f"http://[{shown}]:{bound}" if ":" in shown else f"http://{shown}:{bound}"
        return self._endpoint

    def begin_to_leave(self) -> None:
        """Go on serving, on connections that are not kept."""
        self._is_leaving = True
        for _, http in self._servers:
            http.invoke = None

    def leave(self) -> None:
        """Own nothing from now on, if another gateway can; what comes is forwarded."""
        if self._share is not None:
            self._share.leave()

    async def close(self) -> None:
        """Take no new connections, finish what runs, then end."""
        for listening, _ in self._servers:
            listening.close()
        await self.dispatcher.close()
        for _, http in self._servers:
            http.pre_shutdown()
            # What other gateways run for callers of this one may take as long as what ran here.
            await http.shutdown(
                _CLOSE_TIMEOUT_S if self._several is None else self._drain_timeout_s
            )
        if self._relay is not None:
            await self._relay.close()
        if self._share is not None:
            await self._share.close()
        await self.targets.close()
        await self._background.close()
