"""Ids of requests are random UUIDs, all different."""

import uuid

from inglenook.model import request_ids


def test_ids_are_random_uuids_in_their_usual_form() -> None:
    ids = request_ids.RequestIds()
    for _ in range(600):
        found = uuid.UUID(text := ids.new())
        assert (found.version, found.variant) == (4, uuid.RFC_4122)
        assert str(found) == text


def test_none_comes_twice() -> None:
    one, other = request_ids.RequestIds(), request_ids.RequestIds()
    assert len({each.new() for each in (one, other) for _ in range(1000)}) == 2000
