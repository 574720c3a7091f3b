"""Which object answers which operation: the wiring of everything but the invocations."""

import asyncio
import enum
from collections.abc import Callable

from inglenook_gateway.api.front import Handler
from inglenook_gateway.operations.account_settings import AccountSettings
from inglenook_gateway.operations.aliases import Aliases
from inglenook_gateway.operations.code_location import CodeLocations
from inglenook_gateway.operations.code_signing_configs import CodeSigning
from inglenook_gateway.operations.concurrency import Concurrency
from inglenook_gateway.operations.event_invoke_configs import EventInvokeConfigs
from inglenook_gateway.operations.event_source_mappings import EventSourceMappings
from inglenook_gateway.operations.function_settings import FunctionSettings
from inglenook_gateway.operations.function_urls import FunctionUrls
from inglenook_gateway.operations.functions import Functions
from inglenook_gateway.operations.layer_policies import LayerPolicies
from inglenook_gateway.operations.layers import Layers
from inglenook_gateway.operations.packages import Packages
from inglenook_gateway.operations.permissions import Permissions
from inglenook_gateway.operations.policy_changes import Policies
from inglenook_gateway.operations.provisioned import ProvisionedConfigs
from inglenook_gateway.operations.provisions import Provisions
from inglenook_gateway.operations.reading import Reading
from inglenook_gateway.operations.resource_policies import ResourcePolicies
from inglenook_gateway.operations.resources import Resources
from inglenook_gateway.operations.tags import Tags
from inglenook_gateway.operations.turns import Turns
from inglenook_gateway.operations.versions import Versions


class Support(enum.Enum):
    """How far an operation of the Lambda API is built."""

    WORKS = "works"
    STORED_ONLY = "stored only"
    """What it sets is kept and shown, and changes nothing in what runs."""
    NOT_YET = "not yet"


STORED_ONLY: frozenset[str] = frozenset(
    (
        *("CreateCodeSigningConfig", "UpdateCodeSigningConfig", "PutFunctionCodeSigningConfig"),
        *("PutFunctionRecursionConfig", "PutRuntimeManagementConfig"),
        *("AddPermission", "RemovePermission", "PutResourcePolicy", "DeleteResourcePolicy"),
        *("AddLayerVersionPermission", "RemoveLayerVersionPermission"),
        *("CreateEventSourceMapping", "UpdateEventSourceMapping"),
    )
)
"""The operations whose settings nothing acts on yet."""


def handlers(
    *,
    resources: Resources,
    packages: Packages,
    locations: CodeLocations,
    endpoint: Callable[[], str],
    provisions: Provisions,
    strict_runtimes: bool = False,
    runs_images: bool = False,
) -> dict[str, Handler]:
    """Return a handler for every operation that is built here, by its name.

    `endpoint()` is this server's own URL without a path; `runs_images` tells whether pods can be
    made of container images here.
    """
    turns = Turns()
    quota = asyncio.Lock()
    policies = Policies(resources=resources, turns=turns)
    functions = Functions(
        resources=resources,
        packages=packages,
        turns=turns,
        strict_runtimes=strict_runtimes,
        runs_images=runs_images,
    )
    table: dict[str, Handler] = {}
    for one in (
        functions,
        Reading(resources=resources, locations=locations),
        Versions(resources=resources, turns=turns),
        Aliases(resources=resources, turns=turns),
        Concurrency(resources=resources, turns=turns, quota=quota),
        ProvisionedConfigs(resources=resources, provisions=provisions, turns=turns, quota=quota),
        AccountSettings(account=resources.account, catalog=resources.catalog),
        Tags(resources=resources, turns=turns),
        CodeSigning(resources=resources, turns=turns),
        FunctionSettings(resources=resources, turns=turns),
        FunctionUrls(resources=resources, turns=turns, endpoint=endpoint),
        Permissions(resources=resources, policies=policies),
        ResourcePolicies(resources=resources, policies=policies),
        EventInvokeConfigs(resources=resources, turns=turns),
        EventSourceMappings(resources=resources, turns=turns),
        Layers(resources=resources, packages=packages, locations=locations, turns=turns),
        LayerPolicies(resources=resources),
    ):
        table.update(one.handlers())
    return table


def support(operation: str, *, is_built: bool) -> Support:
    """Return how far an operation is built, given whether it has a handler."""
    if not is_built:
        return Support.NOT_YET
    return Support.STORED_ONLY if operation in STORED_ONLY else Support.WORKS
