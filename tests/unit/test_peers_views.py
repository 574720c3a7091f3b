"""From EndpointSlices to views: who is there, how far a view is, and what happened between two."""

import msgspec
import pytest

from inglenook_cluster.peers import endpoints, membership, views


def endpoint(name: str, **conditions: bool) -> dict[str, object]:
    address = f"10.0.0.{len(name)}"
    return {"addresses": [address], "conditions": conditions, "targetRef": {"name": name}}


def piece(version: int, *found: dict[str, object], name: str = "slice-a") -> dict[str, object]:
    meta = {"name": name, "resourceVersion": str(version)}
    return {"metadata": meta, "endpoints": list(found)}


def listed(*slices: dict[str, object], version: int = 90) -> bytes:
    return msgspec.json.encode({"metadata": {"resourceVersion": str(version)}, "items": slices})


def event(kind: str, what: dict[str, object]) -> bytes:
    return msgspec.json.encode({"type": kind, "object": what})


def test_ready_endpoints_are_members_and_ending_ones_leave() -> None:
    view = endpoints.Slices().replace(
        listed(
            piece(
                7,
                endpoint("a", ready=True),
                endpoint("bb"),
                endpoint("ccc", ready=False, serving=True, terminating=True),
                endpoint("dddd", ready=False),
                {"addresses": ["10.0.0.9"], "conditions": {}},
            )
        )
    )
    assert view.members == {"a": "10.0.0.1", "bb": "10.0.0.2"}
    assert view.leaving == {"ccc": "10.0.0.3"}
    assert view.version == 7


def test_a_watch_goes_on_from_the_list_and_versions_are_those_of_the_slices() -> None:
    slices = endpoints.Slices()
    slices.replace(listed(piece(7, endpoint("a")), version=90))
    assert slices.resume_from == "90"
    view = slices.apply(event("MODIFIED", piece(95, endpoint("a"), endpoint("bb"))))
    assert (view.version, sorted(view.members)) == (95, ["a", "bb"])
    view = slices.apply(event("BOOKMARK", {"metadata": {"resourceVersion": "120"}}))
    assert (view.version, slices.resume_from) == (95, "120")
    view = slices.apply(event("ADDED", piece(130, endpoint("ccc"), name="slice-b")))
    assert sorted(view.members) == ["a", "bb", "ccc"]
    view = slices.apply(event("DELETED", piece(140, endpoint("ccc"), name="slice-b")))
    assert (view.version, sorted(view.members)) == (140, ["a", "bb"])


def test_two_who_have_read_as_far_have_the_same_version_however_they_read_it() -> None:
    watching, listing = endpoints.Slices(), endpoints.Slices()
    watching.replace(listed(piece(7, endpoint("a"))))
    seen = watching.apply(event("MODIFIED", piece(95, endpoint("bb"))))
    assert listing.replace(listed(piece(95, endpoint("bb")), version=200)) == seen


def test_an_error_of_the_watch_means_to_list_anew() -> None:
    with pytest.raises(endpoints.GoneError):
        endpoints.Slices().apply(event("ERROR", {"code": 410, "message": "too old"}))


def test_what_happened_between_two_views() -> None:
    old = views.View(version=1, members={"a": "1", "b": "2", "c": "3"})
    new = views.View(version=2, members={"a": "1", "d": "4"}, leaving={"b": "2"})
    found = views.difference(old, new)
    assert (found.joined, found.left, found.died) == ({"d"}, {"b"}, {"c"})


def test_without_members_and_without_news_the_last_view_stays() -> None:
    known = membership.Membership()
    heard: list[views.View] = []
    known.subscribe(lambda _old, new: heard.append(new))
    first = views.View(version=5, members={"a": "1"})
    known.learn(first)
    known.learn(views.View(version=5, members={"b": "1"}))
    known.learn(views.View(version=4, members={"b": "1"}))
    known.learn(views.View(version=6, members={}))
    assert known.view == first
    assert heard == [first]
    known.learn(views.View(version=7, members={"b": "1"}))
    assert known.view.owners.of("f") == "b"
