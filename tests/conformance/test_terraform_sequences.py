"""The sequences of calls that Terraform's AWS provider makes, resource by resource.

Create, read back what was asked for, read again with no difference, update in place, delete, and
find the error that the provider takes for "gone".
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from support import terraform_event_sources as event_sources
from support import terraform_resources as terraform
from support import terraform_settings as settings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    Resource = terraform.Resource

RESOURCES = [
    pytest.param(terraform.Function, marks=pytest.mark.aws("api/API_CreateFunction.html")),
    pytest.param(terraform.Alias, marks=pytest.mark.aws("api/API_CreateAlias.html")),
    pytest.param(terraform.Permission, marks=pytest.mark.aws("api/API_AddPermission.html")),
    pytest.param(terraform.Policy, marks=pytest.mark.aws("api/API_PutResourcePolicy.html")),
    pytest.param(
        settings.EventInvokeConfig,
        marks=pytest.mark.aws("api/API_PutFunctionEventInvokeConfig.html"),
    ),
    pytest.param(
        settings.FunctionUrl, marks=pytest.mark.aws("api/API_CreateFunctionUrlConfig.html")
    ),
    pytest.param(
        settings.ProvisionedConcurrency,
        marks=[
            pytest.mark.aws("api/API_PutProvisionedConcurrencyConfig.html"),
            pytest.mark.slow_on_aws("environments are provisioned"),
        ],
    ),
    pytest.param(
        settings.CodeSigningConfig, marks=pytest.mark.aws("api/API_CreateCodeSigningConfig.html")
    ),
    pytest.param(settings.LayerVersion, marks=pytest.mark.aws("api/API_PublishLayerVersion.html")),
    pytest.param(
        event_sources.EventSourceMapping,
        marks=[
            pytest.mark.aws("api/API_CreateEventSourceMapping.html"),
            pytest.mark.ours("there is no event source behind it"),
        ],
    ),
]

ON_FUNCTIONS = [each for each in RESOURCES if issubclass(each.values[0], terraform.OfFunction)]


@pytest.fixture
def resource(
    request: pytest.FixtureRequest, client: "LambdaClient", name: str
) -> Iterator["Resource"]:
    made: Resource = request.param(client, name)
    yield made
    made.delete()


every_resource = pytest.mark.parametrize(
    "resource", RESOURCES, indirect=True, ids=lambda kind: kind.__name__
)


@every_resource
def test_what_was_created_is_read_and_stays(resource: "Resource") -> None:
    resource.create()
    assert resource.read() == resource.planned
    assert resource.read() == resource.planned


@every_resource
def test_an_update_in_place_is_read_and_stays(resource: "Resource") -> None:
    resource.create()
    resource.update()
    assert resource.read() == resource.changed != resource.planned
    assert resource.read() == resource.changed


@every_resource
def test_what_was_deleted_is_gone_and_can_be_made_again(resource: "Resource") -> None:
    resource.create()
    resource.delete()
    assert resource.read() is None
    resource.delete()
    resource.create()
    assert resource.read() == resource.planned


@pytest.mark.parametrize("resource", ON_FUNCTIONS, indirect=True, ids=lambda kind: kind.__name__)
def test_what_stood_on_a_deleted_function_is_gone(
    resource: "Resource", client: "LambdaClient", name: str
) -> None:
    resource.create()
    client.delete_function(FunctionName=name)
    assert resource.read() is None
