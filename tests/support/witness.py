"""A pod that functions tell when they begin and end, so that it knows how many run at once.

A function leaves, and hears that it has left, before it answers: what is counted is never more than
what runs. Functions reach the witness by its address, tests through the API server.
"""

import contextlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from support.kubernetes_cluster import PLATFORM, kubectl

PORT = 8080

VISIT = """
import http.client
import os

def tell(at, method, path):
    connection = http.client.HTTPConnection(at, timeout=240)
    connection.request(method, path)
    connection.getresponse().read()
    connection.close()

def handler(event, context):
    tell(event["at"], "POST", "/enter")
    try:
        if event.get("how") == "stays":
            tell(event["at"], "GET", "/opened")
        if event.get("how") == "fails":
            raise RuntimeError("as asked")
    finally:
        tell(event["at"], "POST", "/leave")
    return os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
"""
"""A function that is seen by the witness. `stays`: until the witness is opened."""

_PROGRAM = """
import http.server, json, threading

changed = threading.Condition()
state = {"here": 0, "most": 0, "total": 0, "open": False}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with changed:
            if self.path == "/enter":
                state["here"] += 1
                state["total"] += 1
                state["most"] = max(state["most"], state["here"])
            elif self.path == "/leave":
                state["here"] -= 1
            else:
                state["open"] = self.path == "/open"
            changed.notify_all()
        self.answer()

    def do_GET(self):
        with changed:
            if self.path == "/opened":
                changed.wait_for(lambda: state["open"], 200)
            if self.path.startswith("/until/"):
                changed.wait_for(lambda: state["here"] == int(self.path[7:]), 50)
        self.answer()

    def answer(self):
        with changed:
            body = json.dumps(state).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024

Server(("", 8080), Handler).serve_forever()
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the witness has seen."""

    here: int
    """How many run now."""
    most: int
    """How many ran at once at most."""
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """The pod."""

    name: str
    namespace: str
    address: str
    """Where functions find it: `event["at"]`."""

    def seen(self) -> Seen:
        return _seen(kubectl("get", "--raw", self._path("now")))

    def until(self, here: int, *, attempts: int = 1) -> None:
        """Wait until exactly so many run, 50 s at each attempt. Raises TimeoutError."""
        for _ in range(attempts):
            found = _seen(kubectl("get", "--raw", self._path(f"until/{here}")))
            if found.here == here:
                return
        raise TimeoutError(f"{found.here} run, not {here}")

    def open(self) -> None:
        """Let those go that stay, and all that come."""
        _ = kubectl("create", "--raw", self._path("open"), "--filename=-", text="{}")

    def shut(self) -> None:
        _ = kubectl("create", "--raw", self._path("shut"), "--filename=-", text="{}")

    def _path(self, what: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}:{PORT}/proxy/{what}"


def _seen(page: str) -> Seen:
    read = json.loads(page)
    return Seen(here=read["here"], most=read["most"], total=read["total"])


@contextlib.contextmanager
def witness(namespace: str) -> Iterator[Witness]:
    """Have a witness in a namespace, of the image that the gateways have."""
    name = f"e2e-witness-{uuid.uuid4().hex[:10]}"
    of = ("deployment/inglenook-gateway", "--namespace", PLATFORM, "--output=json")
    gateway = json.loads(kubectl("get", *of))["spec"]["template"]["spec"]
    [container] = gateway["containers"]
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "imagePullSecrets": gateway.get("imagePullSecrets") or [],
        "containers": [
            {
                "name": "witness",
                "image": container["image"],
                "imagePullPolicy": container["imagePullPolicy"],
                "command": ["python", "-c", _PROGRAM],
                "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1},
                # As much as the gateways have: else functions wait for it while those are busy.
                "resources": {"requests": {"cpu": "500m"}},
            }
        ],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    within = ("--namespace", namespace)
    _ = kubectl("apply", *within, "--filename=-", text=json.dumps(pod))
    try:
        _ = kubectl("wait", f"pod/{name}", *within, "--for=condition=Ready", "--timeout=60s")
        ip = kubectl("get", "pod", name, *within, "--output=jsonpath={.status.podIP}")
        host = f"[{ip}]" if ":" in ip else ip
        yield Witness(name=name, namespace=namespace, address=f"{host}:{PORT}")
    finally:
        _ = kubectl("delete", "pod", name, *within, "--wait=false", "--ignore-not-found")
