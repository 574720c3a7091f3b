import itertools
import random
from typing import Any

import msgspec
import pytest

from inglenook import errors
from inglenook.catalog.catalog import Catalog
from inglenook.catalog.target import Retirement
from inglenook.model import function, lifecycle, provisioned
from inglenook.model.account import Account
from inglenook.store import documents, kinds

ACCOUNT = Account()
STATUS = lifecycle.activated(lifecycle.created(now=0, revision="a"), revision="b")
SPEC = function.Spec(
    code=function.Code(sha256="0" * 64, size_bytes=10),
    runtime="python3.12",
    handler="app.handler",
    role="role",
    logging=function.Logging(log_group="/aws/lambda/f"),
)
OWNER = function.Function(name="f", uid="u", spec=SPEC, status=STATUS, last_version=1)
VERSION = function.Version(function_name="f", function_uid="u", number=1, spec=SPEC, status=STATUS)
ALIAS = function.Alias(
    function_name="f", function_uid="u", name="prod", function_version="1", revision_id="r"
)


def _document(kind: documents.Kind[Any], value: Any, version: int) -> documents.Document[Any]:
    names = {
        "Function": "f",
        "Version": kinds.version_name("f", 1),
        "Alias": kinds.alias_name("f", "prod"),
    }
    return documents.Document(
        kind=kind, name=names[kind.name], resource_version=version, value=value
    )


def _resolved(catalog: Catalog, qualifier: str | None = None) -> str:
    return catalog.resolve(ACCOUNT.ref("f", qualifier), random.Random(0)).executed_version


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_documents_may_come_in_any_order(order: tuple[int, ...]) -> None:
    documents = [
        _document(kinds.FUNCTION, OWNER, 1),
        _document(kinds.VERSION, VERSION, 2),
        _document(kinds.ALIAS, ALIAS, 3),
    ]
    catalog = Catalog(ACCOUNT)
    for index in order:
        catalog.apply(documents[index])
    assert [_resolved(catalog, q) for q in (None, "1", "prod")] == ["$LATEST", "1", "1"]
    assert catalog.code_bytes == 20


def test_an_older_document_changes_nothing() -> None:
    catalog = Catalog(ACCOUNT)
    newer = msgspec.structs.replace(OWNER, tags={"a": "b"})
    catalog.apply(_document(kinds.FUNCTION, newer, 5))
    changes = catalog.changes
    catalog.apply(_document(kinds.FUNCTION, OWNER, 4))
    assert list(catalog.functions()) == [newer]
    assert catalog.changes == changes


def test_whoever_admits_is_told_what_is_reserved_from_the_first_to_the_last() -> None:
    told: list[tuple[str, int | None]] = []
    catalog = Catalog(ACCOUNT)
    catalog.subscribe_reserved(lambda name, reserved: told.append((name, reserved)))
    reserving = msgspec.structs.replace(OWNER, reserved_concurrency=5)
    catalog.apply(_document(kinds.FUNCTION, reserving, 1))
    catalog.apply(_document(kinds.FUNCTION, msgspec.structs.replace(reserving, tags={}), 2))
    catalog.apply(_document(kinds.FUNCTION, msgspec.structs.replace(reserving, deleting=True), 3))
    catalog.remove(_document(kinds.FUNCTION, reserving, 3))
    assert told == [("f", 5), ("f", None)]


def test_what_was_deleted_here_is_not_brought_back_by_a_late_watch() -> None:
    catalog = Catalog(ACCOUNT)
    catalog.apply(_document(kinds.FUNCTION, OWNER, 5))
    catalog.remove(_document(kinds.FUNCTION, OWNER, 5))
    catalog.apply(_document(kinds.FUNCTION, OWNER, 5))
    with pytest.raises(errors.ResourceNotFoundError):
        _resolved(catalog)
    catalog.apply(_document(kinds.FUNCTION, OWNER, 7))
    assert _resolved(catalog) == "$LATEST"
    assert catalog.code_bytes == 10


def test_what_belongs_to_a_deleted_function_of_the_same_name_does_not_exist() -> None:
    catalog = Catalog(ACCOUNT)
    catalog.apply(_document(kinds.VERSION, VERSION, 1))
    catalog.apply(_document(kinds.ALIAS, ALIAS, 2))
    catalog.apply(_document(kinds.FUNCTION, msgspec.structs.replace(OWNER, uid="v"), 3))
    for qualifier in ("1", "prod"):
        with pytest.raises(errors.ResourceNotFoundError):
            _resolved(catalog, qualifier)


@pytest.mark.parametrize("qualifier", ["2", "01", "0", "²", "9" * 5000, "", "1 "])
def test_what_is_no_published_number_is_not_found(qualifier: str) -> None:
    catalog = Catalog(ACCOUNT)
    catalog.apply(_document(kinds.FUNCTION, OWNER, 1))
    catalog.apply(_document(kinds.VERSION, VERSION, 2))
    if qualifier:
        with pytest.raises(errors.ResourceNotFoundError):
            _resolved(catalog, qualifier)
    else:
        assert _resolved(catalog, qualifier) == "$LATEST"


def test_a_function_marked_for_deletion_is_gone_and_retired_once() -> None:
    catalog, retired = Catalog(ACCOUNT), []
    catalog.subscribe(retired.append)
    catalog.apply(_document(kinds.FUNCTION, OWNER, 1))
    catalog.apply(_document(kinds.FUNCTION, msgspec.structs.replace(OWNER, deleting=True), 2))
    with pytest.raises(errors.ResourceNotFoundError):
        _resolved(catalog)
    assert retired == [Retirement(function_name="f", function_uid="u", version=None)]
    assert list(catalog.functions()) == []


def test_sums_follow_what_comes_changes_and_goes() -> None:
    catalog = Catalog(ACCOUNT)
    catalog.apply(_document(kinds.FUNCTION, OWNER, 1))
    assert (catalog.function_count, list(catalog.functions_with_concurrency())) == (1, [])
    reserving = msgspec.structs.replace(OWNER, reserved_concurrency=5)
    catalog.apply(_document(kinds.FUNCTION, reserving, 2))
    config = provisioned.ProvisionedConcurrency(
        function_name="f", function_uid="u", qualifier="1", requested=2, last_modified=""
    )
    kept = documents.Document(kind=kinds.PROVISIONED, name="f.1", resource_version=3, value=config)
    catalog.apply(kept)
    assert list(catalog.functions_with_concurrency()) == [reserving]
    catalog.apply(_document(kinds.FUNCTION, OWNER, 4))
    assert list(catalog.functions_with_concurrency()) == [OWNER]
    catalog.remove(kept)
    assert list(catalog.functions_with_concurrency()) == []
    leaving = msgspec.structs.replace(OWNER, deleting=True)
    catalog.apply(_document(kinds.FUNCTION, leaving, 5))
    assert (catalog.function_count, catalog.code_bytes) == (0, 10)
    catalog.remove(_document(kinds.FUNCTION, leaving, 5))
    assert (catalog.function_count, catalog.code_bytes) == (0, 0)


def test_functions_are_listed_in_order_from_any_name_on() -> None:
    catalog = Catalog(ACCOUNT)
    for version, name in enumerate(["b", "a-b", "a", "B"], 1):
        value = msgspec.structs.replace(OWNER, name=name)
        catalog.apply(
            documents.Document(
                kind=kinds.FUNCTION, name=name, resource_version=version, value=value
            )
        )
    assert [one.name for one in catalog.functions()] == ["B", "a", "a-b", "b"]
    assert [one.name for one in catalog.functions("a-")] == ["a-b", "b"]
    gone = msgspec.structs.replace(OWNER, name="a")
    catalog.remove(
        documents.Document(kind=kinds.FUNCTION, name="a", resource_version=3, value=gone)
    )
    assert [one.name for one in catalog.functions("a")] == ["a-b", "b"]


def test_functions_share_the_words_that_they_have_in_common() -> None:
    catalog = Catalog(ACCOUNT)
    found = []
    for number, name in enumerate(("f", "g"), 1):
        own = msgspec.structs.replace(OWNER, name=name, uid=f"u-{name}")
        decoded = msgspec.json.decode(msgspec.json.encode(own), type=function.Function)
        catalog.apply(
            documents.Document(
                kind=kinds.FUNCTION, name=name, resource_version=number, value=decoded
            )
        )
        kept = catalog.living(name)
        assert kept == own
        found.append(kept)
    one, other = (each.spec for each in found if each is not None)
    for word in ("runtime", "handler", "role", "architecture", "tracing", "placement"):
        assert getattr(one, word) is getattr(other, word), word
