"""kubectl and the Lambda API are two doors to the same objects."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from support import declared, kubernetes_cluster
from support.kubernetes_cluster import ROLE, Resources, at_once, invoke, kubectl, zipped

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def test_a_function_that_is_applied_answers_over_the_api(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(
        declared.function(name, declared.saying("hello"), memorySize=192),
        declared.alias(name, "live", "$LATEST"),
    )
    resources.until_ready(name)
    resources.until("alias", f"{name}.live", "condition=Accepted")
    assert invoke(api, name) == "hello"
    assert invoke(api, name, Qualifier="live") == "hello"
    shown = api.get_function_configuration(FunctionName=name)
    assert (shown["State"], shown["MemorySize"]) == ("Active", 192)


def test_a_list_of_functions_tells_how_they_are(name: str, resources: Resources) -> None:
    resources.apply(declared.function(name, declared.saying(1)))
    resources.until_ready(name)
    head, line = kubectl("get", "functions", name, "--namespace", resources.namespace).splitlines()
    assert head.split() == [
        *("NAME", "STATE", "RUNTIME", "MEMORY", "VERSION", "ENVIRONMENTS", "AGE"),
    ]
    assert line.split()[:5] == [name, "Active", "python3.11", "128", "$LATEST"]


def test_what_is_applied_anew_is_what_runs(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(declared.function(name, declared.saying("old")))
    resources.until_ready(name)
    assert invoke(api, name) == "old"
    resources.apply(declared.function(name, declared.saying("new"), timeout=7))
    resources.until_ready(name)
    assert invoke(api, name) == "new"
    assert api.get_function_configuration(FunctionName=name)["Timeout"] == 7


def test_what_is_changed_by_the_api_is_what_kubectl_shows(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(declared.function(name, declared.saying("applied")))
    resources.until_ready(name)
    _ = api.update_function_configuration(FunctionName=name, MemorySize=320, Description="told")
    resources.until("function", name, "jsonpath={.spec.memorySize}=320")
    resources.until("function", name, "jsonpath={.spec.description}=told")
    api.get_waiter("function_updated_v2").wait(FunctionName=name)
    # And the manifest that is applied again has the last word again.
    resources.apply(declared.function(name, declared.saying("applied"), memorySize=192))
    resources.until_ready(name)
    assert api.get_function_configuration(FunctionName=name)["MemorySize"] == 192


def test_what_the_api_creates_is_a_resource_and_kubectl_deletes_it(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    code = zipped({"index.py": declared.saying("uploaded")})
    _ = api.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": code},
    )
    api.get_waiter("function_active_v2").wait(FunctionName=name)
    resources.until("function", name, "jsonpath={.spec.handler}=index.handler")
    resources.until("function", name, "condition=Ready")
    assert invoke(api, name) == "uploaded"
    resources.delete("function", name)
    with pytest.raises(api.exceptions.ResourceNotFoundException):
        _ = api.get_function(FunctionName=name)


def test_what_one_gateway_says_is_active_can_be_invoked_at_every_other(
    new_name: Callable[[], str], api: "LambdaClient"
) -> None:
    """Each connection may lead to another gateway, and they are told of it one by one."""
    code = zipped({"index.py": declared.saying("ready")})
    names = [new_name() for _ in range(20)]

    def use(n: int) -> None:
        _ = api.create_function(
            FunctionName=names[n],
            Runtime="python3.11",
            Handler="index.handler",
            Role=ROLE,
            Code={"ZipFile": code},
        )
        while api.get_function_configuration(FunctionName=names[n])["State"] == "Pending":
            pass  # a waiter would sleep for a second, which hides it
        for _ in range(6):
            assert api.invoke(FunctionName=names[n], InvocationType="DryRun")["StatusCode"] == 204

    _ = at_once(len(names), use)
    assert invoke(api, names[0]) == "ready"


def test_what_the_api_deletes_is_gone_for_kubectl(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    resources.apply(declared.function(name, declared.saying(1)))
    resources.until_ready(name)
    _ = api.delete_function(FunctionName=name)
    resources.until("function", name, "delete")
    assert not resources.exists("function", name)


def test_names_that_kubernetes_does_not_allow_are_kept_for_the_api(
    resources: Resources, api: "LambdaClient"
) -> None:
    name = "E2E_With_Capitals"
    _ = api.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"index.py": declared.saying("named")})},
    )
    try:
        api.get_waiter("function_active_v2").wait(FunctionName=name)
        assert invoke(api, name) == "named"
        shown = kubernetes_cluster.kubectl(
            *("get", "functions", "--namespace", resources.namespace),
            "--output=jsonpath={.items[*].spec.functionName}",
        )
        assert name in shown.split()
    finally:
        _ = api.delete_function(FunctionName=name)
