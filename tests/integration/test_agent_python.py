"""Python functions in real processes, seen from a gateway's end of the connection."""

from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from support import agent_stand

from inglenook.wire import messages

COUNTER = """
count = 0
def handler(event, context):
    global count
    count += 1
    return {"count": count, "event": event, "id": context.aws_request_id}
"""


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[agent_stand.Gateway]:
    async with agent_stand.standing(tmp_path, init_timeout_s=1.0) as standing:
        yield standing


async def test_an_agent_introduces_itself(gateway: agent_stand.Gateway) -> None:
    assert gateway.unasked == [messages.Welcome(agent="agent-1")]


async def test_a_process_waits_by_the_time_the_agent_is_specialised(
    gateway: agent_stand.Gateway,
) -> None:
    # So that the first start takes what every start takes, and gateways can go by it.
    await gateway.function(COUNTER)
    (pool,) = gateway.supervisor._pools.values()
    assert pool.spares


async def test_a_function_runs_where_no_process_is_to_wait(tmp_path: Path) -> None:
    async with agent_stand.standing(tmp_path, spares=0) as gateway:
        await gateway.function(COUNTER)
        started = await gateway.start()
        assert (await gateway.invoke(started.environment, b"1")).result.error is None


async def test_a_function_answers_and_keeps_its_globals(gateway: agent_stand.Gateway) -> None:
    await gateway.function(COUNTER)
    started = await gateway.start()
    assert started.init_ok
    assert started.init_ms > 0
    first = await gateway.invoke(started.environment, b'{"a": 1}')
    second = await gateway.invoke(started.environment, b"[]", "r-2")
    assert first.json == {"count": 1, "event": {"a": 1}, "id": "r-1"}
    assert second.json == {"count": 2, "event": [], "id": "r-2"}
    assert first.result.error is None
    assert first.result.is_reusable


async def test_init_prints_and_prints_of_the_function_stand_where_lambda_puts_them(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(
        """
        import subprocess
        print("at import")
        def handler(event, context):
            print("one\\rstill one")
            subprocess.run(["echo", "from below"], check=True)
            print("unfinished", end="")
        """
    )
    started = await gateway.start()
    answer = await gateway.invoke(started.environment, wants_tail=True)
    await gateway.invoke(started.environment, request_id="r-2")
    (stream,) = gateway.logs.streams
    assert stream.endswith(f"/[$LATEST]{started.environment}")
    events = gateway.logs.streams[stream]
    assert events[0].startswith("INIT_START Runtime Version: python:3.11.v1\tRuntime Version ARN: ")
    assert events[1:7] == [
        "at import\n",
        "START RequestId: r-1 Version: $LATEST\n",
        "one\rstill one\n",
        "from below\n",
        "unfinished",
        "END RequestId: r-1\n",
    ]
    assert events[7].startswith("REPORT RequestId: r-1\tDuration: ")
    assert "\tMemory Size: 256 MB\tMax Memory Used: " in events[7]
    assert f"\tInit Duration: {started.init_ms:.2f} ms\t\n" in events[7]
    assert "Init Duration" not in events[-1]
    assert events[-1].endswith(" MB\t\n")
    assert answer.tail == "".join(events[1:8])
    assert answer.result.billed_ms >= answer.result.duration_ms + started.init_ms
    assert 5 < answer.result.max_memory_mb < 100


async def test_a_tail_is_the_last_4_kb(gateway: agent_stand.Gateway) -> None:
    await gateway.function(
        """
        def handler(event, context):
            for number in range(1000):
                print("line", number)
        """
    )
    started = await gateway.start()
    answer = await gateway.invoke(started.environment, wants_tail=True)
    assert len(answer.tail) == 4096
    assert "line 999\nEND RequestId: r-1\nREPORT" in answer.tail


async def test_after_a_timeout_tmp_stays_and_the_module_is_fresh(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(
        """
        import os, tempfile, time
        state, mark = [], tempfile.gettempdir() + "/mark"
        def handler(event, context):
            if event == "sleep":
                state.append(1)
                open(mark, "w").write("here")
                print("sleeping", flush=True)
                time.sleep(60)
            return [len(state), os.path.exists(mark)]
        """,
        timeout_s=1,
    )
    environment = (await gateway.start()).environment
    late = await gateway.invoke(environment, b'"sleep"', wants_tail=True)
    assert late.body == (
        b'{"errorType":"Sandbox.Timedout",'
        b'"errorMessage":"RequestId: r-1 Error: Task timed out after 1.00 seconds"}'
    )
    assert late.result.error == "Sandbox.Timedout"
    assert late.result.duration_ms == 1000.0
    assert "sleeping\n" in late.tail
    assert "Z r-1 Task timed out after 1.00 seconds\n\nEND RequestId: r-1\nREPORT" in late.tail
    assert late.tail.endswith("\tStatus: timeout\n")
    after = await gateway.invoke(environment, request_id="r-2")
    assert after.json == [0, True]
    again = await gateway.invoke(environment, request_id="r-3")
    assert again.result.duration_ms < after.result.duration_ms


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("sys.exit(1)", "Runtime exited with error: exit status 1"),
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os.abort()", "Runtime exited with error: signal: aborted"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
)
async def test_a_process_that_ends_is_told_of_and_the_environment_goes_on(
    gateway: agent_stand.Gateway, statement: str, text: str
) -> None:
    await gateway.function(
        f"""
        import os, sys
        def handler(event, context):
            if event:
                print("last words", flush=True)
                {statement}
            return os.getpid()
        """
    )
    environment = (await gateway.start()).environment
    lost = await gateway.invoke(environment, b"1", wants_tail=True)
    assert lost.json == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: r-1 Error: {text}",
    }
    assert lost.result.error == "Runtime.ExitError"
    assert (
        f"last words\nRequestId: r-1 Error: {text}\nRuntime.ExitError\nEND RequestId: r-1\n"
        in lost.tail
    )
    assert lost.tail.endswith("\tStatus: error\tError Type: Runtime.ExitError\n")
    after = await gateway.invoke(environment, b"0", "r-2")
    assert after.result.error is None


async def test_memory_over_the_limit_kills(gateway: agent_stand.Gateway) -> None:
    await gateway.function(
        """
        def handler(event, context):
            return len(bytearray(event * 1024 * 1024))
        """,
        memory_mb=128,
    )
    environment = (await gateway.start()).environment
    fits = await gateway.invoke(environment, b"60")
    assert fits.result.error is None
    assert 60 < fits.result.max_memory_mb < 128
    lost = await gateway.invoke(environment, b"400", "r-2", wants_tail=True)
    assert lost.json == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: r-2 Error: Runtime exited with error: signal: killed",
    }
    assert lost.tail.endswith("\tStatus: error\tError Type: Runtime.OutOfMemory\n")
    assert lost.result.max_memory_mb == 128
    assert (await gateway.invoke(environment, b"1", "r-3")).result.error is None


async def test_a_failed_init_runs_again_in_the_first_invocation(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function("import absent_module\n")
    started = await gateway.start()
    assert not started.init_ok
    answer = await gateway.invoke(started.environment, wants_tail=True)
    assert answer.result.error == "Runtime.ImportModuleError"
    payload = answer.json
    assert isinstance(payload, dict)
    assert (
        payload["errorMessage"] == "Unable to import module 'app': No module named 'absent_module'"
    )
    assert payload["requestId"] == ""
    reports = [event for event in gateway.logs.messages if event.startswith("INIT_REPORT")]
    assert len(reports) == 2
    ending = "\tStatus: error\tError Type: Runtime.ImportModuleError\n"
    assert reports[0].endswith(f" ms\tPhase: init{ending}")
    assert reports[1].endswith(f" ms\tPhase: invoke{ending}")
    assert answer.tail.endswith(ending)
    # The tail says why: what init has written, both times, stands in it.
    why = "[ERROR] Runtime.ImportModuleError: Unable to import module 'app'"
    assert answer.tail.index(why) < answer.tail.index("START RequestId: r-1")
    assert reports[1] in answer.tail
    assert "Init Duration" not in answer.tail.partition("START")[2]


async def test_an_init_that_takes_too_long_runs_again_within_the_functions_time(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(
        """
        import os, tempfile, time
        again = tempfile.gettempdir() + "/again"
        if not os.path.exists(again):
            open(again, "w").close()
            time.sleep(60)
        def handler(event, context):
            return "well"
        """
    )
    started = await gateway.start()
    assert not started.init_ok
    answer = await gateway.invoke(started.environment)
    assert answer.json == "well"
    assert any("Phase: init\tStatus: timeout\n" in event for event in gateway.logs.messages)


async def test_an_init_that_never_ends_times_out_with_the_function(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function("import time\ntime.sleep(60)\n", timeout_s=1)
    started = await gateway.start()
    answer = await gateway.invoke(started.environment, wants_tail=True)
    assert answer.result.error == "Sandbox.Timedout"
    before, _, after = answer.tail.partition("START RequestId: r-1 Version: $LATEST\n")
    assert before.endswith("Phase: invoke\tStatus: timeout\n")
    assert "Task timed out after 1.00 seconds" in after
    assert (await gateway.invoke(started.environment, request_id="r-2")).result.error is not None


async def test_an_exit_in_init_is_an_exit_of_the_invocation(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function("import sys\nsys.exit(0)\n")
    started = await gateway.start()
    assert not started.init_ok
    answer = await gateway.invoke(started.environment)
    assert answer.json == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: r-1 Error: Runtime exited without providing a reason",
    }


async def test_the_largest_response_passes_and_one_byte_more_does_not(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(
        """
        def handler(event, context):
            return "x" * (event - 2)
        """
    )
    environment = (await gateway.start()).environment
    fits = await gateway.invoke(environment, b"6291556")
    assert fits.result.error is None
    assert len(fits.body) == 6_291_556
    over = await gateway.invoke(environment, b"6291557", "r-2")
    assert over.body == (
        b'{"errorMessage":"Response payload size exceeded maximum allowed payload size '
        b'(6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}'
    )
    far_over = await gateway.invoke(environment, b"20000000", "r-3")
    assert far_over.result.error == "Function.ResponseSizeTooLarge"
    assert (await gateway.invoke(environment, b"3", "r-4")).json == "x"


async def test_a_large_event_arrives_whole(gateway: agent_stand.Gateway) -> None:
    await gateway.function("def handler(event, context): return len(event)\n")
    environment = (await gateway.start()).environment
    event = b'"' + b"y" * 6_000_000 + b'"'
    assert (await gateway.invoke(environment, event)).json == 6_000_000


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        ("app.absent", "Runtime.HandlerNotFound"),
        ("absent.handler", "Runtime.ImportModuleError"),
        ("handler", "Runtime.MalformedHandlerName"),
    ],
)
async def test_an_unknown_handler_is_an_error_of_the_function(
    gateway: agent_stand.Gateway, handler: str, error_type: str
) -> None:
    await gateway.function(COUNTER, handler=handler)
    started = await gateway.start()
    answer = await gateway.invoke(started.environment)
    assert answer.result.error == error_type
    assert isinstance(answer.json, dict)
    assert answer.json["errorType"] == error_type


async def test_an_exception_is_the_functions_error_and_the_process_goes_on(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(
        """
        import os
        def handler(event, context):
            if event:
                raise ValueError("no good")
            return os.getpid()
        """
    )
    environment = (await gateway.start()).environment
    before = await gateway.invoke(environment, b"0")
    failed = await gateway.invoke(environment, b"1", wants_tail=True)
    assert failed.result.error == "ValueError"
    assert "[ERROR] ValueError: no good\nTraceback" in failed.tail
    assert failed.tail.endswith(" MB\t\n")
    assert (await gateway.invoke(environment, b"0")).json == before.json


async def test_a_function_sees_lambdas_variables_and_nothing_of_the_hosts(
    gateway: agent_stand.Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST_SECRET", "leaks")
    await gateway.function(
        """
        import os, boto3
        def handler(event, context):
            return dict(os.environ) | {"boto3": boto3.__file__}
        """,
        variables={"MINE": "1", "AWS_REGION": "nowhere", "LANG": "C"},
    )
    environment = (await gateway.start()).environment
    seen = (await gateway.invoke(environment)).json
    assert isinstance(seen, dict)
    assert "HOST_SECRET" not in seen
    assert (seen["MINE"], seen["LANG"], seen["AWS_REGION"]) == ("1", "C", "us-east-1")
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.11"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert seen["AWS_LAMBDA_LOG_STREAM_NAME"].endswith(f"[$LATEST]{environment}")
    assert seen["_HANDLER"] == "app.handler"
    assert seen["_X_AMZN_TRACE_ID"].startswith("Root=1-5759e988")


async def test_wrong_questions_are_refused(gateway: agent_stand.Gateway) -> None:
    assert (await gateway.ask(messages.Start())).refusal is messages.Refusal.WRONG_VERSION
    assert (await gateway.specialise("absent")).refusal is messages.Refusal.CODE_UNAVAILABLE
    gateway.packages.add("code", {"app.py": COUNTER})
    unknown = await gateway.specialise("code", runtime="nodejs22.x")
    assert unknown.refusal is messages.Refusal.RUNTIME_UNAVAILABLE
    await gateway.function(COUNTER)
    other = messages.VersionId(function_name="f", function_uid="u", version="7", generation=1)
    assert (await gateway.specialise("code", id=other)).refusal is messages.Refusal.WRONG_VERSION
    refused = await gateway.invoke("absent")
    assert refused.refusal is messages.Refusal.UNKNOWN_ENVIRONMENT


async def test_one_event_at_a_time(gateway: agent_stand.Gateway) -> None:
    await gateway.function(
        """
        import time
        def handler(event, context):
            print("busy", flush=True)
            time.sleep(0.3)
            return 1
        """
    )
    environment = (await gateway.start()).environment
    running = gateway.invoke_soon(environment)
    assert (await gateway.invoke(environment)).refusal is messages.Refusal.BUSY
    stopped = await gateway.ask(messages.Stop(environment=environment))
    assert stopped.refusal is messages.Refusal.BUSY
    assert (await running).json == 1
    gone = await gateway.ask(messages.Stop(environment=environment))
    assert gone.header == messages.Gone(environment=environment, reason="stopped")
    assert list(gateway.supervisor.folder.glob("environments/*")) == []


async def test_a_drained_agent_finishes_what_runs_and_takes_nothing(
    gateway: agent_stand.Gateway,
) -> None:
    await gateway.function(
        """
        import time
        def handler(event, context):
            time.sleep(0.3)
            return "done"
        """
    )
    environment = (await gateway.start()).environment
    idle = (await gateway.start()).environment
    running = gateway.invoke_soon(environment)
    drained = gateway.begin(messages.Drain())
    assert (await gateway.ask(messages.Start())).refusal is messages.Refusal.DRAINING
    await gateway.until_gone(idle)
    assert not drained.done()
    assert (await running).json == "done"
    assert isinstance((await drained).header, messages.Drained)


async def test_a_hundred_environments_start_at_once(tmp_path: Path) -> None:
    # They share the machine's cores, so that each takes as long as all of them.
    async with agent_stand.standing(tmp_path, init_timeout_s=60) as gateway:
        await gateway.function(COUNTER)
        starting = [gateway.begin(messages.Start()) for _ in range(100)]
        started = [(await answer).header for answer in starting]
        well = [one for one in started if isinstance(one, messages.Started) and one.init_ok]
        assert started == well
        running = [gateway.invoke_soon(one.environment) for one in well]
        assert {(await answer).body[:10] for answer in running} == {b'{"count": '}


async def test_environments_over_the_limit_are_refused(tmp_path: Path) -> None:
    async with agent_stand.standing(tmp_path, environments_max=1) as gateway:
        await gateway.function(COUNTER)
        await gateway.start()
        assert (await gateway.ask(messages.Start())).refusal is messages.Refusal.FULL


async def test_a_killed_spawner_costs_what_ran_and_no_more(gateway: agent_stand.Gateway) -> None:
    await gateway.function(
        """
        import time
        def handler(event, context):
            print("runs", event)
            time.sleep(event)
            return "well"
        """
    )
    environment = (await gateway.start()).environment
    running = gateway.invoke_soon(environment, b"60")
    await gateway.until(lambda: "runs 60\n" in gateway.logs.messages)
    for child in psutil.Process().children():
        if any("inglenook_runtime" in word for word in child.cmdline()):
            child.kill()
    lost = await running
    assert lost.result.error == "Runtime.ExitError"
    after = await gateway.invoke(environment, b"0", "r-2")
    assert after.json == "well"
    assert (await gateway.start()).init_ok


async def test_memory_is_limited_without_control_groups_too(tmp_path: Path) -> None:
    async with agent_stand.standing(tmp_path, use_cgroups=False) as gateway:
        await gateway.function(
            """
            import time
            def handler(event, context):
                held = bytearray(event * 1024 * 1024)
                time.sleep(0.2 if event < 128 else 30)
                return len(held)
            """,
            memory_mb=128,
        )
        environment = (await gateway.start()).environment
        fits = await gateway.invoke(environment, b"40")
        assert 40 < fits.result.max_memory_mb < 100
        lost = await gateway.invoke(environment, b"300")
        assert lost.json == {
            "errorType": "Runtime.ExitError",
            "errorMessage": "RequestId: r-1 Error: Runtime exited with error: signal: killed",
        }


async def test_without_a_sandbox_the_folders_are_the_hosts(tmp_path: Path) -> None:
    async with agent_stand.standing(tmp_path, use_sandbox=False) as gateway:
        await gateway.function(
            """
            import os, tempfile
            def handler(event, context):
                return [os.environ["LAMBDA_TASK_ROOT"], tempfile.gettempdir()]
            """
        )
        environment = (await gateway.start()).environment
        seen = (await gateway.invoke(environment)).json
        assert isinstance(seen, list)
        task, tmp = seen
        assert task == str(tmp_path / "packages" / "code")
        assert tmp.endswith(environment)
