import inspect
from typing import Any

import pytest
from botocore import awsrequest, parsers
from support import shape_values

from inglenook import errors
from inglenook_gateway.api import failures

ALL = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, errors.ApiError)
]


def make(kind: type[errors.ApiError]) -> errors.ApiError:
    if kind is errors.TooManyRequestsError:
        return errors.TooManyRequestsError("CallerRateLimitExceeded", retry_after_s=3)
    return kind()


def read_as_boto_does(error: errors.ApiError) -> dict[str, Any]:
    response = failures.response(error, "the-id")
    as_dict = {
        "status_code": response.status,
        "headers": awsrequest.HeadersDict(dict(response.headers)),
        "body": response.body,
    }
    service = shape_values.service()
    parser = parsers.create_parser("rest-json")
    parsed: dict[str, Any] = parser.parse(as_dict, service.operation_model("Invoke").output_shape)
    shape = service.shape_for_error_code(error.code)
    if shape is not None:
        parsed |= parser.parse(as_dict, shape)
    return parsed


@pytest.mark.parametrize("kind", ALL)
def test_boto_reads_the_code_the_message_and_the_status(kind: type[errors.ApiError]) -> None:
    error = make(kind)
    parsed = read_as_boto_does(error)
    assert parsed["Error"]["Code"] == kind.code
    assert parsed["Error"]["Message"] == error.message
    assert parsed["ResponseMetadata"]["RequestId"] == "the-id"
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == kind.status


@pytest.mark.parametrize("kind", ALL)
def test_the_body_has_the_keys_that_the_model_gives_the_error(kind: type[errors.ApiError]) -> None:
    shape = shape_values.service().shape_for_error_code(kind.code)
    if shape is None:
        assert kind.fault is None, "an error that the model lacks has no Type"
        return
    assert kind.message_key in shape.members
    assert (kind.fault is not None) == ("Type" in shape.members)
    assert make(kind).members().keys() <= shape.members.keys()
    if kind is not errors.NotBuiltError:
        assert shape.metadata["error"]["httpStatusCode"] == kind.status


def test_throttling_says_why_and_when_to_return() -> None:
    parsed = read_as_boto_does(errors.TooManyRequestsError("CallerRateLimitExceeded", 3))
    assert parsed["Reason"] == "CallerRateLimitExceeded"
    assert parsed["retryAfterSeconds"] == "3"
    assert parsed["Type"] == "User"
