"""Descriptors: as many as the machine allows, and what happens when they are used up."""

import concurrent.futures
import contextlib
import json
import resource
import sys
from pathlib import Path

import platform_process
import psutil
import pytest
from platform_process import create

pytestmark = pytest.mark.ours("what happens when the machine itself runs short")

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prlimit is Linux's")

SLOW = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n"


@linux
def test_the_platform_takes_what_it_may_have_and_functions_get_lambdas_limit(
    tmp_path: Path,
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        try:
            platform = stack.enter_context(platform_process.running(tmp_path))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        allowed = psutil.Process(platform.process.pid).rlimit(psutil.RLIMIT_NOFILE)
        assert allowed == (min(hard, 1_048_576), hard)
        client = platform.client()
        code = (
            "import resource\n"
            "def handler(event, context):\n"
            "    return resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        )
        create(client, "f", code)
        assert json.loads(client.invoke(FunctionName="f")["Payload"].read()) == [1024, 1024]


@linux
def test_a_platform_without_a_free_descriptor_runs_on_and_recovers(tmp_path: Path) -> None:
    with (
        platform_process.running(
            tmp_path, variables={"INGLENOOK_GATEWAY_QUEUE_TIMEOUT_S": "5"}
        ) as platform,
        contextlib.closing(platform.client()) as client,
    ):
        for name in ("warm", "cold"):
            create(client, name, SLOW)
        process = psutil.Process(platform.process.pid)
        before = process.rlimit(psutil.RLIMIT_NOFILE)

        def invoke(name: str, seconds: float) -> str | int:
            try:
                answer = client.invoke(FunctionName=name, Payload=json.dumps(seconds).encode())
            except client.exceptions.ServiceException:
                return "refused"
            return int(json.loads(answer["Payload"].read()))

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            # Connections first: they are to be there when descriptors are not.
            assert list(pool.map(invoke, ["warm"] * 16, [0.2] * 16)) == [0] * 16
            running = pool.submit(invoke, "warm", 2.0)
            process.rlimit(psutil.RLIMIT_NOFILE, (process.num_fds(), before[1]))
            answered = list(pool.map(invoke, ["cold"] * 30, [0.0] * 30))
            assert set(answered) <= {0, "refused"}  # spares have all that they need
            assert running.result() == 2
            process.rlimit(psutil.RLIMIT_NOFILE, before)
            assert list(pool.map(invoke, ["cold"] * 16, [0] * 16)) == [0] * 16
