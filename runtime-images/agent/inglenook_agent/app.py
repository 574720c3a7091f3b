"""The agent's process in a pod, wired: `python -m inglenook_agent`.

Gateways on one port, probes and metrics on another, the function's container on a Unix socket. The
process ends when the pod is over or on SIGTERM, after what runs has ended. A container that comes
back after a crash in a pod that has been used serves nobody: nobody knows what still runs there.
"""

import asyncio
import contextlib
import logging
import os
from contextlib import AsyncExitStack
from pathlib import Path

import prometheus_client

from inglenook import settings
from inglenook.aio import clock, tasks
from inglenook.telemetry import agents, metrics, tally
from inglenook.wire import messages, proof
from inglenook_agent import maker
from inglenook_agent.environment.boot import Means
from inglenook_agent.environments import Environments
from inglenook_agent.pod import init_file, listener, logs, packages, status
from inglenook_agent.pod.pod import Pod
from inglenook_agent.settings import AgentSettings
from inglenook_agent.supervisor.container import Container, Places

logger = logging.getLogger(__name__)

_MARK = "used"


async def serve(tuned: settings.Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set or the pod is over. Raises OSError, and ValueError for a secret."""
    agent, cluster = tuned.agent, tuned.cluster
    secret = await asyncio.to_thread(proof.read, Path(cluster.secret_file))
    code = Path(agent.code_folder)
    places = Places(
        socket=Path(agent.spawner_socket),
        task=code / "task",
        opt=code / "opt",
        task_seen=Path(agent.task_folder),
        opt_seen=Path(agent.opt_folder),
        tmp_seen=Path(agent.tmp_folder),
        used=code / _MARK,
    )
    own = AgentSettings(
        environments_max=agent.environments_max,
        init_timeout_s=agent.init_timeout_s,
        spares=agent.spares,
        stream_bytes_per_s=agent.stream_bytes_per_s,
        host_path="",
    )
    async with AsyncExitStack() as stack:
        sink = logs.Output()
        stack.callback(sink.close)
        background = tasks.Tasks(on_failure=lambda _: stop.set())
        stack.push_async_callback(background.close)
        store = packages.Packages(
            Path(agent.packages_folder), task=places.task, opt=places.opt, mark=code / _MARK
        )
        is_spent = await store.open()
        if not is_spent:
            await store.rehearse()
        if agent.image:
            # Before probes are answered: the function's container starts when they are.
            await asyncio.to_thread(init_file.install, agent.init_source, agent.init_file)
        container = Container(
            places,
            runtime=agent.runtime,
            image=agent.image,
            settings=own,
            tasks=background,
            on_lost=lambda: pod.drain("the function's container has ended"),
            on_terminating=lambda: pod.drain("the function's container is asked to end"),
            on_used=lambda used_bytes: pod.tmp_holds(used_bytes),  # noqa: PLW0108 - it is to come
        )
        stack.push_async_callback(container.close)
        time = clock.SystemClock()
        means = Means(supervisor=container, clock=time, settings=own, tasks=background)
        environments = Environments(
            maker.Maker(means=means, code=store, logs=sink, clock=time), background
        )
        container.disk.is_busy = lambda: bool(environments.busy())
        environments.on_asked = container.disk.stir
        pod = Pod(
            name=cluster.pod_name or os.uname().nodename,
            environments=environments,
            packages=store,
            tasks=background,
            orphan_timeout_s=agent.orphan_timeout_s,
            drain_timeout_s=agent.drain_timeout_s,
            is_spent=is_spent,
        )
        stack.callback(pod.close)

        def claimed(version: messages.VersionId) -> None:
            sink.version = version

        pod.on_claimed = claimed
        registry = _figures(environments)
        shown = status.Status(lambda: _not_ready(pod, environments, container), registry)
        stack.push_async_callback(shown.close)
        _ = await shown.listen("", agent.status_port)
        gateways = listener.Listener(secret, pod.admitted)
        stack.push_async_callback(gateways.close)
        _ = await gateways.listen("", cluster.agent_port)
        container.open()
        if is_spent:
            logger.warning("this pod has been used before this process began: it serves nobody")
            _ = background.start(_turn_away(container), name="turn the spawner away")
            _ = await stop.wait()
            return
        _ = background.start(_drain_on(stop, pod), name="wait for SIGTERM")
        _ = background.start(_start(pod, container), name="wait for the function's container")
        _ = await pod.over.wait()
        await container.close()
        logger.info("the pod is over")
        with contextlib.suppress(TimeoutError):
            # An agent that ends before it is told to would be started again.
            async with asyncio.timeout(agent.linger_s):
                _ = await stop.wait()


def _figures(environments: Environments) -> prometheus_client.CollectorRegistry:
    counted = tally.Tally()
    environments.on_answer = agents.AgentFigures(counted).answered
    counted.read(metrics.AGENT_ENVIRONMENTS, lambda: {(): len(environments.names())})
    counted.read(metrics.INFO, lambda: {("agent",): 1})
    registry = prometheus_client.CollectorRegistry()
    registry.register(counted)
    _ = prometheus_client.ProcessCollector(registry=registry)
    return registry


def _not_ready(pod: Pod, environments: Environments, container: Container) -> str:
    """Say why the pod is not to be used; nothing if it is."""
    if pod.is_ending:
        return "the pod takes nothing new"
    if environments.version is None and not container.is_ready:
        return "no process waits in the function's container yet"
    return ""


async def _drain_on(stop: asyncio.Event, pod: Pod) -> None:
    _ = await stop.wait()
    pod.drain("SIGTERM")


async def _start(pod: Pod, container: Container) -> None:
    if await container.until_ready():
        pod.start()


async def _turn_away(container: Container) -> None:
    await container.connected.wait()
    await container.close()
