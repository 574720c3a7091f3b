"""More of `terraform_resources`: settings of functions, code signing and layers."""

import json
import time
from typing import TYPE_CHECKING, Any, ClassVar

import platform_process
from platform_process import package
from support import terraform_resources
from support.terraform_resources import State

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_PUBLIC = "FunctionURLAllowPublicAccess"
# AWS takes minutes.
_READY_WITHIN_S = 600


class EventInvokeConfig(terraform_resources.OfFunction):
    """aws_lambda_function_event_invoke_config. It is updated by the same call that creates it."""

    planned: ClassVar[State] = {
        "maximum_retry_attempts": 2, "maximum_event_age_in_seconds": None,
        "on_failure": None, "on_success": None,
    }  # fmt: skip

    changed: ClassVar[State] = planned | {
        "maximum_retry_attempts": 0, "maximum_event_age_in_seconds": 60,
    }  # fmt: skip

    def create(self) -> None:
        self.client.put_function_event_invoke_config(FunctionName=self.name, MaximumRetryAttempts=2)

    def read(self) -> State | None:
        found = self.call("get_function_event_invoke_config")
        return found and {
            "maximum_retry_attempts": found.get("MaximumRetryAttempts"),
            "maximum_event_age_in_seconds": found.get("MaximumEventAgeInSeconds"),
            "on_failure": found["DestinationConfig"]["OnFailure"].get("Destination"),
            "on_success": found["DestinationConfig"]["OnSuccess"].get("Destination"),
        }

    def update(self) -> None:
        self.client.put_function_event_invoke_config(
            FunctionName=self.name, MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60
        )

    def delete(self) -> None:
        self.call("delete_function_event_invoke_config")


class FunctionUrl(terraform_resources.OfFunction):
    """aws_lambda_function_url. For one without authentication it adds the permission, too."""

    planned: ClassVar[State] = {
        "authorization_type": "NONE", "invoke_mode": "BUFFERED", "cors": None, "url": True,
        "permission": "*",
    }  # fmt: skip
    changed: ClassVar[State] = planned | {
        "invoke_mode": "RESPONSE_STREAM", "cors": {"AllowOrigins": ["*"], "MaxAge": 60},
    }  # fmt: skip

    def create(self) -> None:
        self.client.create_function_url_config(
            FunctionName=self.name, AuthType="NONE", InvokeMode="BUFFERED"
        )
        self.client.add_permission(
            FunctionName=self.name, StatementId=_PUBLIC, Action="lambda:InvokeFunctionUrl",
            Principal="*", FunctionUrlAuthType="NONE",
        )  # fmt: skip

    def read(self) -> State | None:
        found = self.call("get_function_url_config")
        if found is None:
            return None
        assert found["FunctionArn"] == self.arn
        policy = self.call("get_policy") or {"Policy": '{"Statement": []}'}
        statements = {one["Sid"]: one for one in json.loads(policy["Policy"])["Statement"]}
        return {
            "authorization_type": found["AuthType"],
            "invoke_mode": found["InvokeMode"],
            "cors": found.get("Cors"),
            "url": found["FunctionUrl"].startswith("http") and found["FunctionUrl"].endswith("/"),
            "permission": statements[_PUBLIC]["Principal"],
        }

    def update(self) -> None:
        self.client.update_function_url_config(
            FunctionName=self.name, InvokeMode="RESPONSE_STREAM",
            Cors={"AllowOrigins": ["*"], "MaxAge": 60},
        )  # fmt: skip

    def delete(self) -> None:
        self.call("delete_function_url_config")
        self.call("remove_permission", StatementId=_PUBLIC)


class ProvisionedConcurrency(terraform_resources.OfFunction):
    """aws_lambda_provisioned_concurrency_config. The provider waits until it is ready."""

    planned: ClassVar[State] = {"provisioned_concurrent_executions": 1}
    changed: ClassVar[State] = {"provisioned_concurrent_executions": 2}

    def create(self) -> None:
        self._put(1)

    def _put(self, executions: int) -> None:
        self.client.put_provisioned_concurrency_config(
            FunctionName=self.name, Qualifier="1", ProvisionedConcurrentExecutions=executions
        )
        until = time.monotonic() + _READY_WITHIN_S
        while (found := self._found()) is not None and found["Status"] == "IN_PROGRESS":
            assert time.monotonic() < until, found
            time.sleep(platform_process.pause_s())
        assert found is not None
        assert found["Status"] == "READY", found

    def _found(self) -> State | None:
        return self.call("get_provisioned_concurrency_config", Qualifier="1")

    def read(self) -> State | None:
        found = self._found()
        return found and {
            "provisioned_concurrent_executions": found["AllocatedProvisionedConcurrentExecutions"]
        }

    def update(self) -> None:
        self._put(2)

    def delete(self) -> None:
        self.call("delete_provisioned_concurrency_config", Qualifier="1")


class CodeSigningConfig:
    """aws_lambda_code_signing_config. It stands on no function; its ARN is its id."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self.client: Any = client
        self.id = ""
        profile = (
            f"arn:aws:signer:{client.meta.region_name}:{platform_process.ACCOUNT}"
            ":/signing-profiles/example/abcdefghij"
        )
        self.planned: State = {
            "allowed_publishers": [profile], "description": name, "policies": "Warn",
        }  # fmt: skip
        self.changed = self.planned | {"description": "changed", "policies": "Enforce"}

    def create(self) -> None:
        made = self.client.create_code_signing_config(
            AllowedPublishers={"SigningProfileVersionArns": self.planned["allowed_publishers"]},
            Description=self.planned["description"],
            CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"},
        )
        self.id = made["CodeSigningConfig"]["CodeSigningConfigArn"]

    def read(self) -> State | None:
        answer = terraform_resources.unless_gone(
            self.client.get_code_signing_config, CodeSigningConfigArn=self.id
        )
        if answer is None:
            return None
        found = answer["CodeSigningConfig"]
        return {
            "allowed_publishers": found["AllowedPublishers"]["SigningProfileVersionArns"],
            "description": found["Description"],
            "policies": found["CodeSigningPolicies"]["UntrustedArtifactOnDeployment"],
        }

    def update(self) -> None:
        self.client.update_code_signing_config(
            CodeSigningConfigArn=self.id, Description="changed",
            CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
        )  # fmt: skip

    def delete(self) -> None:
        if self.id:
            terraform_resources.unless_gone(
                self.client.delete_code_signing_config, CodeSigningConfigArn=self.id
            )


class LayerVersion:
    """aws_lambda_layer_version. A change publishes the next version and deletes the last one."""

    def __init__(self, client: "LambdaClient", name: str) -> None:
        self.client: Any = client
        self.name = name
        self.version: int | None = None
        self.planned: State = {
            "description": "first", "license_info": "Apache-2.0",
            "compatible_runtimes": [platform_process.RUNTIME],
            "compatible_architectures": ["x86_64"], "is_code": True,
        }  # fmt: skip
        self.changed = self.planned | {"description": "second"}
        self._published: State = {}

    def create(self) -> None:
        self._publish("first")

    def _publish(self, description: str) -> None:
        self._published = self.client.publish_layer_version(
            LayerName=self.name, Description=description, LicenseInfo="Apache-2.0",
            Content={"ZipFile": package({"python/shared.py": f"TEXT = {description!r}\n"})},
            CompatibleRuntimes=[platform_process.RUNTIME], CompatibleArchitectures=["x86_64"],
        )  # fmt: skip
        self.version = self._published["Version"]

    def read(self) -> State | None:
        found = terraform_resources.unless_gone(
            self.client.get_layer_version, LayerName=self.name, VersionNumber=self.version
        )
        if found is None:
            return None
        for member in ("LayerVersionArn", "LayerArn", "CreatedDate"):
            assert found[member] == self._published[member]
        same = all(
            found["Content"][member] == self._published["Content"][member]
            for member in ("CodeSha256", "CodeSize")
        )
        return {
            "description": found["Description"],
            "license_info": found["LicenseInfo"],
            "compatible_runtimes": found["CompatibleRuntimes"],
            "compatible_architectures": found["CompatibleArchitectures"],
            "is_code": same,
        }

    def update(self) -> None:
        last = self.version
        self._publish("second")
        self.client.delete_layer_version(LayerName=self.name, VersionNumber=last)

    def delete(self) -> None:
        if self.version is not None:
            self.client.delete_layer_version(LayerName=self.name, VersionNumber=self.version)
