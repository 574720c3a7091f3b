"""Documents in custom resources, and the changes that a watch of resources tells of them."""

import json
from typing import Any

import msgspec
import pytest
from support import sample_documents
from support.sample_documents import Sample

from inglenook.model import function
from inglenook.store import documents, kinds
from inglenook.store.documents import Change
from inglenook_cluster.resources import codec, definitions, manifest
from inglenook_cluster.resources.events import Events

HELLO = sample_documents.plain_function()


def resource(
    value: object, *, name: str = "hello", version: int = 10, replaced: int = 9, **extra: Any
) -> dict[str, Any]:
    """Return a resource as the API server would show it."""
    return {
        "metadata": {
            "name": name,
            "uid": extra.pop("uid", "uid"),
            "resourceVersion": str(version),
            "managedFields": [{}],
            **extra.pop("metadata", {}),
        },
        "spec": extra.pop("spec", {}),
        "status": codec.status(name, value, replaced=replaced)
        | {"conditions": [{"type": "Ready", "status": "True"}], "environments": 4},
    }


def line(kind: str, shown: object) -> bytes:
    return json.dumps({"type": kind, "object": shown}).encode()


@pytest.mark.parametrize("sample", sample_documents.samples(), ids=lambda one: str(one[1])[:20])
def test_a_document_comes_out_of_its_resource_as_it_was_put_in(sample: Sample) -> None:
    kind, name, value = sample
    spec = definitions.of(kind).spec(value)
    shown = resource(value, name=name, spec=spec)
    found = codec.document(kind, manifest.read(json.loads(json.dumps(shown))))
    assert found == documents.Document(kind=kind, name=name, resource_version=10, value=value)


def test_a_resource_that_was_only_declared_is_no_document() -> None:
    declared = {"metadata": {"name": "hello", "resourceVersion": "1"}, "spec": {}}
    assert codec.document(kinds.FUNCTION, manifest.read(declared)) is None


def test_where_a_function_runs_is_taken_from_its_spec() -> None:
    value = msgspec.structs.replace(
        HELLO, before_update=function.Serving(spec=HELLO.spec, generation=1)
    )
    shown = resource(value, spec={"runtimeClassName": "gvisor", "environmentsPerPod": 4})
    found = codec.document(kinds.FUNCTION, manifest.read(shown))
    assert found is not None
    placement = function.Placement(runtime_class="gvisor", environments_per_pod=4)
    assert found.value.spec.placement == placement
    assert found.value.serving.spec.placement == placement


def placed(value: function.Function, generation: int, **spec: object) -> function.Function:
    shown = resource(value, spec=spec, metadata={"generation": generation})
    found = codec.document(kinds.FUNCTION, manifest.read(shown))
    assert found is not None
    return found.value


def test_another_kind_of_pod_is_another_generation_until_it_is_kept() -> None:
    before = function.Serving(spec=HELLO.spec, generation=1)
    first = msgspec.structs.replace(HELLO, before_update=before)
    seen = [
        placed(first, 3),
        placed(first, 4, runtimeClassName="gvisor"),
        placed(first, 5, runtimeClassName="gvisor", environmentsPerPod=2),
    ]
    for of in (lambda one: one.serving.generation, lambda one: one.status.generation):
        assert len({of(one) for one in seen}) == 3, "environments would not be retired"
        # What was seen last is written by the next replacement, and stays the same then.
        again = placed(seen[-1], 6, runtimeClassName="gvisor", environmentsPerPod=2)
        assert of(again) == of(seen[-1])


def test_a_watch_tells_of_each_kind_of_pod() -> None:
    events = Events(definitions.of(kinds.FUNCTION))
    told = []
    for generation, name in ((3, None), (4, "gvisor"), (5, "gvisor"), (5, "gvisor")):
        spec = {} if name is None else {"runtimeClassName": name}
        shown = resource(HELLO, spec=spec, metadata={"generation": generation})
        change = events.read(line("MODIFIED", shown))
        told.append(None if change is None else change.document.value.status.generation)
    assert told == [1, 5, 6, None]


def dying(*finalizers: str) -> dict[str, Any]:
    return {"deletionTimestamp": "2026-11-21T13:46:00Z", "finalizers": list(finalizers)}


def test_a_function_whose_resource_is_being_deleted_is_deleting() -> None:
    shown = resource(HELLO, metadata=dying(definitions.DRAIN_FINALIZER))
    found = codec.document(kinds.FUNCTION, manifest.read(shown))
    assert found is not None
    assert found.value.deleting


def test_what_only_others_hold_back_from_deletion_is_gone() -> None:
    shown = resource(HELLO, metadata=dying("other.example/wait"))
    assert codec.document(kinds.FUNCTION, manifest.read(shown)) is None


def test_what_goes_from_a_value_goes_from_what_is_shown_of_it() -> None:
    fields = codec.status("hello", HELLO, replaced=1)
    assert fields["state"] == "Pending"
    assert fields["lastUpdateStatus"] is None
    assert "conditions" not in fields
    assert "observedGeneration" not in fields


def events() -> Events:
    return Events(definitions.of(kinds.FUNCTION))


def told(change: Change | None) -> tuple[str, int, bool] | None:
    if change is None:
        return None
    return change.document.name, change.document.resource_version, change.deleted


def test_every_change_of_a_document_is_told() -> None:
    seen = events()
    assert told(seen.read(line("ADDED", resource(HELLO)))) == ("hello", 10, False)
    changed = resource(HELLO, version=12, replaced=10)
    assert told(seen.read(line("MODIFIED", changed))) == ("hello", 12, False)
    gone = resource(HELLO, version=13, replaced=10)
    assert told(seen.read(line("DELETED", gone))) == ("hello", 13, True)
    assert seen.version == 13


def test_what_others_write_of_a_resource_is_not_told() -> None:
    seen = events()
    seen.read(line("ADDED", resource(HELLO)))
    assert seen.read(line("MODIFIED", resource(HELLO, version=11))) is None
    assert seen.version == 11


def test_what_existed_in_the_beginning_is_not_told_again() -> None:
    seen = events()
    assert told(seen.existing(manifest.read(resource(HELLO)))) == ("hello", 10, False)
    assert seen.read(line("MODIFIED", resource(HELLO, version=11))) is None


def test_a_change_of_where_a_function_runs_is_told() -> None:
    seen = events()
    seen.read(line("ADDED", resource(HELLO)))
    moved = resource(HELLO, version=11, spec={"environmentsPerPod": 2})
    assert told(seen.read(line("MODIFIED", moved))) == ("hello", 11, False)


def test_a_function_that_is_being_deleted_is_told_once_as_deleting_then_as_deleted() -> None:
    seen = events()
    seen.read(line("ADDED", resource(HELLO)))
    held = resource(HELLO, version=11, metadata=dying(definitions.DRAIN_FINALIZER))
    change = seen.read(line("MODIFIED", held))
    assert change is not None
    assert change.document.value.deleting
    gone = resource(HELLO, version=12, metadata=dying())
    assert told(seen.read(line("DELETED", gone))) == ("hello", 12, True)


def test_a_document_that_others_still_hold_is_told_as_deleted_once() -> None:
    seen = events()
    seen.read(line("ADDED", resource(HELLO)))
    held = resource(HELLO, version=11, metadata=dying("other.example/wait"))
    assert told(seen.read(line("MODIFIED", held))) == ("hello", 11, True)
    held = resource(HELLO, version=12, metadata=dying("other.example/wait"))
    assert seen.read(line("MODIFIED", held)) is None
    assert seen.read(line("DELETED", resource(HELLO, version=13, metadata=dying()))) is None


def test_another_resource_of_the_same_name_is_told_anew() -> None:
    seen = events()
    seen.read(line("ADDED", resource(HELLO)))
    seen.read(line("DELETED", resource(HELLO, version=11)))
    again = resource(HELLO, version=13, replaced=12, uid="other")
    assert told(seen.read(line("ADDED", again))) == ("hello", 13, False)


def test_resources_that_were_only_declared_are_not_told() -> None:
    seen = events()
    declared = {"metadata": {"name": "hello", "resourceVersion": "5"}, "spec": {}}
    assert seen.read(line("ADDED", declared)) is None
    assert seen.read(line("DELETED", declared)) is None


def test_a_bookmark_moves_the_version_and_tells_nothing() -> None:
    seen = events()
    assert seen.read(line("BOOKMARK", {"metadata": {"resourceVersion": "77"}})) is None
    assert seen.version == 77


def test_changes_that_are_no_longer_known_expire_the_watch() -> None:
    expired = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    with pytest.raises(documents.WatchExpiredError, match="too old"):
        events().read(line("ERROR", expired))
