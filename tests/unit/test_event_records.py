"""What destinations and dead-letter targets are sent."""

import json

import msgspec
import pytest

from inglenook.events import records, retrying, work
from inglenook.events.records import Ended
from inglenook.events.retrying import Condition, NotNow, Policy, Ran

EVENT = work.Invocation(
    request_id="r-1", function_name="f", function_uid="u", qualifier="live", trace_id="t",
    accepted_at=1000.0, runs=2,
)  # fmt: skip
ENDED = Ended(
    event=EVENT,
    payload=b'{"a":  1}',
    attempt=Ran(executed_version="7", payload=b'{"errorMessage":"no"}', failed=True),
    condition=Condition.RETRIES_EXHAUSTED,
    function_arn="arn:aws:lambda:us-east-1:000000000000:function:f:live",
    at=1_700_000_000.1234,
)
SUCCEEDED = Ended(
    event=EVENT,
    payload=b"[]",
    attempt=Ran(executed_version="7", payload=b"null", failed=False),
    condition=Condition.SUCCESS,
    function_arn=ENDED.function_arn,
    at=ENDED.at,
)
EVERYWHERE = Policy(on_success="arn:ok", on_failure="arn:bad", dead_letter_target="arn:dlq")


def ended(**members: object) -> Ended:
    values = {name: getattr(ENDED, name) for name in Ended.__slots__}
    return Ended(**(values | members))  # type: ignore[arg-type]


def record(of: Ended) -> dict[str, object]:
    policy = Policy(on_success="arn:ok", on_failure="arn:bad")
    ((_, body),) = records.deliveries(of, policy, retrying.Pace())
    found: dict[str, object] = json.loads(body)
    return found


def attributes(of: Ended) -> dict[str, tuple[str, str]]:
    policy = Policy(dead_letter_target="arn:dlq")
    ((delivery, body),) = records.deliveries(of, policy, retrying.Pace())
    assert body == of.payload
    return delivery.attributes


def test_a_failure_record_tells_the_request_and_the_answer() -> None:
    assert record(ENDED) == {
        "version": "1.0",
        "timestamp": "2023-11-14T22:13:20.123Z",
        "requestContext": {
            "requestId": "r-1",
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:live",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"a": 1},
        "responseContext": {
            "statusCode": 200, "executedVersion": "7", "functionError": "Unhandled",
        },
        "responsePayload": {"errorMessage": "no"},
    }  # fmt: skip


def test_a_success_record_has_no_function_error() -> None:
    found = record(SUCCEEDED)
    assert found["responseContext"] == {"statusCode": 200, "executedVersion": "7"}
    assert found["responsePayload"] is None


def test_a_success_goes_to_its_destination_alone() -> None:
    sent = records.deliveries(SUCCEEDED, EVERYWHERE, retrying.Pace())
    assert [(one.target, one.form) for one, _ in sent] == [("arn:ok", work.DeliveryForm.SUCCESS)]


def test_a_failure_goes_to_its_destination_and_to_the_dead_letters() -> None:
    sent = records.deliveries(ENDED, EVERYWHERE, retrying.Pace())
    assert [(one.target, one.form) for one, _ in sent] == [
        ("arn:bad", work.DeliveryForm.FAILURE),
        ("arn:dlq", work.DeliveryForm.DEAD_LETTER),
    ]


def test_nothing_is_sent_where_nothing_is_configured() -> None:
    assert records.deliveries(ENDED, Policy(), retrying.Pace()) == []


@pytest.mark.parametrize(
    ("answer", "shown"),
    [(b'{"a":1}', {"a": 1}), (b"plain", "plain"), (b"\xff", "\ufffd"), (b"", ""), (b'"x"', "x")],
)
def test_an_answer_stands_in_the_record_as_json_or_as_text(answer: bytes, shown: object) -> None:
    attempt = Ran(executed_version="1", payload=answer, failed=True)
    assert record(ended(attempt=attempt))["responsePayload"] == shown


def test_an_event_that_never_ran_has_no_answer_in_its_record() -> None:
    event = msgspec.structs.replace(EVENT, runs=0)
    found = record(ended(event=event, attempt=None, condition=Condition.EVENT_AGE_EXCEEDED))
    assert found.keys() == {"version", "timestamp", "requestContext", "requestPayload"}
    assert found["requestContext"]["approximateInvokeCount"] == 0  # type: ignore[index]


def test_an_event_that_was_throttled_to_the_end_says_so() -> None:
    event = msgspec.structs.replace(EVENT, last_status=429)
    found = record(ended(event=event, attempt=None, condition=Condition.EVENT_AGE_EXCEEDED))
    assert found["responseContext"] == {"statusCode": 429}


def test_a_dead_letter_tells_the_request_and_the_error() -> None:
    assert attributes(ENDED) == {
        "RequestID": ("String", "r-1"),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "no"),
    }


@pytest.mark.parametrize(
    ("answer", "message"),
    [(b"not json", "not json"), (b"[1]", "[1]"), (b"{}", "Unhandled"), (b"", "Unhandled")],
)
def test_a_dead_letter_has_a_message_whatever_was_answered(answer: bytes, message: str) -> None:
    attempt = Ran(executed_version="1", payload=answer, failed=True)
    assert attributes(ended(attempt=attempt))["ErrorMessage"] == ("String", message)


def test_the_error_message_is_cut_at_a_kilobyte_between_characters() -> None:
    answer = json.dumps({"errorMessage": "é" * 5000}).encode()
    attempt = Ran(executed_version="1", payload=answer, failed=True)
    _, message = attributes(ended(attempt=attempt))["ErrorMessage"]
    assert message == "é" * 512


def test_a_dead_letter_of_a_throttled_event_has_the_throttle() -> None:
    throttled = NotNow(status=429, message="whatever")
    found = attributes(ended(attempt=throttled, condition=Condition.EVENT_AGE_EXCEEDED))
    assert found["ErrorCode"] == ("Number", "429")
    assert found["ErrorMessage"] == ("String", "Rate Exceeded.")


def test_a_dead_letter_of_a_function_switched_off_has_no_code() -> None:
    throttled = NotNow(status=429, message="", is_switched_off=True)
    found = attributes(ended(attempt=throttled, condition=Condition.ZERO_RESERVED_CONCURRENCY))
    assert "ErrorCode" not in found
    assert "zero reserved concurrent executions" in found["ErrorMessage"][1]
