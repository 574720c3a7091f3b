import itertools
from typing import Any

import msgspec
import pytest

from inglenook.capacity import provisioned
from inglenook.catalog.catalog import Catalog
from inglenook.model import function, lifecycle
from inglenook.model.account import Account
from inglenook.model.provisioned import ProvisionedConcurrency
from inglenook.store import documents, kinds
from inglenook.wire import messages
from inglenook_gateway.operations.provisions import Provisions

PENDING = lifecycle.created(now=0, revision="a")
ACTIVE = lifecycle.activated(PENDING, revision="b")
SPEC = function.Spec(
    code=function.Code(sha256="0" * 64, size_bytes=10),
    runtime="python3.12",
    handler="app.handler",
    role="role",
    logging=function.Logging(log_group="/aws/lambda/f"),
)
OWNER = function.Function(name="f", uid="u", spec=SPEC, status=ACTIVE, last_version=9)
ALIAS = function.Alias(
    function_name="f", function_uid="u", name="live", function_version="1", revision_id="r"
)


class Keeper:
    """Keeps what it is told to, and has it ready when a test says so."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}
        self.aside: dict[str, int] = {}
        self.stands: dict[str, provisioned.Standing] = {}
        self.retried: list[str] = []

    def provision(
        self, version: messages.VersionId, spec: function.Spec, *, environments: int, aside: int
    ) -> None:
        assert spec == SPEC
        for table, count in ((self.kept, environments), (self.aside, aside)):
            table[version.version] = count
            if not count:
                del table[version.version]

    def standing(self, version: messages.VersionId) -> provisioned.Standing:
        return self.stands.get(version.version, provisioned.Standing())

    def retry(self, version: messages.VersionId) -> None:
        self.retried.append(version.version)


class World:
    """A function with versions 1 and 2, and an alias."""

    def __init__(self) -> None:
        self.catalog = Catalog(Account())
        self.keeper = Keeper()
        self.provisions = Provisions(self.catalog, self.keeper)
        self._versions = itertools.count(1)
        self.put(kinds.FUNCTION, "f", OWNER)
        self.publish(1)
        self.publish(2)
        self.put(kinds.ALIAS, "f.live", ALIAS)

    def put(self, kind: documents.Kind[Any], name: str, value: object) -> documents.Document[Any]:
        document = documents.Document(
            kind=kind, name=name, resource_version=next(self._versions), value=value
        )
        self.catalog.apply(document)
        return document

    def publish(self, number: int, status: function.Status = ACTIVE) -> documents.Document[Any]:
        version = function.Version(
            function_name="f", function_uid="u", number=number, spec=SPEC, status=status
        )
        return self.put(kinds.VERSION, kinds.version_name("f", number), version)

    def configure(self, qualifier: str, requested: int, uid: str = "u") -> documents.Document[Any]:
        config = ProvisionedConcurrency(
            function_name="f",
            function_uid=uid,
            qualifier=qualifier,
            requested=requested,
            last_modified="",
        )
        return self.put(kinds.PROVISIONED, f"f.{qualifier}", config)

    def point(self, version: str, **weights: float) -> None:
        alias = msgspec.structs.replace(
            ALIAS,
            function_version=version,
            additional_version_weights={key[1:]: weight for key, weight in weights.items()},
        )
        self.put(kinds.ALIAS, "f.live", alias)

    def ready(self, version: str, count: int) -> None:
        self.keeper.stands[version] = provisioned.Standing(allocated=count, available=count)
        self.provisions.reconcile("f")

    def fail(self, version: str) -> None:
        self.keeper.stands[version] = provisioned.Standing(failure="why")
        self.provisions.reconcile("f")


@pytest.fixture
def world() -> World:
    return World()


def test_nothing_is_kept_where_nothing_is_configured(world: World) -> None:
    assert world.keeper.kept == {}
    assert world.provisions.standing("f", "1") == provisioned.Standing()


def test_a_version_and_an_alias_have_what_is_configured_for_them(world: World) -> None:
    world.configure("2", 3)
    world.configure("live", 4)
    assert world.keeper.kept == world.keeper.aside == {"1": 4, "2": 3}


def test_the_old_versions_stay_until_the_new_ones_are_ready(world: World) -> None:
    world.configure("live", 4)
    world.ready("1", 4)
    world.point("2")
    assert world.keeper.kept == {"1": 4, "2": 4}
    assert world.keeper.aside == {"2": 4}
    world.ready("2", 3)
    assert world.keeper.kept == {"1": 4, "2": 4}
    world.ready("2", 4)
    assert world.keeper.kept == {"2": 4}


def test_the_old_versions_go_when_the_new_ones_cannot_be(world: World) -> None:
    world.configure("live", 4)
    world.ready("1", 4)
    world.point("2")
    world.fail("2")
    assert world.keeper.kept == {"2": 4}
    assert world.provisions.standing("f", "live").failure == "why"


def test_the_old_versions_wait_for_one_that_is_not_active_yet(world: World) -> None:
    world.configure("live", 4)
    world.ready("1", 4)
    world.publish(3, PENDING)
    world.point("3")
    assert world.keeper.kept == {"1": 4}
    world.publish(3)
    assert world.keeper.kept == {"1": 4, "3": 4}
    world.ready("3", 4)
    assert world.keeper.kept == {"3": 4}


def test_a_share_that_shrinks_does_so_when_the_other_is_ready(world: World) -> None:
    world.configure("live", 4)
    world.ready("1", 4)
    world.point("1", v2=0.5)
    assert world.keeper.kept == {"1": 4, "2": 2}
    assert world.keeper.aside == {"1": 2, "2": 2}
    world.ready("2", 2)
    assert world.keeper.kept == {"1": 2, "2": 2}


def test_a_version_that_failed_says_why(world: World) -> None:
    world.publish(1, lifecycle.failed(PENDING, revision="c", reason="no runtime", code="X"))
    world.configure("1", 2)
    assert world.keeper.kept == {}
    assert world.provisions.standing("f", "1").failure == "no runtime"


def test_what_is_deleted_goes_at_once(world: World) -> None:
    config = world.configure("live", 4)
    world.point("2")
    assert world.keeper.kept == {"1": 4, "2": 4}
    world.catalog.remove(config)
    assert world.keeper.kept == world.keeper.aside == {}


def test_a_deleted_version_does_not_wait_for_another(world: World) -> None:
    world.configure("live", 4)
    world.ready("1", 4)
    world.point("2")
    world.catalog.remove(world.publish(1))
    assert world.keeper.kept == {"2": 4}


def test_a_function_that_is_being_deleted_keeps_nothing(world: World) -> None:
    world.configure("live", 4)
    world.put(kinds.FUNCTION, "f", msgspec.structs.replace(OWNER, deleting=True))
    assert world.keeper.kept == world.keeper.aside == {}


def test_what_a_deleted_function_of_that_name_had_is_not_kept(world: World) -> None:
    world.configure("1", 4, uid="dead")
    assert world.keeper.kept == {}
    assert world.provisions.wanted("f", "1") == 0


def test_an_alias_of_the_unpublished_version_keeps_nothing(world: World) -> None:
    world.configure("live", 4)
    world.point("$LATEST")
    assert world.keeper.kept == {}


def test_who_asks_again_for_the_same_has_it_tried_again(world: World) -> None:
    world.configure("1", 4)
    world.keeper.retried.clear()
    world.provisions.reconcile("f")
    assert world.keeper.retried == []
    world.configure("1", 4)
    assert world.keeper.retried == ["1"]


def test_a_keeper_that_is_done_before_it_returns_is_not_asked_twice(world: World) -> None:
    asked: list[int] = []
    provision = world.keeper.provision

    def at_once(
        version: messages.VersionId, spec: function.Spec, *, environments: int, aside: int
    ) -> None:
        asked.append(environments)
        provision(version, spec, environments=environments, aside=aside)
        world.ready(version.version, environments)

    world.keeper.provision = at_once  # type: ignore[method-assign]
    world.configure("1", 4)
    assert asked == [4]
