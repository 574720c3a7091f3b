"""What becomes of events: dg/invocation-async-error-handling.html.

What a function was given it prints, and its log is read. The minutes between attempts are seconds
on the suite's own platform; nothing here depends on how long they are, only on the order.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from platform_process import create, refused
from support.function_log import SOURCE, of, runs, send, so_far, versioned

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = [
    pytest.mark.aws("dg/invocation-async-error-handling.html"),
    pytest.mark.slow_on_aws("a failed event is retried after one minute and two more"),
]


@pytest.fixture(scope="module")
def clockwork(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[str]:
    """A function whose events fail, to pass the time by."""
    name = named("clockwork")
    create(client, name, SOURCE)
    yield name
    client.delete_function(FunctionName=name)


def let_retries_pass(client: "LambdaClient", clockwork: str) -> None:
    """Wait until two retries of an event that is sent now are over: others' would be, too."""
    of(client, clockwork, send(client, clockwork, {"fail": "tick"}), 3)


def ran(client: "LambdaClient", name: str, request_id: str) -> int:
    """Count the runs of one event up to now."""
    return sum(run["id"] == request_id for run in so_far(client, name))


@pytest.mark.parametrize("attempts", [0, 1, 2])
def test_a_failed_event_is_run_again_as_often_as_configured_under_one_id(
    client: "LambdaClient", name: str, clockwork: str, attempts: int
) -> None:
    create(client, name, SOURCE)
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=attempts)
    sent = send(client, name, {"fail": "no"})
    of(client, name, sent, attempts + 1)
    let_retries_pass(client, clockwork)
    assert ran(client, name, sent) == attempts + 1


def test_without_a_config_there_are_two_retries(
    client: "LambdaClient", name: str, clockwork: str
) -> None:
    create(client, name, SOURCE)
    sent = send(client, name, {"fail": "no"})
    of(client, name, sent, 3)
    let_retries_pass(client, clockwork)
    assert ran(client, name, sent) == 3


@pytest.mark.parametrize(
    ("event", "members"),
    [({"exit": 3}, {}), ({"sleep": 30}, {"Timeout": 1})],
    ids=["exit", "timeout"],
)
def test_a_runtime_that_fails_is_retried_like_an_error(
    client: "LambdaClient", name: str, event: dict[str, Any], members: dict[str, Any]
) -> None:
    create(client, name, SOURCE, **members)
    assert len(of(client, name, send(client, name, event), 2)) == 2


def test_an_event_that_succeeds_at_its_second_attempt_has_no_third(
    client: "LambdaClient", name: str, clockwork: str
) -> None:
    # It fails as long as the function has no variable.
    source = SOURCE.replace("if 'fail' in told:", "if 'fail' in told and 'WELL' not in os.environ:")
    create(client, name, source)
    sent = send(client, name, {"fail": "once"})
    of(client, name, sent)
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"WELL": "1"}}
    )
    of(client, name, sent, 2)
    let_retries_pass(client, clockwork)
    assert ran(client, name, sent) == 2


@pytest.mark.aws("api/API_PutFunctionEventInvokeConfig.html")
def test_a_changed_config_applies_to_events_that_wait(
    client: "LambdaClient", name: str, clockwork: str
) -> None:
    create(client, name, SOURCE)
    sent = send(client, name, {"fail": "no"})
    of(client, name, sent)
    # Its first retry is on its way by now, or this very change forbids it.
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1)
    let_retries_pass(client, clockwork)
    assert ran(client, name, sent) == 2


@pytest.mark.aws("dg/invocation-async-configuring.html")
@pytest.mark.parametrize("qualifier", ["live", "1"])
def test_a_version_or_alias_has_a_config_of_its_own(
    client: "LambdaClient", name: str, qualifier: str
) -> None:
    versioned(client, name)
    client.put_function_event_invoke_config(
        FunctionName=name, Qualifier=qualifier, MaximumRetryAttempts=0
    )
    once = send(client, name, {"fail": "no"}, Qualifier=qualifier)
    of(client, name, once)
    of(client, name, send(client, name, {"fail": "no"}), 3)
    assert ran(client, name, once) == 1


@pytest.mark.aws("dg/configuration-aliases.html")
def test_an_alias_is_looked_up_at_every_attempt(client: "LambdaClient", name: str) -> None:
    versioned(client, name)
    sent = send(client, name, {"fail": "no"}, Qualifier="live")
    of(client, name, sent)
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    found = of(client, name, sent, 3)
    assert [run["version"] for run in found] == ["1", "2", "2"]
    assert {run["arn"].rpartition(":")[2] for run in found} == {"live"}


@pytest.mark.aws("dg/configuration-concurrency.html")
def test_events_beyond_the_reserved_concurrency_run_later(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, SOURCE)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    sent = {send(client, name, {"sleep": 0.2, "n": n}) for n in range(5)}
    found = runs(client, name, lambda some: {run["id"] for run in some} >= sent)
    # A throttle is no attempt: none of them ran twice.
    assert len(found) == 5


@pytest.mark.aws("dg/configuration-concurrency.html")
def test_a_throttled_event_does_not_use_up_its_retries(client: "LambdaClient", name: str) -> None:
    create(client, name, SOURCE)
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    slow = send(client, name, {"sleep": 1})
    of(client, name, slow)
    waiting = send(client, name, {"n": 2})
    of(client, name, waiting)
    assert [run["id"] for run in so_far(client, name)] == [slow, waiting]


@pytest.mark.aws("dg/configuration-concurrency.html")
@pytest.mark.ours("without a destination AWS need not keep events of a function switched off")
def test_a_function_switched_off_takes_events_and_runs_them_when_it_is_on_again(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, SOURCE)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    sent = send(client, name, {"n": 1})
    status, code, _ = refused(client.invoke, FunctionName=name)
    assert (status, code) == (429, "TooManyRequestsException")
    assert so_far(client, name) == []
    client.delete_function_concurrency(FunctionName=name)
    of(client, name, sent)


@pytest.mark.aws("dg/invocation-async-error-handling.html")
def test_an_event_of_a_deleted_function_is_not_for_its_successor(
    client: "LambdaClient", name: str
) -> None:
    create(client, name, SOURCE)
    lost = send(client, name, {"fail": "no"})
    of(client, name, lost)
    client.delete_function(FunctionName=name)
    create(client, name, SOURCE)
    of(client, name, send(client, name, {"fail": "no"}), 3)
    assert ran(client, name, lost) == 1
