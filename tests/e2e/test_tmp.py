"""The /tmp of a function in a pod is as large as it asks for, and no larger."""

import json
from typing import TYPE_CHECKING

from support import declared
from support.kubernetes_cluster import Resources

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

SOURCE = """
import os, time

def handler(event, context):
    for number in range(event):
        with open(f"/tmp/{number}", "wb") as file:
            for _ in range(50):
                file.write(bytes(1024 * 1024))
    while event > 10:
        time.sleep(1)
    return [os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], sorted(os.listdir("/tmp"))]
"""


def test_who_fills_the_disk_is_ended_told_why_and_has_an_empty_tmp_again(
    name: str, resources: Resources, api: "LambdaClient"
) -> None:
    spec = {"memorySize": 1024, "timeout": 60, "ephemeralStorage": {"size": 512}}
    resources.apply(declared.function(name, SOURCE, **spec))
    resources.until_ready(name)

    def invoke(event: int) -> tuple[str | None, object]:
        answer = api.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    error, (first, files) = invoke(2)  # type: ignore[misc] # as the function answers
    assert (error, files) == (None, ["0", "1"])
    error, failure = invoke(12)
    assert error == "Unhandled"
    assert isinstance(failure, dict)
    assert failure["errorType"] == "Runtime.OutOfStorage"
    assert failure["errorMessage"].endswith("MB, and EphemeralStorage is 512 MB")
    error, (second, files) = invoke(0)  # type: ignore[misc]
    assert (error, files) == (None, [])
    assert second != first
