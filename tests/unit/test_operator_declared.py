"""From what custom resources declare to calls of the Lambda API, and back."""

import hashlib
import io
import json
import zipfile
from typing import Any

import msgspec
import pytest
from support import sample_documents

from inglenook.model import function
from inglenook.model.account import Account
from inglenook.store import kinds
from inglenook_cluster.resources import codec, declared, definitions, names
from inglenook_operator.reconcile import (
    calls,
    children,
    functions,
    mirrored,
    packages,
    publishing,
    views,
)
from inglenook_operator.reconcile.calls import Means, Refusal
from inglenook_operator.reconcile.names import Kind

ACCOUNT = Account()
HELLO = sample_documents.plain_function()
ARN = ACCOUNT.function_arn("hello")


def wanted(**changes: Any) -> dict[str, Any]:
    given = declared.spec(HELLO) | changes
    given = {key: value for key, value in given.items() if value is not None}
    return declared.wanted(kinds.FUNCTION.name, HELLO.name, given)


def called(
    *, settled: bool = True, new_code: bool = False, absent: bool = False, **changes: Any
) -> list[tuple[str, dict[str, Any]]]:
    decision = functions.decide(
        name="hello",
        account=ACCOUNT,
        wanted=wanted(**changes),
        present=None if absent else wanted(),
        is_settled=settled,
        is_code_new=new_code,
    )
    return [(call.operation, dict(call.params)) for call in decision.calls]


def test_a_function_as_declared_needs_no_call() -> None:
    assert called() == []


def test_a_function_that_is_not_there_is_created_with_all_that_creation_takes() -> None:
    ((operation, params),) = called(
        absent=True,
        memorySize=256,
        environment={"variables": {"Name": "x"}},
        tags={"team": "a"},
        reservedConcurrentExecutions=5,
    )
    assert operation == "CreateFunction"
    assert params["FunctionName"] == "hello"
    assert params["MemorySize"] == 256
    assert params["Environment"] == {"Variables": {"Name": "x"}}
    assert params["Tags"] == {"team": "a"}
    assert "ReservedConcurrentExecutions" not in params
    assert "Code" not in params


@pytest.mark.parametrize(
    ("changes", "operation", "params"),
    [
        ({"timeout": 9}, "UpdateFunctionConfiguration", {"Timeout": 9}),
        (
            {"environment": {"variables": {"a_Key": "v"}}},
            "UpdateFunctionConfiguration",
            {"Environment": {"Variables": {"a_Key": "v"}}},
        ),
        ({"kmsKeyArn": "arn:k"}, "UpdateFunctionConfiguration", {"KMSKeyArn": "arn:k"}),
        (
            {"architectures": ["arm64"]},
            "UpdateFunctionCode",
            {"Architectures": ["arm64"]},
        ),
        (
            {"reservedConcurrentExecutions": 0},
            "PutFunctionConcurrency",
            {"ReservedConcurrentExecutions": 0},
        ),
        ({"recursiveLoop": "Allow"}, "PutFunctionRecursionConfig", {"RecursiveLoop": "Allow"}),
        (
            {"runtimeManagementConfig": {"updateRuntimeOn": "FunctionUpdate"}},
            "PutRuntimeManagementConfig",
            {"UpdateRuntimeOn": "FunctionUpdate"},
        ),
        (
            {"codeSigningConfigId": "csc-0123456789abcdef0"},
            "PutFunctionCodeSigningConfig",
            {
                "CodeSigningConfigArn": "arn:aws:lambda:us-east-1:000000000000:"
                "code-signing-config:csc-0123456789abcdef0"
            },
        ),
    ],
)
def test_a_change_is_the_operation_that_makes_it(
    changes: dict[str, Any], operation: str, params: dict[str, Any]
) -> None:
    assert called(**changes) == [(operation, {"FunctionName": "hello", **params})]


def test_what_is_not_declared_any_more_is_taken_away() -> None:
    decision = functions.decide(
        name="hello",
        account=ACCOUNT,
        wanted=wanted(description=None, tags=None),
        present=wanted(
            description="old",
            tags={"a": "b"},
            environment={"variables": {"A": "1"}},
            layers=["arn:l:1"],
            reservedConcurrentExecutions=3,
        ),
        is_settled=True,
        is_code_new=False,
    )
    found = {call.operation: call.params for call in decision.calls}
    assert found["UntagResource"] == {"Resource": ARN, "TagKeys": ["a"]}
    assert found["DeleteFunctionConcurrency"] == {"FunctionName": "hello"}
    update = found["UpdateFunctionConfiguration"]
    assert (update["Description"], update["Layers"]) == ("", [])
    assert update["Environment"] == {"Variables": {}}


def test_one_update_at_a_time_and_none_while_one_is_in_progress() -> None:
    both = called(new_code=True, timeout=9, recursiveLoop="Allow")
    assert [operation for operation, _ in both] == [
        "PutFunctionRecursionConfig",
        "UpdateFunctionConfiguration",
    ]
    waiting = called(settled=False, new_code=True, recursiveLoop="Allow")
    assert [operation for operation, _ in waiting] == ["PutFunctionRecursionConfig"]


def test_only_the_resource_says_where_a_function_runs() -> None:
    assert called(runtimeClassName="gvisor", environmentsPerPod=4) == []


@pytest.mark.parametrize(
    ("kind", "spec", "is_new", "operation", "params"),
    [
        (
            Kind.ALIAS,
            {"functionName": "f", "name": "live", "functionVersion": "1"},
            True,
            "CreateAlias",
            {"FunctionName": "f", "Name": "live", "FunctionVersion": "1"},
        ),
        (
            Kind.ALIAS,
            {
                "functionName": "f",
                "name": "live",
                "functionVersion": "1",
                "routingConfig": {"additionalVersionWeights": {"2": 0.1}},
            },
            False,
            "UpdateAlias",
            {
                "FunctionName": "f",
                "Name": "live",
                "FunctionVersion": "1",
                "Description": "",
                "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}},
            },
        ),
        (
            Kind.FUNCTION_URL,
            {"functionName": "f", "qualifier": "live", "authType": "NONE"},
            False,
            "UpdateFunctionUrlConfig",
            {
                "FunctionName": "f",
                "Qualifier": "live",
                "AuthType": "NONE",
                "Cors": {},
                "InvokeMode": "BUFFERED",
            },
        ),
        (
            Kind.PROVISIONED,
            {"functionName": "f", "qualifier": "1", "provisionedConcurrentExecutions": 2},
            False,
            "PutProvisionedConcurrencyConfig",
            {"FunctionName": "f", "Qualifier": "1", "ProvisionedConcurrentExecutions": 2},
        ),
        (
            Kind.EVENT_INVOKE,
            {
                "functionName": "f",
                "qualifier": "$LATEST",
                "maximumEventAgeInSeconds": 60,
                "destinationConfig": {"onFailure": {"destination": "arn:q"}},
            },
            True,
            "PutFunctionEventInvokeConfig",
            {
                "FunctionName": "f",
                "Qualifier": "$LATEST",
                "MaximumEventAgeInSeconds": 60,
                "DestinationConfig": {"OnFailure": {"Destination": "arn:q"}},
            },
        ),
        (
            Kind.VERSION,
            {"functionName": "f", "codeSha256": "abc"},
            True,
            "PublishVersion",
            {"FunctionName": "f", "CodeSha256": "abc"},
        ),
        (
            Kind.LAYER_VERSION,
            {"layerName": "deps", "code": {"inline": {"a": "b"}}, "licenseInfo": "MIT"},
            True,
            "PublishLayerVersion",
            {"LayerName": "deps", "LicenseInfo": "MIT"},
        ),
    ],
)
def test_other_resources_are_one_call_each(
    kind: Kind, spec: dict[str, Any], is_new: bool, operation: str, params: dict[str, Any]
) -> None:
    (call,) = children.decide(kind, account=ACCOUNT, wanted=spec, is_new=is_new).calls
    assert (call.operation, call.params) == (operation, params)
    assert (call.code_in == "Content") is (kind is Kind.LAYER_VERSION)


def test_a_policy_is_put_whole() -> None:
    policy = {"Version": "2012-10-17", "Statement": [{"Sid": "a"}]}
    spec = {"functionName": "f", "qualifier": "live", "policy": policy}
    (call,) = children.decide(Kind.POLICY, account=ACCOUNT, wanted=spec, is_new=True).calls
    assert call.params["ResourceArn"] == ACCOUNT.function_arn("f", "live")
    assert json.loads(call.params["Policy"]) == policy


@pytest.mark.parametrize("kind", [Kind.CODE_SIGNING, Kind.EVENT_SOURCE])
def test_what_the_api_names_is_made_by_the_api_alone(kind: Kind) -> None:
    decision = children.decide(kind, account=ACCOUNT, wanted={}, is_new=True)
    assert decision.problem is not None
    assert decision.problem.reason == "OnlyThroughTheApi"


@pytest.mark.parametrize(
    ("refusal", "meaning"),
    [
        (Refusal(type="TooManyRequestsException", message="", status=429), Means.RETRY),
        (Refusal(type="ServiceException", message="", status=500), Means.RETRY),
        (Refusal(type="ApiUnreachable", message="", status=503), Means.RETRY),
        (Refusal(type="ResourceConflictException", message="", status=409), Means.WAIT),
        (Refusal(type="ResourceNotFoundException", message="", status=404), Means.WAIT),
        (Refusal(type="InvalidParameterValueException", message="", status=400), Means.REJECTED),
        (Refusal(type="CodeStorageExceededException", message="", status=400), Means.REJECTED),
    ],
)
def test_an_error_of_the_api_has_a_meaning(refusal: Refusal, meaning: Means) -> None:
    assert calls.meaning(refusal) is meaning
    assert calls.condition(refusal).status is (False if meaning is Means.REJECTED else None)


def resource(
    spec: dict[str, Any] | None = None,
    *,
    value: function.Function | None = HELLO,
    observed: int = 1,
    accepted: str | None = "True",
    code: dict[str, str] | None = None,
    **metadata: Any,
) -> views.Resource:
    return views.view(Kind.FUNCTION, body(spec, value, observed, accepted, code, **metadata))


def body(
    spec: dict[str, Any] | None = None,
    value: function.Function | None = HELLO,
    observed: int = 1,
    accepted: str | None = "True",
    code: dict[str, str] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    status: dict[str, Any] = {"observedGeneration": observed}
    if accepted is not None:
        status["conditions"] = [{"type": "Accepted", "status": accepted}]
    if code is not None:
        status["code"] = code
    if value is not None:
        kept = codec.status(value.name, value, replaced=1)
        status |= {key: one for key, one in kept.items() if one is not None}
    return {
        "metadata": {
            "name": "hello",
            "uid": "u",
            "generation": 1,
            "resourceVersion": "9",
            "creationTimestamp": "2026-11-21T20:00:00Z",
            **metadata,
        },
        "spec": declared.spec(HELLO) if spec is None else spec,
        "status": status,
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"accepted": None}, True),
        ({"accepted": "False"}, False),
        ({"observed": 0}, False),
        ({"value": None}, False),
        ({"generation": 2}, False),
    ],
)
def test_a_resource_is_taken_over_once_the_platform_was_told_all_of_it(
    changes: dict[str, Any], expected: bool
) -> None:
    assert resource(**changes).is_taken_over is expected


def test_what_came_through_the_api_is_mirrored_and_what_is_the_resources_own_is_kept() -> None:
    changed = msgspec.structs.replace(HELLO, spec=msgspec.structs.replace(HELLO.spec, timeout_s=77))
    spec = declared.spec(HELLO) | {"runtimeClassName": "gvisor", "environmentsPerPod": 3}
    written = mirrored.spec(resource(spec, value=changed))
    assert written is not None
    assert written["timeout"] == 77
    assert (written["runtimeClassName"], written["environmentsPerPod"]) == ("gvisor", 3)
    assert mirrored.spec(resource(written, value=changed)) is None


def test_code_that_was_declared_is_not_mirrored_as_a_package() -> None:
    code = {"inline": {"app.py": "x = 1"}}
    spec = declared.spec(HELLO) | {"code": code}
    made = {"source": declared.source_hash(code), "sha256": HELLO.spec.code.sha256}
    assert mirrored.spec(resource(spec, code=made)) is None
    other = mirrored.spec(resource(spec, code=made | {"sha256": "0" * 64}))
    assert other is not None
    assert other["code"] == {"sha256": HELLO.spec.code.sha256}


@pytest.mark.parametrize(
    ("number", "last", "published", "reason"),
    [
        (1, 0, None, None),
        (2, 1, 1, None),
        (3, 1, 1, "Waiting"),
        (1, 1, 1, "NumberTaken"),
        (2, 1, 5, "Waiting"),
        (None, 1, 1, None),
    ],
)
def test_a_version_is_published_under_the_number_it_is_named_for(
    number: int | None, last: int, published: int | None, reason: str | None
) -> None:
    value = msgspec.structs.replace(
        HELLO,
        last_version=last,
        last_published_generation=published,
        status=msgspec.structs.replace(HELLO.status, generation=5),
    )
    found = publishing.obstacle(number, resource(value=value))
    problem = None if found is None else found.problem
    assert (problem and problem.reason) == reason


def test_a_version_waits_until_its_function_is_as_declared() -> None:
    for owner in (resource(observed=0), resource(value=None)):
        found = publishing.obstacle(1, owner)
        assert found is not None
        assert found.problem is not None
        assert found.problem.reason == "Waiting"


def test_conditions_of_our_own_are_no_news() -> None:
    before = body()
    after = body()
    after["status"]["conditions"] = [
        {"type": "Accepted", "status": "True", "reason": "Accepted"},
        {"type": "Ready", "status": "True"},
    ]
    assert views.fingerprint(Kind.FUNCTION, before) == views.fingerprint(Kind.FUNCTION, after)
    for changed in (body(generation=2), body(accepted="False"), body(value=None), None):
        assert views.fingerprint(Kind.FUNCTION, changed) != views.fingerprint(Kind.FUNCTION, before)


def test_a_resource_has_to_be_called_as_what_it_declares() -> None:
    one = resource(declared.spec(HELLO) | {"functionName": "Hello_World"})
    assert one.right_name == names.resource_name(kinds.FUNCTION.name, "Hello_World") != one.name
    assert one.right_name in children.misnamed(Kind.FUNCTION, one.right_name).message


def test_every_kind_keeps_documents() -> None:
    assert {kind.documents for kind in Kind} | {kinds.LAYER} == {
        one.kind for one in definitions.ALL
    }


def test_the_same_files_make_the_same_zip() -> None:
    files = {"b.py": b"x = 1\n", "bin/run": b"#!/bin/sh\n", "a/b/c.txt": b""}
    one = packages.zipped(files)
    assert one == packages.zipped(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(one)) as archive:
        assert archive.namelist() == ["a/b/c.txt", "b.py", "bin/run"]
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
        assert modes == {"a/b/c.txt": 0o644, "b.py": 0o644, "bin/run": 0o755}


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a//b", "a/./b", "a/"])
def test_paths_that_lead_out_of_a_package_are_refused(path: str) -> None:
    with pytest.raises(packages.BadSourceError):
        packages.zipped({path: b""})


def test_a_zip_that_is_not_what_was_declared_is_refused() -> None:
    digest = hashlib.sha256(b"zip").hexdigest()
    assert packages.verified(b"zip", digest) == b"zip"
    with pytest.raises(packages.BadSourceError, match=digest):
        packages.verified(b"zip", "0" * 64)
