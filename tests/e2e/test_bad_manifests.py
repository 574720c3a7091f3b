"""A manifest that cannot be says so where people look, and nothing is half made."""

from typing import TYPE_CHECKING

import pytest
from support import declared
from support.kubernetes_cluster import RefusedError, Resources, invoke

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"memorySize": 64}, "memorySize"),
        ({"timeout": 901}, "timeout"),
        ({"code": {}}, "exactly one of"),
        ({"memory": 128}, "memory"),
        ({"handler": None, "runtime": None}, "handler"),
    ],
    ids=str,
)
def test_what_the_schema_can_tell_is_refused_at_once(
    name: str, resources: Resources, spec: dict[str, object], says: str
) -> None:
    whole = declared.function(name, declared.saying(1), **spec)
    with pytest.raises(RefusedError, match=says):
        resources.apply(whole)
    assert not resources.exists("function", name)


def test_what_only_the_api_can_tell_is_a_condition_and_an_event(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(declared.function(name, declared.saying(1), runtime="python9.9"))
    resources.until("function", name, "condition=Accepted=false")
    accepted = resources.condition("function", name, "Accepted")
    assert accepted["reason"] == "InvalidParameterValueException"
    assert "python9.9" in accepted["message"]
    [event] = [each for each in resources.events(name) if each["type"] == "Warning"]
    assert event["reason"] == "InvalidParameterValueException"
    assert "python9.9" in event["message"]
    # For the API there is no such function.
    with pytest.raises(api.exceptions.ResourceNotFoundException):
        _ = api.get_function(FunctionName=name)
    names = [
        each["FunctionName"]
        for page in api.get_paginator("list_functions").paginate()
        for each in page["Functions"]
    ]
    assert name not in names


def test_once_corrected_it_runs(name: str, resources: Resources, api: "LambdaClient") -> None:
    resources.apply(declared.function(name, declared.saying("well"), runtime="python9.9"))
    resources.until("function", name, "condition=Accepted=false")
    resources.apply(declared.function(name, declared.saying("well")))
    resources.until_ready(name)
    assert resources.condition("function", name, "Accepted")["status"] == "True"
    assert invoke(api, name) == "well"


def test_a_bad_change_leaves_what_runs_as_it_was(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(declared.function(name, declared.saying("good")))
    resources.until_ready(name)
    layer = "arn:aws:lambda:us-east-1:000000000000:layer:nowhere:1"
    resources.apply(declared.function(name, declared.saying("bad"), layers=[layer]))
    resources.until("function", name, "condition=Accepted=false")
    assert invoke(api, name) == "good"


def test_an_alias_waits_for_its_function_and_says_so(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(declared.alias(name, "live", "$LATEST"))
    resources.until("alias", f"{name}.live", "condition=Accepted=unknown")
    accepted = resources.condition("alias", f"{name}.live", "Accepted")
    assert accepted["reason"] == "Waiting"
    assert "function" in accepted["message"]
    resources.apply(declared.function(name, declared.saying("here")))
    resources.until("alias", f"{name}.live", "condition=Accepted")
    resources.until_ready(name)
    assert invoke(api, name, Qualifier="live") == "here"


def test_an_alias_waits_for_its_version_and_names_it(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(declared.function(name, declared.saying("first")))
    resources.until_ready(name)
    resources.apply(declared.alias(name, "live", "1"))
    resources.until("alias", f"{name}.live", "condition=Accepted=unknown")
    assert f"{name}:1" in resources.condition("alias", f"{name}.live", "Accepted")["message"]
    resources.apply(declared.version(name, 1))
    resources.until("alias", f"{name}.live", "condition=Accepted")
    assert invoke(api, name, Qualifier="live") == "first"
