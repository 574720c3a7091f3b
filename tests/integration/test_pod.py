"""A pod's agent and its spawner are two processes; gateways come over TCP."""

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support import pod_stand
from support.agent_stand import DEADLINE_S

from inglenook.wire import messages

ECHO = "def handler(event, context):\n    return [event, context.function_version]\n"
LIBRARY = next(Path("/usr/lib").glob("*/libz.so.1")).read_bytes()
SLOW = """
import time
def handler(event, context):
    print("begun", flush=True)
    time.sleep(event)
    return "slept"
"""
HELD = """
import os, time
def handler(event, context):
    print("begun", flush=True)
    while not os.path.exists(event):
        time.sleep(0.01)
    return "let go"
"""


@pytest.fixture(params=["python", "init"])
def container(request: pytest.FixtureRequest) -> pod_stand.Container:
    """Return a container with either program that can be the spawner."""
    if request.param == "python":
        return pod_stand.Container()
    return pod_stand.Container(command=(str(request.getfixturevalue("init")),))


@pytest.fixture
async def any_pod(tmp_path: Path, container: pod_stand.Container) -> AsyncIterator[pod_stand.Pod]:
    """Run a pod for custom runtimes."""
    async with pod_stand.pod(
        tmp_path, container, INGLENOOK_AGENT_RUNTIME="provided.al2023"
    ) as running:
        yield running


@pytest.fixture
async def pod(tmp_path: Path) -> AsyncIterator[pod_stand.Pod]:
    async with pod_stand.pod(tmp_path) as running:
        yield running


async def test_an_agent_says_that_it_is_starting_and_when_it_has_started(tmp_path: Path) -> None:
    starting = pod_stand.Pod(tmp_path, {})
    try:
        await starting.start_agent()
        await starting.until_status("/ready", 503)
        early, gone = await starting.gateway(), await starting.gateway()
        assert (await early.welcome()).is_starting
        assert (await gone.welcome()).is_starting
        gone.hang_up()
        await starting.start_spawner()
        await early.until(lambda: early.said(messages.Ready) == [messages.Ready()])
        late = await starting.gateway()
        assert not (await late.welcome()).is_starting
        await early.function(ECHO)
        assert (await early.invoke(await early.start(), 1)).json == [1, "7"]
    finally:
        await starting.close()


async def test_a_package_comes_over_the_connection_and_is_run(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    welcome = await gateway.welcome()
    assert (welcome.agent, welcome.version, welcome.is_local) == ("pod-1", None, False)

    await gateway.function(ECHO)
    answer = await gateway.invoke(await gateway.start(), {"a": 1})

    assert answer.json == [{"a": 1}, "7"]
    assert answer.result.error is None
    assert answer.result.max_memory_mb > 1


async def test_what_a_function_prints_is_a_line_of_json_with_its_request(
    pod: pod_stand.Pod,
) -> None:
    gateway = await pod.gateway()
    await gateway.function("def handler(event, context):\n    print('one\\ntwo')\n")

    await gateway.invoke(await gateway.start())

    pod.agent.terminate()  # which writes what waits
    await pod.ended()
    (line,) = (line for line in pod.log if line["message"] == "one")
    assert (line["function"], line["version"]) == ("f", "7")
    assert line["log_group"] == "/aws/lambda/f"
    assert "[7]" in line["log_stream"]
    assert line["request_id"] == "00000000-0000-4000-8000-000000000001"
    assert "two" in [line["message"] for line in pod.log]


async def test_a_package_may_come_in_many_pieces(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    package = pod_stand.zipped({"app.py": ECHO, "data": os.urandom(100_000).hex()})
    sha256 = await gateway.send(package, piece_bytes=1000)
    assert isinstance((await gateway.specialise(sha256)).header, messages.Specialised)

    assert (pod.code / "task" / "data").stat().st_mode & 0o777 == 0o755
    assert (await gateway.invoke(await gateway.start(), 1)).json == [1, "7"]


async def test_what_follows_a_package_need_not_wait_for_its_answer(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    package = pod_stand.zipped({"app.py": ECHO, "data": os.urandom(1_500_000).hex()})
    answers: list[str] = []
    sending = asyncio.ensure_future(gateway.send(package, piece_bytes=1_000_000))
    sending.add_done_callback(lambda _: answers.append("stored"))
    await asyncio.sleep(0)
    sha256 = hashlib.sha256(package).hexdigest()
    specialised = await gateway.specialise(sha256)
    answers.append("specialised")
    assert isinstance(specialised.header, messages.Specialised), specialised
    assert answers == ["stored", "specialised"]
    assert await sending == sha256
    assert (await gateway.invoke(await gateway.start(), 1)).json == [1, "7"]


async def test_a_package_that_is_damaged_is_refused_to_who_does_not_wait(
    pod: pod_stand.Pod,
) -> None:
    gateway = await pod.gateway()
    refused = gateway.begin(messages.Package(sha256="0" * 64, offset=0, total=5), b"12345")
    answer = await gateway.specialise("0" * 64)
    assert answer.refusal is messages.Refusal.CODE_UNAVAILABLE
    assert refused.done()
    await gateway.function(ECHO)


async def test_pieces_out_of_order_are_refused(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    name = "0" * 64
    late = messages.Package(sha256=name, offset=5, total=10)
    assert (await gateway.ask(late, b"12345")).refusal is messages.Refusal.CODE_UNAVAILABLE
    first = messages.Package(sha256=name, offset=0, total=10)
    assert isinstance((await gateway.ask(first, b"12345")).header, messages.Stored)
    again = await gateway.ask(first, b"12345")
    assert again.refusal is messages.Refusal.CODE_UNAVAILABLE


async def test_a_package_that_is_not_what_it_is_said_to_be_is_refused(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    wrong = messages.Package(sha256="0" * 64, offset=0, total=5)
    assert (await gateway.ask(wrong, b"12345")).refusal is messages.Refusal.CODE_UNAVAILABLE
    answer = await gateway.specialise("0" * 64)
    assert answer.refusal is messages.Refusal.CODE_UNAVAILABLE
    # Nothing has begun: another may have it.
    other = await pod.gateway(name="gateway-2")
    await other.function(ECHO)


async def test_layers_lie_over_each_other(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    layers = [
        await gateway.send(pod_stand.zipped({"python/one.py": "N = 1", "python/two.py": "N = 0"})),
        await gateway.send(pod_stand.zipped({"python/two.py": "N = 2"})),
    ]
    await gateway.function(
        "import one, two\ndef handler(event, context):\n    return [one.N, two.N]\n",
        layers=[messages.Layer(arn=sha256, sha256=sha256) for sha256 in layers],
    )
    assert (await gateway.invoke(await gateway.start())).json == [1, 2]


async def test_a_custom_runtime_starts_its_bootstrap(any_pod: pod_stand.Pod) -> None:
    script = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D "$TMPDIR/head" "$api/next")
  id=$(tr -d '\\r' <"$TMPDIR/head" | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //Ip')
  echo "got $event" >/dev/stderr
  curl -sS -d "[$event]" "$api/$id/response" >/dev/null
done
"""
    gateway = await any_pod.gateway()
    sha256 = await gateway.send(pod_stand.zipped({"bootstrap": script}))
    wrong = await gateway.specialise(sha256)
    assert wrong.refusal is messages.Refusal.RUNTIME_UNAVAILABLE
    answer = await gateway.specialise(sha256, runtime="provided.al2023")
    assert isinstance(answer.header, messages.Specialised)
    answer = await gateway.invoke(await gateway.start(), 5, wants_tail=True)
    assert (answer.json, "got 5" in answer.tail) == ([5], True)


async def test_a_wrapper_starts_the_function(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    sha256 = await gateway.send(
        pod_stand.zipped(
            {
                "wrapper": '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"\n',
                "app.py": "import os\ndef handler(e, c):\n    return os.environ['WRAPPED']\n",
            }
        )
    )
    answer = await gateway.specialise(
        sha256, variables={"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}
    )
    assert isinstance(answer.header, messages.Specialised)
    assert (await gateway.invoke(await gateway.start())).json == "yes"


async def test_an_answer_is_streamed(pod: pod_stand.Pod) -> None:
    bootstrap = """#!/usr/bin/env python3
import http.client, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    event.read()
    pieces = [b"x" * 300_000] * 10
    api.request(
        "POST",
        f"/2018-06-01/runtime/invocation/{event.headers['Lambda-Runtime-Aws-Request-Id']}/response",
        body=iter(pieces),
        headers={"Lambda-Runtime-Function-Response-Mode": "streaming"},
        encode_chunked=True,
    )
    api.getresponse().read()
"""
    gateway = await pod.gateway()
    sha256 = await gateway.send(pod_stand.zipped({"wrapper": bootstrap, "app.py": ""}))
    await gateway.specialise(sha256, variables={"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"})
    environment = await gateway.start()

    # The window closes, and whoever reads hangs up: the function goes on nevertheless.
    gateway.invoke_soon(environment, wants_stream=True)
    stream = gateway.last_stream
    await gateway.until(
        lambda: sum(map(len, gateway.pieces.get(stream, []))) == messages.STREAM_WINDOW_BYTES
    )
    gateway.hang_up()
    other = await pod.gateway(name="gateway-2")
    await other.adopt()
    await other.until(
        lambda: (
            bool(other.said(messages.Freed))  # or it had ended when it was adopted
            or not (other.unasked and environment in other.unasked[0].busy)
        )  # type: ignore[union-attr]
    )
    answer = await other.invoke(environment)
    assert len(answer.body) == 3_000_000


async def test_a_function_out_of_time_is_killed_with_all_that_it_started(
    pod: pod_stand.Pod,
) -> None:
    gateway = await pod.gateway()
    await gateway.function(
        "import os, subprocess, time\n"
        "def is_alive(pid):\n"
        "    try:\n"
        "        return open(f'/proc/{pid}/stat').read().split()[2] != 'Z'\n"
        "    except FileNotFoundError:\n"
        "        return False\n"
        "def handler(event, context):\n"
        "    if event:\n"
        "        return [pid for pid in event if is_alive(pid)]\n"
        "    own = subprocess.Popen(['sleep', '100'])\n"
        "    daemon = subprocess.Popen(['sleep', '100'], start_new_session=True)\n"
        "    print('PIDS', own.pid, daemon.pid, os.getpid(), flush=True)\n"
        "    time.sleep(100)\n",
        timeout_s=1,
    )
    environment = await gateway.start()
    answer = await gateway.invoke(environment, wants_tail=True)
    assert answer.result.error == "Sandbox.Timedout"

    (line,) = (line for line in answer.tail.splitlines() if line.startswith("PIDS"))
    pids = [int(word) for word in line.split()[1:]]
    async with asyncio.timeout(DEADLINE_S):
        while (await gateway.invoke(environment, pids)).json:
            pass


async def test_memory_over_the_limit_kills(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    await gateway.function(
        "def handler(event, context):\n"
        "    data = bytearray(event * 1024 * 1024)\n"
        "    for i in range(0, len(data), 4096):\n"
        "        data[i] = 1\n"
        "    while event > 100:\n"
        "        pass\n",
        memory_mb=128,
    )
    environment = await gateway.start()
    assert 60 <= (await gateway.invoke(environment, 60)).result.max_memory_mb < 128

    answer = await gateway.invoke(environment, 400, wants_tail=True)
    assert (answer.result.error, answer.result.max_memory_mb) == ("Runtime.ExitError", 128)
    assert "Runtime.OutOfMemory" in answer.tail
    assert (await gateway.invoke(environment, 1)).result.error is None


async def test_a_function_finds_its_own_shared_libraries_by_name(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    source = "import ctypes\ndef handler(e, c):\n    return bool(ctypes.CDLL('libownz.so'))\n"
    package = pod_stand.zipped({"app.py": source, "lib/libownz.so": LIBRARY})
    await gateway.specialise(await gateway.send(package))
    assert (await gateway.invoke(await gateway.start())).json is True


async def test_a_second_environment_is_refused_unless_the_function_allows_it(
    pod: pod_stand.Pod,
) -> None:
    gateway = await pod.gateway()
    await gateway.function(ECHO)
    await gateway.start()
    assert (await gateway.ask(messages.Start())).refusal is messages.Refusal.FULL


async def test_a_pod_may_hold_several_environments(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    await gateway.function("import time, os\ndef handler(e, c):\n    return os.getpid()\n",
                           environments_max=2)  # fmt: skip
    one, two = await asyncio.gather(gateway.start(), gateway.start())
    assert (await gateway.invoke(one)).json != (await gateway.invoke(two)).json
    assert (await gateway.ask(messages.Start())).refusal is messages.Refusal.FULL


async def test_who_has_not_the_secret_is_closed_without_a_word(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway(secret=b"another")
    await gateway.until_closed()
    assert gateway.unasked == []


async def test_the_first_gateway_has_the_pod_and_others_are_told_so(pod: pod_stand.Pod) -> None:
    first, second = await pod.gateway(), await pod.gateway(name="gateway-2")
    await first.function(ECHO)
    environment = await first.start()

    same = await second.specialise("0" * 64)
    assert same.refusal is messages.Refusal.MOVED
    other = messages.VersionId(function_name="g", function_uid="v", version="1", generation=1)
    assert (await second.specialise("0" * 64, id=other)).refusal is messages.Refusal.MOVED
    assert (await second.invoke(environment)).refusal is messages.Refusal.MOVED
    assert (await second.ask(messages.Adopt(id=other))).refusal is messages.Refusal.WRONG_VERSION
    assert (await second.ask(messages.Drain())).refusal is messages.Refusal.MOVED


async def test_an_answer_begun_for_a_former_owner_goes_to_it_and_the_new_one_is_told(
    pod: pod_stand.Pod,
) -> None:
    first, second = await pod.gateway(), await pod.gateway(name="gateway-2")
    await first.function(SLOW)
    environment = await first.start()
    answer = first.invoke_soon(environment, 1)

    adopted = await second.adopt()
    assert (adopted.environments, adopted.busy) == ([environment], [environment])
    assert (await first.invoke(environment)).refusal is messages.Refusal.MOVED
    assert (await second.invoke(environment)).refusal is messages.Refusal.BUSY

    assert (await answer).json == "slept"
    await second.until(lambda: bool(second.said(messages.Freed)))
    assert second.said(messages.Freed) == [messages.Freed(environment=environment)]
    assert (await second.invoke(environment, 0)).json == "slept"
    assert first.said(messages.Freed) == []


async def test_an_environment_that_starts_for_a_former_owner_is_told_to_the_new_one(
    pod: pod_stand.Pod,
) -> None:
    first, second = await pod.gateway(), await pod.gateway(name="gateway-2")
    await first.function(f"import time\ntime.sleep(1)\n{ECHO}")
    started = first.begin(messages.Start())
    await second.until(lambda: bool(second.unasked))
    adopted = await second.adopt()

    answer = await started
    assert isinstance(answer.header, messages.Started)
    assert adopted.busy == [answer.header.environment]
    await second.until(lambda: bool(second.said(messages.Freed)))
    assert (await second.invoke(answer.header.environment, 1)).json == [1, "7"]


async def test_environments_outlive_their_gateway_and_are_adopted(pod: pod_stand.Pod) -> None:
    first = await pod.gateway()
    await first.function(f"n = 0\n{SLOW}")
    environment = await first.start()
    _ = first.invoke_soon(environment, 1)
    first.connection.close()

    second = await pod.gateway(name="gateway-2")
    welcome = await second.welcome()
    assert (welcome.version, welcome.environments) == (pod_stand.VERSION, [environment])
    assert (await second.invoke(environment)).refusal is messages.Refusal.MOVED
    adopted = await second.adopt()
    assert adopted.environments == [environment]
    if adopted.busy:
        await second.until(lambda: bool(second.said(messages.Freed)))
    assert (await second.invoke(environment, 0)).json == "slept"


async def test_a_pod_that_nobody_adopts_ends(tmp_path: Path) -> None:
    async with pod_stand.pod(tmp_path, INGLENOOK_AGENT_ORPHAN_TIMEOUT_S="0.2") as pod:
        gateway = await pod.gateway()
        await gateway.function(ECHO)
        await gateway.start()
        gateway.hang_up()
        assert await pod.ended() == (0, 0)


async def test_a_drained_pod_finishes_what_runs_and_ends(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    await gateway.function(SLOW)
    environment = await gateway.start()
    answer = gateway.invoke_soon(environment, 1)
    drained = gateway.begin(messages.Drain())
    assert (await gateway.invoke(environment)).refusal is messages.Refusal.DRAINING

    assert (await answer).json == "slept"
    assert isinstance((await drained).header, messages.Drained)
    assert gateway.said(messages.Gone)
    assert await pod.ended() == (0, 0)


async def test_what_a_draining_pod_still_runs_is_told_to_a_new_owner(pod: pod_stand.Pod) -> None:
    one, two = [await pod.gateway(name=f"gateway-{n}") for n in (1, 2)]
    await one.function("import time\ndef handler(e, c):\n    time.sleep(1)\n    return 1\n")
    environment = await one.start()
    running = one.invoke_soon(environment)
    drained = one.begin(messages.Drain())
    assert (await one.ask(messages.Start())).refusal is messages.Refusal.DRAINING
    late = await pod.gateway(name="gateway-3")
    welcome = await late.welcome()
    assert (welcome.version, welcome.is_draining) == (pod_stand.VERSION, True)
    assert welcome.busy == [environment]
    adopted = await two.adopt()
    assert adopted.environments == adopted.busy == [environment]
    assert (await two.ask(messages.Start())).refusal is messages.Refusal.DRAINING
    assert (await running).json == 1
    await two.until(lambda: bool(two.said(messages.Gone)))
    assert isinstance((await drained).header, messages.Drained)
    assert await pod.ended() == (0, 0)


@pytest.mark.parametrize("which", ["agent", "spawner"])
async def test_sigterm_to_either_container_lets_what_runs_end(
    pod: pod_stand.Pod, tmp_path: Path, which: str
) -> None:
    gateway = await pod.gateway()
    await gateway.function(HELD)
    environment = await gateway.start()
    answer = gateway.invoke_soon(environment, str(tmp_path / "go"))
    await pod.until_logged("begun")
    getattr(pod, which).terminate()
    await pod.until_status("/ready", 503)
    assert (await gateway.invoke(environment)).refusal is messages.Refusal.DRAINING

    (tmp_path / "go").touch()
    assert (await answer).json == "let go"
    assert await pod.ended() == (0, 0)


async def test_a_pod_that_nobody_has_taken_ends_at_once_when_its_container_is_asked_to(
    any_pod: pod_stand.Pod,
) -> None:
    # Kubernetes ends the sidecar only after the function's container has ended.
    any_pod.spawner.terminate()
    assert await any_pod.ended() == (0, 0)


async def test_a_pod_that_gateways_only_look_at_ends_at_once(any_pod: pod_stand.Pod) -> None:
    pod = any_pod
    gateway = await pod.gateway()
    await gateway.welcome()
    pod.spawner.terminate()
    pod.spawner.terminate()
    assert await pod.ended() == (0, 0)
    await gateway.until_closed()


@pytest.mark.parametrize("is_orphan", [False, True])
async def test_a_pod_with_nothing_to_do_ends_at_once(pod: pod_stand.Pod, is_orphan: bool) -> None:
    gateway = await pod.gateway()
    await gateway.function(ECHO)
    await gateway.invoke(await gateway.start())
    if is_orphan:
        gateway.hang_up()
    pod.spawner.terminate()
    assert await pod.ended() == (0, 0)


async def test_a_container_that_has_no_agent_yet_ends_at_once(
    tmp_path: Path, container: pod_stand.Container
) -> None:
    alone = pod_stand.Pod(tmp_path, {}, container)
    try:
        await alone.start_spawner()
        alone.spawner.terminate()
        async with asyncio.timeout(DEADLINE_S):
            # Before it has a say in it, or after.
            assert await alone.spawner.wait() in (0, -signal.SIGTERM)
    finally:
        await alone.close()


async def test_a_container_that_is_to_end_does_not_wait_for_an_agent_that_dies(
    pod: pod_stand.Pod,
) -> None:
    gateway = await pod.gateway()
    await gateway.function(SLOW)
    _ = gateway.invoke_soon(await gateway.start(), 100)
    await pod.until_logged("begun")
    pod.spawner.terminate()
    await pod.until_status("/ready", 503)
    pod.agent.kill()
    assert await pod.ended() == (-signal.SIGKILL, 0)


async def test_a_spent_pod_ends_at_once_whichever_is_asked_first(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    await gateway.function(ECHO)
    pod.agent.kill()
    await pod.ended()
    await pod.start_agent()
    await pod.until_status("/live", 200)
    pod.agent.terminate()
    async with asyncio.timeout(DEADLINE_S):
        assert await pod.agent.wait() == 0


async def test_what_does_not_end_in_time_is_ended(tmp_path: Path) -> None:
    async with pod_stand.pod(tmp_path, INGLENOOK_AGENT_DRAIN_TIMEOUT_S="0.2") as pod:
        gateway = await pod.gateway()
        await gateway.function(SLOW)
        environment = await gateway.start()
        _ = gateway.invoke_soon(environment, 100)
        pod.agent.terminate()
        assert await pod.ended() == (0, 0)
        await gateway.until_closed()
        assert gateway.said(messages.Gone)


async def test_a_spawner_ends_with_its_agent_and_the_pod_never_serves_again(
    pod: pod_stand.Pod,
) -> None:
    gateway = await pod.gateway()
    await gateway.function(ECHO)
    await gateway.start()

    pod.agent.kill()
    assert await pod.ended() == (-signal.SIGKILL, 0)

    await pod.start_agent()
    await pod.until_status("/live", 200)
    assert (await pod.status("/ready"))[0] == 503
    gateway = await pod.gateway()
    assert (await gateway.welcome()).version is None
    assert (await gateway.specialise("0" * 64)).refusal is messages.Refusal.DRAINING
    answer = await gateway.ask(messages.Adopt(id=pod_stand.VERSION))
    assert answer.refusal is messages.Refusal.DRAINING
    await pod.start_spawner()
    assert await pod.spawner.wait() == 0
    pod.agent.terminate()
    assert await pod.agent.wait() == 0


async def test_an_agent_that_dies_unused_comes_back_with_a_new_spawner(pod: pod_stand.Pod) -> None:
    pod.agent.kill()
    assert await pod.ended() == (-signal.SIGKILL, 0)
    await pod.start_agent()
    await pod.start_spawner()
    await pod.until_status("/ready", 200)
    gateway = await pod.gateway()
    await gateway.function(ECHO)


async def test_a_lost_spawner_fails_what_ran_and_ends_the_pod(pod: pod_stand.Pod) -> None:
    gateway = await pod.gateway()
    await gateway.function(SLOW)
    environment = await gateway.start()
    answer = gateway.invoke_soon(environment, 100)
    await pod.until_logged("begun")

    pod.spawner.kill()
    assert (await answer).result.error == "Runtime.ExitError"
    await gateway.until(lambda: bool(gateway.said(messages.Gone)))
    assert await pod.ended() == (0, -signal.SIGKILL)


async def test_metrics_are_shown(pod: pod_stand.Pod) -> None:
    assert (await pod.status("/metrics"))[0] == 200
    assert (await pod.status("/elsewhere"))[0] == 404
