"""What can be listed page by page: for each paginator, how to make items and to take one away."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import platform_process
from platform_process import package
from support import event_sources

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

CODE = "def handler(event, context):\n    return event\n"
MANY = 5


class Items:
    """Items of one listing, all made for one test."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self.client: Any = client
        self.name = name
        self.keys: list[str] = []
        self._clean_up: list[tuple[Callable[..., object], dict[str, object]]] = []

    def later(self, call: Callable[..., object], **members: object) -> None:
        """Remember a call that takes something away when the test is over."""
        self._clean_up.append((call, members))

    def clean_up(self) -> None:
        gone = (
            self.client.exceptions.ResourceNotFoundException,
            self.client.exceptions.ResourceConflictException,
        )
        while self._clean_up:
            call, members = self._clean_up.pop()
            with contextlib.suppress(*gone):
                call(**members)

    def function(self, name: str | None = None) -> None:
        platform_process.create(self.client, name or self.name, CODE)
        self.later(self.client.delete_function, FunctionName=name or self.name)

    def versions(self) -> list[str]:
        """Publish as many versions of the function as there are items."""
        self.function()
        for number in range(MANY):
            self.client.update_function_configuration(
                FunctionName=self.name, Description=f"{number}"
            )
            platform_process.wait_updated(self.client, self.name)
            self.client.publish_version(FunctionName=self.name)
        return [str(number + 1) for number in range(MANY)]

    def signing(self) -> str:
        profile = (
            f"arn:aws:signer:{self.client.meta.region_name}:{platform_process.ACCOUNT}"
            ":/signing-profiles/example/abcdefghij"
        )
        made = self.client.create_code_signing_config(
            AllowedPublishers={"SigningProfileVersionArns": [profile]}, Description=self.name
        )
        arn: str = made["CodeSigningConfig"]["CodeSigningConfigArn"]
        self.later(self.client.delete_code_signing_config, CodeSigningConfigArn=arn)
        return arn


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One paginator, and what it lists."""

    operation: str
    """As boto3 spells it."""
    member: str
    make: Callable[[Items], dict[str, Any]]
    """Make `MANY` items at least, note their keys, return the members of the request."""
    key: Callable[[Any], str]
    remove: Callable[[Items, str], object]
    ours: str | None = None
    """Why its items can only be made on a platform of ours, if so."""


def _functions(items: Items) -> dict[str, Any]:
    for number in range(MANY):
        items.function(f"{items.name[:50]}-{number}")
        items.keys.append(f"{items.name[:50]}-{number}")
    return {}


def _versions(items: Items) -> dict[str, Any]:
    items.keys += ["$LATEST", *items.versions()]
    return {"FunctionName": items.name}


def _all_versions(items: Items) -> dict[str, Any]:
    items.keys += [f"{items.name}:{version}" for version in ("$LATEST", *items.versions())]
    return {"FunctionVersion": "ALL"}


def _aliases(items: Items) -> dict[str, Any]:
    items.function()
    for number in range(MANY):
        items.client.create_alias(
            FunctionName=items.name, Name=f"a{number}", FunctionVersion="$LATEST"
        )
        items.keys.append(f"a{number}")
    return {"FunctionName": items.name}


def _configs(items: Items) -> dict[str, Any]:
    _aliases(items)
    for alias in items.keys:
        items.client.put_function_event_invoke_config(
            FunctionName=items.name, Qualifier=alias, MaximumRetryAttempts=1
        )
    return {"FunctionName": items.name}


def _urls(items: Items) -> dict[str, Any]:
    _aliases(items)
    for alias in items.keys:
        items.client.create_function_url_config(
            FunctionName=items.name, Qualifier=alias, AuthType="AWS_IAM"
        )
    return {"FunctionName": items.name}


def _provisioned(items: Items) -> dict[str, Any]:
    items.keys += items.versions()
    for version in items.keys:
        items.client.put_provisioned_concurrency_config(
            FunctionName=items.name, Qualifier=version, ProvisionedConcurrentExecutions=1
        )
    return {"FunctionName": items.name}


def _layers(items: Items) -> dict[str, Any]:
    for number in range(MANY):
        _publish(items, f"{items.name[:50]}-{number}")
        items.keys.append(f"{items.name[:50]}-{number}")
    return {}


def _publish(items: Items, layer: str) -> int:
    version: int = items.client.publish_layer_version(
        LayerName=layer, Content={"ZipFile": package({"python/one.py": ""})}
    )["Version"]
    items.later(items.client.delete_layer_version, LayerName=layer, VersionNumber=version)
    return version


def _layer_versions(items: Items) -> dict[str, Any]:
    items.keys += [str(_publish(items, items.name)) for _ in range(MANY)]
    return {"LayerName": items.name}


def _signing_configs(items: Items) -> dict[str, Any]:
    items.keys += [items.signing() for _ in range(MANY)]
    return {}


def _signed_functions(items: Items) -> dict[str, Any]:
    config = items.signing()
    _functions(items)
    for name in items.keys:
        items.client.put_function_code_signing_config(
            FunctionName=name, CodeSigningConfigArn=config
        )
    return {"CodeSigningConfigArn": config}


def _mappings(items: Items) -> dict[str, Any]:
    items.function()
    made = event_sources.Mappings(items.client, items.name)
    items.later(made.clean_up)
    items.keys += [made.create(key=str(number))["UUID"] for number in range(MANY)]
    return {"FunctionName": items.name}


def _last(arn: str) -> str:
    return arn.rsplit(":", 1)[1]


ALIASES = Listing(
    operation="list_aliases", member="Aliases", make=_aliases, key=lambda item: item["Name"],
    remove=lambda items, key: items.client.delete_alias(FunctionName=items.name, Name=key),
)  # fmt: skip
LISTINGS = (
    ALIASES,
    Listing(
        operation="list_functions", member="Functions", make=_functions,
        key=lambda item: item["FunctionName"],
        remove=lambda items, key: items.client.delete_function(FunctionName=key),
    ),
    Listing(
        operation="list_functions", member="Functions", make=_all_versions,
        key=lambda item: f"{item['FunctionName']}:{item['Version']}",
        remove=lambda items, key: items.client.delete_function(
            FunctionName=items.name, Qualifier=_last(key)
        ),
    ),
    Listing(
        operation="list_versions_by_function", member="Versions", make=_versions,
        key=lambda item: item["Version"],
        remove=lambda items, key: items.client.delete_function(
            FunctionName=items.name, Qualifier=key
        ),
    ),
    Listing(
        operation="list_function_event_invoke_configs", member="FunctionEventInvokeConfigs",
        make=_configs, key=lambda item: _last(item["FunctionArn"]),
        remove=lambda items, key: items.client.delete_function_event_invoke_config(
            FunctionName=items.name, Qualifier=key
        ),
    ),
    Listing(
        operation="list_function_url_configs", member="FunctionUrlConfigs", make=_urls,
        key=lambda item: _last(item["FunctionArn"]),
        remove=lambda items, key: items.client.delete_function_url_config(
            FunctionName=items.name, Qualifier=key
        ),
    ),
    Listing(
        operation="list_provisioned_concurrency_configs", member="ProvisionedConcurrencyConfigs",
        make=_provisioned, key=lambda item: _last(item["FunctionArn"]),
        remove=lambda items, key: items.client.delete_provisioned_concurrency_config(
            FunctionName=items.name, Qualifier=key
        ),
    ),
    Listing(
        operation="list_layers", member="Layers", make=_layers, key=lambda item: item["LayerName"],
        remove=lambda items, key: items.client.delete_layer_version(
            LayerName=key, VersionNumber=1
        ),
    ),
    Listing(
        operation="list_layer_versions", member="LayerVersions", make=_layer_versions,
        key=lambda item: str(item["Version"]),
        remove=lambda items, key: items.client.delete_layer_version(
            LayerName=items.name, VersionNumber=int(key)
        ),
    ),
    Listing(
        operation="list_code_signing_configs", member="CodeSigningConfigs", make=_signing_configs,
        key=lambda item: item["CodeSigningConfigArn"],
        remove=lambda items, key: items.client.delete_code_signing_config(CodeSigningConfigArn=key),
    ),
    Listing(
        operation="list_functions_by_code_signing_config", member="FunctionArns",
        make=_signed_functions, key=_last,
        remove=lambda items, key: items.client.delete_function_code_signing_config(
            FunctionName=key
        ),
    ),
    Listing(
        operation="list_event_source_mappings", member="EventSourceMappings", make=_mappings,
        key=lambda item: item["UUID"],
        remove=lambda items, key: items.client.delete_event_source_mapping(UUID=key),
        ours=event_sources.REAL_ONLY,
    ),
)  # fmt: skip
