"""The `context` argument of a handler: AWS's attributes, methods and `repr`."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from inglenook_runtime import faults

if TYPE_CHECKING:
    from collections.abc import Mapping

_W3C = ("traceparent", "tracestate", "baggage")


def _described(value: object, names: tuple[str, ...]) -> str:
    members = ",".join(f"{name}={getattr(value, name)}" for name in names)
    return f"{type(value).__name__}([{members}])"


class _Record:
    """Attributes from the members of a JSON object; those that it lacks are `None`."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, members: Mapping[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, members.get(name))

    def __repr__(self) -> str:
        return _described(self, self.__slots__)


class Client(_Record):
    """Which app calls, as the AWS Mobile SDK says it."""

    __slots__ = (  # noqa: RUF023 - the order of `repr`
        "installation_id",
        "app_title",
        "app_version_name",
        "app_version_code",
        "app_package_name",
    )


class ClientContext(_Record):
    """What the caller sent beside the event."""

    __slots__ = ("custom", "env", "client")  # noqa: RUF023 - the order of `repr`

    custom: Any
    env: Any
    client: Any


class CognitoIdentity(_Record):
    """Who calls, if Amazon Cognito vouched for it."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Constants:
    """What the contexts of an environment have in common, read once."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.log_group_name = variables.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = variables.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = variables.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = variables.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = variables.get("AWS_LAMBDA_FUNCTION_VERSION")


class LambdaContext:
    """One invocation, its function and its deadline."""

    def __init__(self, constants: Constants, header: Mapping[str, Any]) -> None:
        self.aws_request_id = header["id"]
        self.log_group_name = constants.log_group_name
        self.log_stream_name = constants.log_stream_name
        self.function_name = constants.function_name
        self.memory_limit_in_mb = constants.memory_limit_in_mb
        self.function_version = constants.function_version
        self.invoked_function_arn = header.get("arn")
        self.tenant_id = header.get("tenant_id")
        self._epoch_deadline_time_in_ms: int = header["deadline_ms"]
        client_context = _parsed(header.get("client_context"), "Client Context")
        self._trace_context = _take_trace_context(client_context) if client_context else {}
        self.client_context: ClientContext | None = None
        if client_context is not None:
            self.client_context = ClientContext(client_context)
            if self.client_context.client is not None:
                self.client_context.client = Client(self.client_context.client)
        identity = _parsed(header.get("cognito_identity"), "Cognito Identity") or {}
        self.identity = CognitoIdentity(
            {
                "cognito_identity_id": identity.get("cognitoIdentityId"),
                "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId"),
            }
        )

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still take, never less than 0."""
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self) -> dict[str, str]:
        """Return the W3C trace context that came with the invocation."""
        return dict(self._trace_context)

    def log(self, msg: object) -> None:
        """Write one log event, as it is."""
        for handler in logging.getLogger().handlers:
            sink = getattr(handler, "log_sink", None)
            if sink is not None:
                sink.log(str(msg))
                return
        # A function may have replaced the handlers.
        sys.stdout.write(str(msg))

    def __repr__(self) -> str:
        return _described(
            self,
            (
                "aws_request_id",
                "log_group_name",
                "log_stream_name",
                "function_name",
                "memory_limit_in_mb",
                "function_version",
                "invoked_function_arn",
                "client_context",
                "identity",
                "tenant_id",
            ),
        )


def _parsed(text: str | None, name: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise faults.FaultError(
            faults.CONTEXT_UNMARSHAL_ERROR, f"Unable to parse {name} JSON: {error}"
        ) from None


def _take_trace_context(client_context: Any) -> dict[str, str]:
    """Take `w3c` out of the client context, where callers put it; a function sees it apart."""
    if not isinstance(client_context, dict):
        return {}
    found = client_context.pop("w3c", None)
    if not isinstance(found, dict):
        return {}
    return {name: found[name] for name in _W3C if isinstance(found.get(name), str)}
