"""What the tests with real servers share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support import event_queues, image_pod, init_program, nats_program, nats_server
from support.dispatchers import Dispatchers, Make, Time
from support.event_queues import MakeSite
from support.nats_server import NatsServer
from support.pod_dispatchers import Cluster, Gateways
from support.scripted_agents import Supply


@pytest.fixture(scope="session")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """Run one server for all tests; who kills it starts it again."""
    try:
        nats_program.found()
    except nats_program.NoNatsServerError as error:
        pytest.skip(str(error))
    with nats_server.running(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture(params=["sqlite", "jetstream"])
def make_site(request: pytest.FixtureRequest) -> MakeSite:
    """Return what makes a place for a queue, for each engine."""
    if request.param == "sqlite":
        return event_queues.SqliteSite
    server: NatsServer = request.getfixturevalue("nats")
    return lambda _: event_queues.JetStreamSite(server)


@pytest.fixture(scope="session")
def init(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the init of container images once for all tests."""
    try:
        return init_program.build(tmp_path_factory.mktemp("init"))
    except init_program.NoGoError as error:
        pytest.skip(str(error))


@pytest.fixture
def image(tmp_path: Path, init: Path) -> image_pod.Image:
    return image_pod.Image(tmp_path, init)


@pytest.fixture
def time() -> Time:
    """The clock of the dispatchers of a test."""
    return Time()


@pytest.fixture
def supply() -> Supply:
    return Supply()


@pytest.fixture
async def make(supply: Supply, time: Time) -> AsyncIterator[Make]:
    """Return what makes dispatchers over the agents of `supply`."""
    made = Dispatchers(supply, time)
    yield made.make
    await made.close()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
async def gateways(cluster: Cluster, time: Time) -> AsyncIterator[Gateways]:
    """Make dispatchers over the pods of `cluster`."""
    made = Gateways(cluster, time)
    yield made
    await made.close()
