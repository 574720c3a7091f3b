"""What keeps a function to itself: processes, system calls, files; and what it can do all the same.

Most cases give a piece of code to one function that runs whatever it is given.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import platform_process
import pytest
from platform_process import create

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

pytestmark = pytest.mark.aws("dg/lambda-runtime-environment.html")

RUNNER = """
import textwrap

def handler(event, context):
    scope = {}
    exec(textwrap.dedent(event), scope)
    return scope.get('answer')
"""

Run = Callable[[str], Any]


def answer_of(client: "LambdaClient", name: str, code: object) -> Any:
    response = client.invoke(FunctionName=name, Payload=json.dumps(code).encode())
    return json.loads(response["Payload"].read())


@pytest.fixture(scope="module")
def run(client: "LambdaClient", named: Callable[[str], str]) -> Iterator[Run]:
    """Run code in an environment; return what it called `answer`."""
    name = named("runs-code")
    create(client, name, RUNNER, MemorySize=2048, Timeout=60)
    yield lambda code: answer_of(client, name, code)
    client.delete_function(FunctionName=name)


@pytest.fixture
def is_sandboxed(task_root: str) -> None:
    if task_root != "/var/task":
        pytest.skip("no sandbox here")


def said(error: Any) -> str:
    """Return an error's message without the request it names."""
    message: str = error["errorMessage"]
    return message.partition(" Error: ")[2]


# Processes.


@pytest.mark.ours("on AWS other processes are the service's own")
def test_a_function_sees_no_processes_but_its_own(run: Run, is_sandboxed: None) -> None:
    seen = run(
        """
        import os, subprocess
        child = subprocess.Popen(['sleep', '30'])
        pids = sorted(int(name) for name in os.listdir('/proc') if name.isdigit())
        answer = [pids, os.getpid(), child.pid]
        child.kill()
        child.wait()
        """
    )
    pids, own, child = seen
    assert pids == [1, own, child]


@pytest.mark.ours("the process that must not be reached is our platform's")
@pytest.mark.parametrize("what", ["os.kill(PID, 0)", "os.getpgid(PID)", "os.listdir('/proc/PID')"])
def test_the_platforms_process_does_not_exist_for_a_function(
    what: str, run: Run, platform: platform_process.Platform, is_sandboxed: None
) -> None:
    call = what.replace("PID", str(platform.process.pid))
    found = run(f"import os\ntry:\n    answer = {call}\nexcept OSError as e:\n    answer = e.errno")
    assert found in (3, 2)  # ESRCH, ENOENT


@pytest.mark.ours("it must not hurt our platform and its other environments")
def test_killing_all_that_it_may_kill_kills_nobody_else(
    client: "LambdaClient",
    name: str,
    run: Run,
    platform: platform_process.Platform,
    is_sandboxed: None,
) -> None:
    create(client, name, RUNNER)
    count = "import builtins\nbuiltins.count = answer = getattr(builtins, 'count', 0) + 1"
    before = run(count)
    # It does so only where it can be seen that nobody else is there: else the machine would end.
    tried = answer_of(
        client,
        name,
        "import os\nalone = sorted(p for p in os.listdir('/proc') if p.isdigit()) == ['1', '2']\n"
        "answer = 'not alone'\nif alone:\n"
        "    try:\n        answer = os.kill(-1, 9)\n"
        "    except OSError as error:\n        answer = error.errno",
    )
    assert tried in (None, 3)
    assert platform.process.poll() is None
    assert run(count) == before + 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGUSR1])
def test_a_function_can_kill_itself_by_any_signal(
    number: signal.Signals, client: "LambdaClient", name: str
) -> None:
    create(client, name, RUNNER)
    words = {
        signal.SIGKILL: "killed",
        signal.SIGTERM: "terminated",
        signal.SIGSEGV: "segmentation fault",
        signal.SIGUSR1: "user defined signal 1",
    }
    ended = answer_of(client, name, f"import os\nos.kill(os.getpid(), {int(number)})")
    assert ended["errorType"] == "Runtime.ExitError"
    assert said(ended) == f"Runtime exited with error: signal: {words[number]}"


def test_a_process_left_running_is_there_at_the_next_event(run: Run) -> None:
    run("import builtins, subprocess\nbuiltins.left = subprocess.Popen(['sleep', '300'])")
    code = "import builtins\nanswer = builtins.left.poll()\nbuiltins.left.kill()"
    assert run(f"{code}\nbuiltins.left.wait()") is None


def test_a_daemon_ends_with_its_environments_process(
    client: "LambdaClient", name: str, is_sandboxed: None
) -> None:
    create(client, name, RUNNER, Timeout=2)
    late = answer_of(
        client,
        name,
        "import subprocess, time\n"
        "subprocess.Popen(['sleep', '4321'], start_new_session=True)\ntime.sleep(60)",
    )
    assert late["errorType"] == "Sandbox.Timedout"
    looking = (
        "import glob\nanswer = 0\nfor path in glob.glob('/proc/[0-9]*/cmdline'):\n"
        "    try:\n        answer += b'4321' in open(path, 'rb').read()\n"
        "    except OSError:\n        pass"
    )
    assert answer_of(client, name, looking) == 0


def test_orphans_are_buried(run: Run, is_sandboxed: None) -> None:
    run(
        """
        import os
        child = os.fork()
        if not child:
            if not os.fork():
                os._exit(0)
            os._exit(0)
        os.waitpid(child, 0)
        """
    )
    states = run(
        """
        import glob, time
        for _ in range(100):
            answer = 0
            for path in glob.glob('/proc/[0-9]*/stat'):
                try:
                    answer += ') Z ' in open(path).read()
                except OSError:
                    pass
            if not answer:
                break
            time.sleep(0.01)
        """
    )
    assert states == 0


@pytest.mark.aws("dg/gettingstarted-limits.html")
@pytest.mark.parametrize("what", ["processes", "threads"])
def test_processes_and_threads_are_1024_together(what: str, run: Run, is_sandboxed: None) -> None:
    started = run(
        f"""
        import subprocess, threading
        end, made = threading.Event(), []
        try:
            while len(made) < 1200:
                if {what!r} == 'threads':
                    one = threading.Thread(target=end.wait)
                    one.start()
                else:
                    one = subprocess.Popen(['sleep', '300'])
                made.append(one)
        except (OSError, RuntimeError) as error:
            refusal = type(error).__name__
        else:
            refusal = None
        answer = [len(made), refusal]
        end.set()
        for one in made:
            if {what!r} == 'threads':
                one.join()
            else:
                one.kill()
                one.wait()
        """
    )
    assert 900 < started[0] < 1024
    assert started[1] == {"processes": "BlockingIOError", "threads": "RuntimeError"}[what]


# System calls.

CALLS = {
    "ptrace": (101, 0, 0, 0, 0), "pivot_root": (155, b"/tmp", b"/tmp"), "acct": (163, None),
    "settimeofday": (164, None, None), "mount": (165, b"none", b"/tmp", b"tmpfs", 0, None),
    "umount2": (166, b"/tmp", 2), "swapon": (167, b"/tmp/x", 0), "reboot": (169, 0, 0, 0, None),
    "sethostname": (170, b"x", 1), "init_module": (175, None, 0, b""),
    "quotactl": (179, 0, None, 0, None), "kexec_load": (246, 0, 0, None, 0),
    "add_key": (248, b"user", b"x", b"x", 1, -3), "keyctl": (250, 0, -3, 0),
    "unshare a user namespace": (272, 0x10000000), "unshare mounts": (272, 0x20000),
    "clone a user namespace": (56, 0x10000011, 0, 0, 0, 0),
    "perf_event_open": (298, None, 0, -1, -1, 0), "open_by_handle_at": (304, -1, None, 0),
    "setns": (308, 0, 0), "process_vm_readv": (310, 1, None, 0, None, 0, 0),
    "bpf": (321, 0, None, 0), "userfaultfd": (323, 0), "io_uring_setup": (425, 1, None),
    "fsopen": (430, b"tmpfs", 0), "mount_setattr": (442, -100, b"/tmp", 0, b"\1" + bytes(31), 32),
}  # fmt: skip


@pytest.mark.ours("AWS does not say which calls it refuses")
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are x86-64's")
@pytest.mark.parametrize("call", CALLS)
def test_what_is_the_kernels_own_business_is_refused(
    call: str, run: Run, is_sandboxed: None
) -> None:
    got = run(
        f"""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        answer = [libc.syscall(*{CALLS[call]!r}), ctypes.get_errno()]
        """
    )
    assert got == [-1, 1]  # EPERM


@pytest.mark.ours("AWS does not say which calls it refuses")
def test_clone3_is_absent_so_that_c_libraries_use_clone(run: Run, is_sandboxed: None) -> None:
    code = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    assert run(f"{code}answer = [libc.syscall(435, None, 0), ctypes.get_errno()]") == [-1, 38]


@pytest.mark.ours("AWS does not say what its processes may do")
def test_it_has_no_privilege_and_cannot_gain_any(run: Run, is_sandboxed: None) -> None:
    status = run(
        "lines = open('/proc/self/status').read().splitlines()\n"
        "answer = dict(line.split(':', 1) for line in lines)"
    )
    assert {status[f"Cap{kind}"].strip(" \t0") for kind in ("Inh", "Prm", "Eff")} == {""}
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"


# Files.


@pytest.mark.parametrize("folder", ["/var/task", "/opt", "/etc", "/", "/var"])
def test_only_tmp_can_be_written(folder: str, run: Run, is_sandboxed: None) -> None:
    code = f"try:\n    open('{folder}/x', 'w')\nexcept OSError as error:\n    answer = error.errno"
    assert run(code) in (30, 13)  # EROFS, EACCES


@pytest.mark.ours("AWS does not say which devices there are")
def test_there_are_no_devices_but_harmless_ones(run: Run, is_sandboxed: None) -> None:
    assert set(run("import os\nanswer = os.listdir('/dev')")) <= {
        "null", "zero", "full", "random", "urandom", "tty", "fd", "stdin", "stdout", "stderr",
    }  # fmt: skip


# What works all the same.

WORKS = {
    "processes and pipes": """
        import multiprocessing
        context = multiprocessing.get_context('fork')
        ours, theirs = context.Pipe()
        def work(end):
            end.send(6 * 7)
        one = context.Process(target=work, args=(theirs,))
        one.start()
        answer = ours.recv()
        one.join()
        """,
    "threads": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(8) as pool:
            answer = sum(pool.map(int, ['6'] * 7))
        """,
    "shell pipelines": """
        import subprocess
        answer = int(subprocess.check_output('echo 40 2 | tr " " + | cat', shell=True).decode()
            .replace('+', ' ').split()[0]) + 2
        """,
    "asyncio's subprocesses": """
        import asyncio, sys
        async def main():
            one = await asyncio.create_subprocess_exec(
                sys.executable, '-c', 'print(42)', stdout=asyncio.subprocess.PIPE)
            return (await one.communicate())[0]
        answer = int(asyncio.run(main()))
        """,
    "sockets": """
        import socket
        server = socket.create_server(('127.0.0.1', 0))
        one = socket.create_connection(server.getsockname())
        other, _ = server.accept()
        one.sendall(b'42')
        answer = int(other.recv(2))
        for each in (one, other, server):
            each.close()
        """,
    "names": """
        import socket
        answer = 42 if socket.getaddrinfo('localhost', 80) else None
        """,
    "shared memory of one's own": """
        import mmap, os
        memory = mmap.mmap(-1, 4096)
        child = os.fork()
        if not child:
            memory[0] = 42
            os._exit(0)
        os.waitpid(child, 0)
        answer = memory[0]
        """,
    "devices": """
        with open('/dev/null', 'w') as null, open('/dev/urandom', 'rb') as random:
            null.write('x')
            answer = len(random.read(42))
        """,
    "signals among one's own": """
        import signal, subprocess
        one = subprocess.Popen(['sleep', '300'])
        one.send_signal(signal.SIGTERM)
        answer = 42 if one.wait() == -signal.SIGTERM else None
        """,
    "a Python of its own": """
        import subprocess, sys
        answer = int(subprocess.check_output([sys.executable, '-c', 'import json, ssl; print(42)']))
        """,
    "standard output by its name": """
        with open('/dev/stdout', 'w') as out:
            out.write('written by name\\n')
        answer = 42
        """,
}


@pytest.mark.parametrize("what", WORKS)
def test_what_functions_commonly_do_works(what: str, run: Run) -> None:
    assert run(WORKS[what]) == 42


@pytest.mark.aws("dg/lambda-python.html")
def test_there_is_no_shared_memory_for_locks_of_processes(run: Run, is_sandboxed: None) -> None:
    code = (
        "import multiprocessing\ntry:\n    multiprocessing.Lock()\n    answer = 'a lock'\n"
        "except OSError as error:\n    answer = 'refused'"
    )
    assert run(code) == "refused"
