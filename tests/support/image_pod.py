"""A container image and its pod: the image is a folder of this machine.

Its program is a small client of the Runtime API that evaluates what it is sent.
Others can be added.
"""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from support import pod_stand
from support.agent_stand import Answer

from inglenook.wire import messages

URI = "registry.test/app@sha256:0"
APP = """
import os, signal, subprocess, sys, time
def is_alive(pid):
    return os.path.exists(f"/proc/{pid}")
def opened():
    paths = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return [os.readlink(path) for path in paths if os.path.lexists(path)]
def detach(*command):
    # Leaves the session, and its parent at once.
    read, write = os.pipe()
    if not os.fork():
        os.setsid()
        child = os.fork()
        if child:
            os.write(write, str(child).encode())
            os._exit(0)
        os.execvp(command[0], command)
    os.wait()
    return int(os.read(read, 20))
def handler(event, context):
    return eval(event, globals())
"""
CLIENT = """
import http.client, json, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
invocation = "/2018-06-01/runtime/invocation"
while True:
    api.request("GET", invocation + "/next")
    event = api.getresponse()
    result = handler(json.loads(event.read()), None)
    name = event.headers["Lambda-Runtime-Aws-Request-Id"]
    api.request("POST", f"{invocation}/{name}/response", body=json.dumps(result))
    api.getresponse().read()
"""


class Image:
    """The folder that is the image, and its pod."""

    def __init__(self, folder: Path, init: Path) -> None:
        self._folder = folder
        self.installed = folder / "run" / "init"
        self.installed.parent.mkdir()
        self._init = init
        self.program = init.read_bytes()
        self.root = folder / "image"
        (self.root / "bin").mkdir(parents=True)
        self.app = self.add_function("app", APP)

    def add(self, name: str, content: str, mode: int = 0o755) -> str:
        path = self.root / name
        path.write_text(content)
        path.chmod(mode)
        return str(path)

    def add_function(self, name: str, source: str) -> str:
        """Add a program that answers with the `handler` of the source, once that has run."""
        return self.add(f"bin/{name}", f"#!{pod_stand.PYTHON} -IS\n{source}{CLIENT}")

    def pod(self, **variables: str) -> AbstractAsyncContextManager[pod_stand.Pod]:
        return pod_stand.pod(
            self._folder,
            pod_stand.Container(
                command=(str(self.installed),),
                variables={
                    "PATH": f"{self.root}/bin",
                    "FROM_IMAGE": "image",
                    "FROM_BOTH": "image",
                    "KUBERNETES_SERVICE_HOST": "10.0.0.1",
                },
                folder=self.root,
            ),
            INGLENOOK_AGENT_IMAGE=URI,
            INGLENOOK_AGENT_INIT_SOURCE=str(self._init),
            INGLENOOK_AGENT_INIT_FILE=str(self.installed),
            **variables,
        )


async def specialised(
    pod: pod_stand.Pod, *entry_point: str, uri: str = URI, **changes: object
) -> pod_stand.Gateway:
    """Connect to the pod, have it serve the image with that entry point."""
    gateway = await pod.gateway()
    answer = await specialise(gateway, *entry_point, uri=uri, **changes)
    assert isinstance(answer.header, messages.Specialised), answer.header
    return gateway


async def specialise(
    gateway: pod_stand.Gateway, *entry_point: str, uri: str = URI, **changes: object
) -> Answer:
    of_image = {key: changes.pop(key) for key in ("command", "working_directory") if key in changes}
    described = messages.Image(uri=uri, entry_point=list(entry_point), **of_image)  # type: ignore[arg-type]
    return await gateway.specialise("", runtime="", handler="", image=described, **changes)
