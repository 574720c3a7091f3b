"""What Terraform's AWS provider does with each of its Lambda resources, call by call.

Each class is one resource type, with the calls that the provider makes to create, read, update in
place and delete it, and the members that it compares between what was asked for and what it reads.
`read` answers None where the provider takes an error for "gone, remove it from the state".
"""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import botocore.exceptions
import platform_process
from platform_process import package

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

State = dict[str, Any]

_GONE = ("ResourceNotFoundException", "ProvisionedConcurrencyConfigNotFoundException")

CODE = "def handler(event, context):\n    return event\n"


class Resource(Protocol):
    """A resource type of the provider, and one resource of it."""

    @property
    def planned(self) -> State:
        """What the configuration asks for, by the provider's names; as `read` should show it."""

    @property
    def changed(self) -> State:
        """The same after an update in place."""

    def create(self) -> None: ...
    def read(self) -> State | None: ...
    def update(self) -> None: ...
    def delete(self) -> None: ...


def unless_gone(call: Callable[..., Any], **members: Any) -> State | None:
    """Return what a call answers; None where the provider sees that the resource is gone."""
    try:
        answer: State = call(**members)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return None
        raise
    return answer


class OfFunction:
    """A resource that stands on a function, which has version 1."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self.client: Any = client
        self.name = name
        platform_process.create(client, name, CODE)
        client.publish_version(FunctionName=name)
        platform_process.wait_published(client, name, "1")
        self.arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]

    def call(self, operation: str, **members: Any) -> State | None:
        """Call an operation on the function; None where the provider sees that it is gone."""
        return unless_gone(getattr(self.client, operation), FunctionName=self.name, **members)


class Function:
    """aws_lambda_function."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self.client: Any = client
        self.name = name
        self.planned: State = {
            "description": "", "memory_size": 128, "timeout": 3, "handler": "app.handler",
            "runtime": platform_process.RUNTIME, "role": platform_process.ROLE, "layers": [],
            "architectures": ["x86_64"], "package_type": "Zip", "ephemeral_storage": 512,
            "environment": None, "tracing_config": "PassThrough", "log_format": "Text",
            "log_group": f"/aws/lambda/{name}", "reserved_concurrent_executions": -1,
            "version": "1", "tags": {"team": "hearth"}, "snap_start": "None",
            "code_signing_config_arn": "", "vpc_config": [], "dead_letter_config": None,
        }  # fmt: skip
        self.changed = self.planned | {
            "description": "changed", "memory_size": 256, "timeout": 7, "version": "2",
            "environment": {"KEY": "value"}, "reserved_concurrent_executions": 5,
            "tags": {"team": "corner"}, "log_format": "JSON",
        }  # fmt: skip

    def create(self) -> None:
        self.client.create_function(
            FunctionName=self.name, Code={"ZipFile": package(CODE)}, Description="", MemorySize=128,
            PackageType="Zip", Publish=True, Role=self.planned["role"], Timeout=3,
            Tags=self.planned["tags"], Handler="app.handler", Runtime=self.planned["runtime"],
        )  # fmt: skip
        platform_process.wait_active(self.client, self.name)

    def read(self) -> State | None:
        found = unless_gone(self.client.get_function, FunctionName=self.name)
        if found is None:
            return None
        shown, code = found["Configuration"], found["Code"]
        assert code["Location"]
        pages = self.client.get_paginator("list_versions_by_function").paginate(
            FunctionName=self.name, PaginationConfig={"PageSize": 10_000}
        )
        newest = [each for page in pages for each in page["Versions"]][-1]
        signing = self.client.get_function_code_signing_config(FunctionName=self.name)
        concurrency = found.get("Concurrency", {}).get("ReservedConcurrentExecutions", -1)
        return {
            "description": shown["Description"],
            "memory_size": shown["MemorySize"],
            "timeout": shown["Timeout"],
            "handler": shown["Handler"],
            "runtime": shown["Runtime"],
            "role": shown["Role"],
            "layers": [each["Arn"] for each in shown.get("Layers", [])],
            "architectures": shown["Architectures"],
            "package_type": shown["PackageType"],
            "ephemeral_storage": shown["EphemeralStorage"]["Size"],
            "environment": shown.get("Environment", {}).get("Variables"),
            "tracing_config": shown["TracingConfig"]["Mode"],
            "log_format": shown["LoggingConfig"]["LogFormat"],
            "log_group": shown["LoggingConfig"]["LogGroup"],
            "reserved_concurrent_executions": concurrency,
            "version": newest["Version"],
            "tags": found.get("Tags", {}),
            "snap_start": shown["SnapStart"]["ApplyOn"],
            "code_signing_config_arn": signing.get("CodeSigningConfigArn", ""),
            "vpc_config": shown.get("VpcConfig", {}).get("SubnetIds", []),
            "dead_letter_config": shown.get("DeadLetterConfig", {}).get("TargetArn"),
        }

    def update(self) -> None:
        self.client.tag_resource(
            Resource=self.client.get_function(FunctionName=self.name)["Configuration"][
                "FunctionArn"
            ],
            Tags=self.changed["tags"],
        )
        self.client.update_function_configuration(
            FunctionName=self.name, Description="changed", MemorySize=256, Timeout=7,
            Environment={"Variables": {"KEY": "value"}}, LoggingConfig={"LogFormat": "JSON"},
        )  # fmt: skip
        platform_process.wait_updated(self.client, self.name)
        self.client.update_function_code(
            FunctionName=self.name, ZipFile=package(CODE + "# changed\n")
        )
        platform_process.wait_updated(self.client, self.name)
        self.client.put_function_concurrency(FunctionName=self.name, ReservedConcurrentExecutions=5)
        published = self.client.publish_version(FunctionName=self.name)
        platform_process.wait_published(self.client, published["FunctionArn"], published["Version"])

    def delete(self) -> None:
        unless_gone(self.client.delete_function, FunctionName=self.name)


class Alias(OfFunction):
    """aws_lambda_alias."""

    planned: ClassVar[State] = {"description": "", "function_version": "1", "routing_config": None}
    changed: ClassVar[State] = {
        "description": "new",
        "function_version": "1",
        "routing_config": {"2": 0.25},
    }

    def create(self) -> None:
        self.client.create_alias(
            FunctionName=self.name, Name="live", Description="", FunctionVersion="1",
            RoutingConfig={},
        )  # fmt: skip

    def read(self) -> State | None:
        found = self.call("get_alias", Name="live")
        return found and {
            "description": found["Description"],
            "function_version": found["FunctionVersion"],
            "routing_config": found.get("RoutingConfig", {}).get("AdditionalVersionWeights"),
        }

    def update(self) -> None:
        self.client.update_function_configuration(FunctionName=self.name, Description="second")
        platform_process.wait_updated(self.client, self.name)
        self.client.publish_version(FunctionName=self.name)
        self.client.update_alias(
            FunctionName=self.name, Name="live", Description="new", FunctionVersion="1",
            RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}},
        )  # fmt: skip

    def delete(self) -> None:
        self.call("delete_alias", Name="live")


class Permission(OfFunction):
    """aws_lambda_permission. It has no update in place: a change replaces it."""

    planned: ClassVar[State] = {
        "action": "lambda:InvokeFunction", "principal": {"Service": "s3.amazonaws.com"},
        "source_arn": "arn:aws:s3:::bucket", "source_account": None, "qualifier": None,
    }  # fmt: skip
    changed: ClassVar[State] = planned | {"source_arn": None, "source_account": "123456789012"}

    def create(self) -> None:
        self._add(SourceArn="arn:aws:s3:::bucket")

    def _add(self, **members: str) -> None:
        self.client.add_permission(
            FunctionName=self.name, StatementId="allow", Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com", **members,
        )  # fmt: skip

    def read(self) -> State | None:
        found = self.call("get_policy")
        statements = [] if found is None else json.loads(found["Policy"])["Statement"]
        for one in statements:
            if one["Sid"] == "allow":
                condition = one.get("Condition", {})
                named, *qualifier = one["Resource"].split(":function:")[1].split(":")
                assert named == self.name
                return {
                    "action": one["Action"],
                    "principal": one["Principal"],
                    "source_arn": condition.get("ArnLike", {}).get("AWS:SourceArn"),
                    "source_account": condition.get("StringEquals", {}).get("AWS:SourceAccount"),
                    "qualifier": qualifier[0] if qualifier else None,
                }
        return None

    def update(self) -> None:
        self.delete()
        assert self.read() is None
        self._add(SourceAccount="123456789012")

    def delete(self) -> None:
        self.call("remove_permission", StatementId="allow")


class Policy(OfFunction):
    """aws_lambda_policy. Policies are compared by what they mean, not by their text."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        super().__init__(client, name)
        first = {
            "Sid": "AllowInvoke", "Effect": "Allow", "Action": "lambda:InvokeFunction",
            "Principal": {"Service": "s3.amazonaws.com"}, "Resource": self.arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }  # fmt: skip
        second = {
            "Sid": "AllowEvents", "Effect": "Allow", "Action": "lambda:InvokeFunction",
            "Principal": {"Service": "events.amazonaws.com"}, "Resource": self.arn,
        }  # fmt: skip
        self.planned = {"Version": "2012-10-17", "Statement": [first]}
        self.changed = {"Version": "2012-10-17", "Statement": [first, second]}

    def create(self) -> None:
        self._put(self.planned)

    def _put(self, document: Mapping[str, Any]) -> None:
        answer = self.client.put_resource_policy(
            ResourceArn=self.arn, Policy=json.dumps(document, indent=2)
        )
        assert json.loads(answer["Policy"]) == document
        assert answer["RevisionId"]

    def read(self) -> State | None:
        found = unless_gone(self.client.get_resource_policy, ResourceArn=self.arn)
        return found and json.loads(found["Policy"])

    def update(self) -> None:
        self._put(self.changed)

    def delete(self) -> None:
        unless_gone(self.client.delete_resource_policy, ResourceArn=self.arn)
