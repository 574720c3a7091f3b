"""The Lambda API of the gateways, as the operator calls it: by botocore, in a thread.

What is declared through kubectl so goes by every rule that other clients go by. A refusal is a
value (`calls.Refusal`), whatever its kind; that no gateway answers is one, too.
"""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import botocore.config
import botocore.exceptions
import botocore.session

from inglenook_operator.reconcile.calls import Refusal

_CONNECT_TIMEOUT_S = 3.0
_READ_TIMEOUT_S = 60.0
_UNAVAILABLE = 503
_INVALID = 400


class LambdaApi:
    """Call operations by their names."""

    def __init__(self, endpoint_url: str, *, region: str) -> None:
        self._endpoint = endpoint_url
        self._region = region
        self._client: Any = None
        self._making = threading.Lock()

    async def call(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any] | Refusal:
        """Return the answer's members, or why there is none. Not tried twice here."""
        return await asyncio.to_thread(self._call, operation, params)

    def _call(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any] | Refusal:
        try:
            # The generic way that a client's own methods go: an operation is data here.
            answer = self._made()._make_api_call(operation, dict(params))  # noqa: SLF001
        except botocore.exceptions.ClientError as error:
            said = error.response.get("Error", {})
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _UNAVAILABLE)
            return Refusal(
                type=said.get("Code", "Unknown"), message=said.get("Message", ""), status=status
            )
        except botocore.exceptions.ParamValidationError as error:
            return Refusal(type="ValidationException", message=str(error), status=_INVALID)
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.BotoCoreError) as error:
            return Refusal(type="ApiUnreachable", message=str(error), status=_UNAVAILABLE)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    def _made(self) -> Any:
        with self._making:
            if self._client is None:
                self._client = botocore.session.Session().create_client(
                    "lambda",
                    endpoint_url=self._endpoint,
                    region_name=self._region,
                    # The gateways know their callers by other means; botocore signs all the same.
                    aws_access_key_id="inglenook",
                    aws_secret_access_key="operator",  # noqa: S106 - nothing is kept secret by it
                    config=botocore.config.Config(
                        connect_timeout=_CONNECT_TIMEOUT_S,
                        read_timeout=_READ_TIMEOUT_S,
                        retries={"total_max_attempts": 1},
                    ),
                )
            return self._client
