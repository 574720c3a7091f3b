"""Every paginator of the SDK ends and shows all, exactly once.

The paginators are botocore's own, out of its data; boto3 and the aws CLI run the same.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from platform_process import refused
from support import aws_cli, listings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("api/API_Operations.html")

NOT_YET = frozenset(
    (
        *("ListCapacityProviders", "ListFunctionVersionsByCapacityProvider"),
        "ListDurableExecutionsByFunction",
        *("GetDurableExecutionHistory", "GetDurableExecutionState"),
    )
)
"""Paginators of operations that are not built."""


@pytest.fixture
def items(client: "LambdaClient", name: str) -> Iterator[listings.Items]:
    made = listings.Items(client, name)
    yield made
    made.clean_up()


def shown(listing: listings.Listing, pages: Any, items: listings.Items) -> list[str]:
    """Return the keys on some pages, without what other tests have left."""
    found = [listing.key(item) for page in pages for item in page[listing.member]]
    return [key for key in found if key in items.keys]


every_listing = pytest.mark.parametrize(
    "listing",
    [
        pytest.param(each, marks=[pytest.mark.ours(each.ours)] if each.ours else [])
        for each in listings.LISTINGS
    ],
    ids=lambda listing: listing.operation,
)


@pytest.mark.ours("what is not built is our own list")
def test_every_paginator_of_the_sdk_is_here(client: "LambdaClient") -> None:
    names = {client.meta.method_to_api_mapping[each.operation] for each in listings.LISTINGS}
    loader = botocore.session.get_session().get_component("data_loader")
    known = loader.load_service_model("lambda", "paginators-1")["pagination"]
    assert names | NOT_YET == set(known)


@every_listing
@pytest.mark.parametrize("size", [1, 2, 5, 50])
def test_pages_of_any_size_show_all_exactly_once(
    items: listings.Items, listing: listings.Listing, size: int
) -> None:
    members = listing.make(items)
    pages = list(
        items.client.get_paginator(listing.operation).paginate(
            **members, PaginationConfig={"PageSize": size}
        )
    )
    assert sorted(shown(listing, pages, items)) == sorted(items.keys)
    assert all(len(page[listing.member]) <= size for page in pages)
    assert all(page.get("NextMarker") for page in pages[:-1])
    assert "NextMarker" not in pages[-1]


@every_listing
def test_deleting_what_was_shown_hides_nothing(
    items: listings.Items, listing: listings.Listing
) -> None:
    members = listing.make(items)
    removable = [key for key in items.keys if not key.endswith("$LATEST")]
    found: list[str] = []
    removed: list[str] = []
    pages = items.client.get_paginator(listing.operation).paginate(
        **members, PaginationConfig={"PageSize": 2}
    )
    for page in pages:
        found += shown(listing, [page], items)
        for key in found:
            if key in removable and key not in removed:
                listing.remove(items, key)
                removed.append(key)
    assert sorted(found) == sorted(items.keys)
    left = items.client.get_paginator(listing.operation).paginate(**members)
    assert set(shown(listing, left, items)) == set(items.keys) - set(removed)


@every_listing
def test_deleting_what_comes_next_shows_the_rest_once(
    items: listings.Items, listing: listings.Listing
) -> None:
    members = listing.make(items)
    every = items.client.get_paginator(listing.operation)
    order = shown(listing, every.paginate(**members), items)
    pages = iter(every.paginate(**members, PaginationConfig={"PageSize": 1}))
    found: list[str] = []
    while not found:
        found += shown(listing, [next(pages)], items)
    listing.remove(items, order[1])
    found += shown(listing, pages, items)
    assert found == [order[0], *order[2:]]


@every_listing
def test_a_listing_goes_on_from_a_token(items: listings.Items, listing: listings.Listing) -> None:
    members = listing.make(items)
    paginator = items.client.get_paginator(listing.operation)
    found: list[str] = []
    token = None
    for _ in range(1000):
        config = {"MaxItems": 2, "PageSize": 2, "StartingToken": token}
        page = paginator.paginate(**members, PaginationConfig=config).build_full_result()
        found += shown(listing, [page], items)
        token = page.get("NextToken")
        if token is None:
            break
    assert sorted(found) == sorted(items.keys)


@every_listing
@pytest.mark.ours("AWS's own text for it is not known")
def test_a_marker_that_nobody_gave_is_refused(
    items: listings.Items, listing: listings.Listing
) -> None:
    members = listing.make(items)
    call = getattr(items.client, listing.operation)
    status, error, message = refused(call, **members, Marker="\u00ff?")
    assert (status, error, message) == (400, "InvalidParameterValueException", "Invalid Marker")


@aws_cli.installed
@pytest.mark.parametrize("size", ["1", "2", "50"])
@pytest.mark.aws("api/API_ListAliases.html")
def test_the_cli_shows_all_pages(items: listings.Items, tmp_path: Path, size: str) -> None:
    listings.ALIASES.make(items)
    aws = aws_cli.Cli(items.client, tmp_path)
    found = aws("list-aliases", "--function-name", items.name, "--page-size", size)
    assert [each["Name"] for each in found["Aliases"]] == items.keys


@aws_cli.installed
@pytest.mark.aws("model:ListAliasesRequest.Marker")
def test_the_cli_goes_on_where_it_stopped(items: listings.Items, tmp_path: Path) -> None:
    listings.ALIASES.make(items)
    aws = aws_cli.Cli(items.client, tmp_path)
    first = aws("list-aliases", "--function-name", items.name, "--max-items", "3")
    rest = aws(
        "list-aliases", "--function-name", items.name, "--starting-token", first["NextToken"]
    )
    shown = [each["Name"] for each in first["Aliases"] + rest["Aliases"]]
    assert shown == items.keys


@aws_cli.installed
@pytest.mark.aws("model:ListAliasesResponse.NextMarker")
def test_the_cli_shows_one_page_if_told_so(items: listings.Items, tmp_path: Path) -> None:
    listings.ALIASES.make(items)
    found = aws_cli.Cli(items.client, tmp_path)(
        "list-aliases", "--function-name", items.name, "--no-paginate", "--max-items", "2"
    )
    assert [each["Name"] for each in found["Aliases"]] == items.keys[:2]
    assert found["NextMarker"]
