"""A function's life: published, released by weight, rolled back, deleted; through both doors."""

import collections
from typing import TYPE_CHECKING

import pytest
from support import declared
from support.kubernetes_cluster import RefusedError, Resources, invoke, zipped

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def answers(api: "LambdaClient", name: str, qualifier: str, count: int) -> collections.Counter[str]:
    return collections.Counter(invoke(api, name, Qualifier=qualifier) for _ in range(count))


def test_a_release_goes_from_the_first_version_over_weights_and_back(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    # Published with kubectl.
    resources.apply(declared.function(name, declared.saying("one")))
    resources.until_ready(name)
    resources.apply(declared.version(name, 1))
    resources.until("version", f"{name}.1", "condition=Accepted")
    resources.apply(declared.alias(name, "live", "1"))
    resources.until("alias", f"{name}.live", "condition=Accepted")
    assert invoke(api, name, Qualifier="live") == "one"

    # Updated and published with boto3.
    _ = api.update_function_code(
        FunctionName=name, ZipFile=zipped({"index.py": declared.saying("two")})
    )
    api.get_waiter("function_updated_v2").wait(FunctionName=name)
    published = api.publish_version(FunctionName=name)
    assert published["Version"] == "2"
    resources.until("version", f"{name}.2", "create")
    api.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="2")

    # Half and half, with kubectl: both are seen, and nothing else.
    resources.apply(declared.alias(name, "live", "1", {"2": 0.5}))
    resources.until_observed("alias", f"{name}.live")
    seen = answers(api, name, "live", 60)
    assert seen.keys() == {"one", "two"}

    # Rolled back with boto3, and kubectl shows it.
    _ = api.update_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {}},
    )
    assert answers(api, name, "live", 20) == {"one": 20}
    resources.until("alias", f"{name}.live", "jsonpath={.status.functionVersion}=1")

    # Deleted: everything that belongs to it goes, too.
    resources.delete("function", name)
    for kind, of in (("version", "1"), ("version", "2"), ("alias", "live")):
        resources.until(kind, f"{name}.{of}", "delete")
    resources.pods(f"inglenook.dev/function={name}").until(lambda pods: not pods)
    with pytest.raises(api.exceptions.ResourceNotFoundException):
        _ = api.invoke(FunctionName=name)


def test_a_version_never_changes(name: str, resources: Resources, api: "LambdaClient") -> None:
    resources.apply(declared.function(name, declared.saying("one")))
    resources.until_ready(name)
    resources.apply(declared.version(name, 1))
    resources.until("version", f"{name}.1", "condition=Accepted")
    with pytest.raises(RefusedError, match=r"[Cc]hanged|immutable"):
        resources.apply(declared.version(name, 1, description="another"))
    resources.apply(declared.function(name, declared.saying("two")))
    resources.until_ready(name)
    assert invoke(api, name, Qualifier="1") == "one"
    assert invoke(api, name) == "two"
