"""`kubectl delete function` ends what runs in order, and leaves nothing behind."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support import declared
from support.kubernetes_cluster import Resources, invoke, kubectl
from support.witness import VISIT, Witness

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_GONE_S = 60


def test_what_runs_may_end_and_then_nothing_is_left(
    name: str, resources: Resources, api: "LambdaClient", witness: Witness
) -> None:
    resources.apply(declared.function(name, VISIT, timeout=100))
    resources.until_ready(name)
    resources.apply(declared.version(name, 1), declared.alias(name, "live", "1"))
    resources.until("version", f"{name}.1", "condition=Ready")
    resources.until("alias", f"{name}.live", "condition=Accepted")
    pods = resources.pods(f"inglenook.dev/function={name}")

    stays = {"at": witness.address, "how": "stays"}
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(invoke, api, name, stays, Qualifier="live")
        try:
            witness.until(1)
            _ = pods.until(lambda found: len(found) == 1)
            within = ("--namespace", resources.namespace)
            _ = kubectl("delete", "function", name, *within, "--wait=false")
            until_unknown(api, name)
            # The function is gone for everybody, and what it does goes on.
            assert witness.seen().here == 1
        finally:
            witness.open()
        assert running.result()
    assert witness.seen().here == 0

    for kind, called in (
        *(("function", name), ("version", f"{name}.1"), ("alias", f"{name}.live")),
    ):
        resources.until(kind, called, "delete")
        assert not resources.exists(kind, called)
    assert pods.until(lambda found: not found) == []
    listed = [
        each["FunctionName"]
        for page in api.get_paginator("list_functions").paginate()
        for each in page["Functions"]
    ]
    assert name not in listed
    for refused in (api.get_function, api.list_aliases, api.list_versions_by_function):
        with pytest.raises(api.exceptions.ResourceNotFoundException):
            _ = refused(FunctionName=name)  # type: ignore[operator] # they take the same


def test_a_new_function_of_the_same_name_has_nothing_of_the_old_one(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(declared.function(name, declared.saying("old"), memorySize=256))
    resources.until_ready(name)
    resources.apply(declared.version(name, 1), declared.alias(name, "live", "1"))
    resources.until("alias", f"{name}.live", "condition=Accepted")
    assert invoke(api, name, Qualifier="live") == "old"
    resources.delete("function", name)

    resources.apply(declared.function(name, declared.saying("new")))
    resources.until_ready(name)
    assert invoke(api, name) == "new"
    assert api.get_function_configuration(FunctionName=name)["MemorySize"] == 128
    assert api.list_aliases(FunctionName=name)["Aliases"] == []
    with pytest.raises(api.exceptions.ResourceNotFoundException):
        _ = invoke(api, name, Qualifier="live")


def until_unknown(api: "LambdaClient", name: str) -> None:
    """Wait until the API knows the function no more."""
    until = time.monotonic() + _GONE_S
    while True:
        try:
            _ = api.get_function_configuration(FunctionName=name)
        except api.exceptions.ResourceNotFoundException:
            return
        assert time.monotonic() < until, "the API still knows it"
