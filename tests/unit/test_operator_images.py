"""What the operator makes of functions whose code is a container image."""

from typing import Any

import msgspec
import pytest
from support import sample_documents

from inglenook import settings
from inglenook.model import function, images
from inglenook.model.account import Account
from inglenook.store import kinds
from inglenook_cluster import labels
from inglenook_cluster.resources import codec, declared
from inglenook_operator.control import deployments, leading, pooling, sources
from inglenook_operator.reconcile import conditions, functions, imaged, pools, views
from inglenook_operator.reconcile.names import Kind
from inglenook_operator.reconcile.pods import Trouble
from inglenook_operator.reconcile.pools import Counts
from inglenook_operator.resources import pod, runtime

URI = "registry.example/app:1"
OTHER = "registry.example/app:2"
PICTURED = sample_documents.image_function(URI)
PLATFORM = imaged.Platform()
NOTHING: Any = None
"""What is not to be touched."""


def body(value: Any) -> dict[str, Any]:
    """Return the custom resource that keeps a document."""
    kept = codec.status(value.function_name if hasattr(value, "number") else value.name, value,
                        replaced=1)  # fmt: skip
    return {
        "metadata": {
            "name": "pictured",
            "uid": "u",
            "resourceVersion": "1",
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": declared.spec(value),
        "status": {key: one for key, one in kept.items() if one is not None},
    }


def version(uri: str) -> function.Version:
    return function.Version(
        function_name="pictured", function_uid="uid", number=1,
        spec=sample_documents.image_spec(uri), status=sample_documents.STATUS,
    )  # fmt: skip


def test_an_image_is_in_use_while_something_has_it_or_still_runs_it() -> None:
    assert imaged.uris(Kind.FUNCTION, body(PICTURED)) == {URI}
    assert imaged.uris(Kind.FUNCTION, body(sample_documents.plain_function())) == frozenset()
    serving = function.Serving(spec=sample_documents.image_spec(OTHER), generation=1)
    updated = msgspec.structs.replace(PICTURED, before_update=serving)
    assert imaged.uris(Kind.FUNCTION, body(updated)) == {URI, OTHER}
    assert imaged.uris(Kind.VERSION, body(version(OTHER))) == {OTHER}
    nothing = body(PICTURED) | {"status": {}}
    assert imaged.uris(Kind.FUNCTION, nothing) == frozenset()


def test_the_runtime_of_an_image_keeps_nothing_waiting_and_says_how_to_pull() -> None:
    told = leading.images_platform(
        settings.Operator(
            image_pull_policy="Always", image_pull_secrets="one, two", image_pool_max=3
        )
    )
    made = imaged.manifest(URI, platform=told, namespace="functions")
    assert made["metadata"]["name"] == images.runtime_name(URI)
    assert made["metadata"]["namespace"] == "functions"
    decoded = pooling.decoded(made)
    assert decoded == runtime.Runtime(
        package_type="Image",
        image=URI,
        image_pull_policy="Always",
        image_pull_secrets=[{"name": "one"}, {"name": "two"}],
        pool=runtime.Pool(min=0, max=3),
    )
    assert imaged.is_of_image(made)
    assert not imaged.is_of_image({"spec": {"image": URI}})


def test_a_runtime_of_an_image_follows_the_installations_settings() -> None:
    made = imaged.manifest(URI, platform=PLATFORM, namespace="functions")
    assert not imaged.differs(made, made)
    # What nobody said stays: a person may have added a node selector.
    more = made | {"spec": made["spec"] | {"nodeSelector": {"a": "b"}}}
    assert not imaged.differs(more, made)
    with_secret = imaged.manifest(
        URI, platform=imaged.Platform(pull_secrets=("one",)), namespace="functions"
    )
    assert imaged.differs(made, with_secret)
    assert imaged.differs(with_secret, made)


def failing(reason: str, status: str = "False") -> dict[str, Any]:
    made = imaged.manifest(URI, platform=PLATFORM, namespace="functions")
    said = {"type": "Ready", "status": status, "reason": reason, "message": "not found"}
    return made | {"status": {"conditions": [said]}}


def test_what_keeps_an_images_pods_is_known_from_its_runtime() -> None:
    told = imaged.trouble([None, failing("ImagePullFailed")])
    assert told == conditions.Condition(
        type="Ready", status=False, reason="ImagePullFailed", message="not found"
    )
    for fine in (failing("PoolFills"), failing("PoolReady", "True"), None):
        assert imaged.trouble([fine]) is None
    of_zips = failing("ImagePullFailed")
    of_zips["spec"]["packageType"] = "Zip"
    assert imaged.trouble([of_zips]) is None


PULL = Trouble(reason="ImagePullFailed", message="not found")


@pytest.mark.parametrize(
    ("counts", "least", "found", "said", "shown"),
    [
        # Nothing waits, and nobody has asked for anything.
        (Counts(), 0, None, None, None),
        (Counts(starting=1), 0, PULL, None, PULL),
        # The pod that failed is gone with who waited for it.
        (Counts(), 0, None, PULL, PULL),
        (Counts(starting=1), 0, None, PULL, PULL),
        # One has started: whatever it was, it is over.
        (Counts(pooled=1), 0, None, PULL, None),
        (Counts(specialised=1), 0, None, PULL, None),
        (Counts(specialised=1), 0, PULL, None, PULL),
        # Those of which some have to wait.
        (Counts(pooled=2), 2, PULL, PULL, None),
        (Counts(pooled=1), 2, PULL, None, PULL),
        (
            Counts(pooled=1),
            2,
            None,
            PULL,
            Trouble(reason="PoolFills", message="1 of 2 pods are ready."),
        ),
    ],
)
def test_what_failed_last_stays_said_until_a_pod_has_started(
    counts: Counts, least: int, found: Trouble | None, said: Trouble | None, shown: Trouble | None
) -> None:
    assert pools.shown_trouble(counts, least=least, found=found, said=said) == shown


async def test_an_image_is_new_if_it_is_not_the_one_that_runs() -> None:
    looked_up = sources.Sources(NOTHING, blobs=NOTHING, fetch=NOTHING)
    deployed = deployments.Deployments(NOTHING, sources=looked_up)
    there = body(PICTURED)
    for uri, is_new in ((URI, False), (OTHER, True)):
        there["spec"]["code"] = {"imageUri": uri}
        made = await deployed.of(views.view(Kind.FUNCTION, there))
        assert made.is_new is is_new
        assert await made.members() == {"ImageUri": uri}
    # Nothing is fetched, and so there is nothing to write down.
    await deployed.record(views.view(Kind.FUNCTION, there), made, "0" * 64)


IMAGE_RUNTIME = runtime.decode(
    imaged.manifest(URI, platform=imaged.Platform(pull_secrets=("one",)), namespace="f")["spec"]
)


@pytest.fixture
def made() -> dict[str, Any]:
    return pod.manifest(
        platform=pod.Platform(agent_image="inglenook/agent:1"),
        runtime=IMAGE_RUNTIME,
        owner=pod.Owner(name=images.runtime_name(URI), uid="u"),
        runtime_class=None,
        namespace="functions",
    )


def test_the_pod_of_an_image_runs_it_under_the_init(made: dict[str, Any]) -> None:
    [of_function] = made["spec"]["containers"]
    assert of_function["image"] == URI
    assert of_function["command"] == [
        *("/run/inglenook/init", "--connect", "/run/inglenook/spawner.sock"),
    ]
    # The image's own environment and folder are the init's.
    assert not of_function.keys() & {"args", "workingDir", "env"}
    assert [one["mountPath"] for one in of_function["volumeMounts"]] == ["/run/inglenook", "/tmp"]
    assert made["spec"]["imagePullSecrets"] == [{"name": "one"}]
    assert made["metadata"]["labels"][labels.POOL] == images.runtime_name(URI)


def test_its_agent_is_told_the_image_and_no_runtime(made: dict[str, Any]) -> None:
    [agent] = made["spec"]["initContainers"]
    told = {one["name"]: one.get("value") for one in agent["env"]}
    assert told["INGLENOOK_AGENT_IMAGE"] == URI
    assert "INGLENOOK_AGENT_RUNTIME" not in told


def test_it_is_as_hardened_as_any_other(made: dict[str, Any]) -> None:
    context = made["spec"]["containers"][0]["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def decided(present: function.Function | None, *, new: bool = False, **changes: Any) -> Any:
    def wanted(value: function.Function, **over: Any) -> dict[str, Any]:
        given = {k: one for k, one in (declared.spec(value) | over).items() if one is not None}
        return declared.wanted(kinds.FUNCTION.name, "pictured", given)

    decision = functions.decide(
        name="pictured",
        account=Account(),
        wanted=wanted(PICTURED, **changes),
        present=None if present is None else wanted(present),
        is_settled=True,
        is_code_new=new,
    )
    return [(call.operation, dict(call.params)) for call in decision.calls]


def test_a_declared_image_is_created_as_one() -> None:
    ((operation, params),) = decided(None)
    assert operation == "CreateFunction"
    assert params["PackageType"] == "Image"
    assert params["ImageConfig"] == {
        "EntryPoint": ["/app", "--serve"],
        "Command": ["app.handler"],
        "WorkingDirectory": "/srv",
    }
    assert not params.keys() & {"Runtime", "Handler"}


def test_what_changes_of_an_image_becomes_the_update_that_takes_it() -> None:
    assert decided(PICTURED) == []
    ((operation, params),) = decided(PICTURED, new=True, code={"imageUri": OTHER})
    assert (operation, params["Architectures"]) == ("UpdateFunctionCode", ["x86_64"])
    ((operation, params),) = decided(PICTURED, imageConfig={"command": ["other"]})
    assert (operation, params["ImageConfig"]) == (
        *("UpdateFunctionConfiguration", {"Command": ["other"]}),
    )
    ((_, params),) = decided(PICTURED, imageConfig=None)
    assert params["ImageConfig"] == {}
