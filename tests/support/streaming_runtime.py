"""A custom runtime, in Python's standard library alone, that streams what its event tells it to.

The event is an object:

- `steps`: stream, step by step: `["write", text]`, `["bytes", count, piece]`, `["octets"]` (256),
  `["wait"]` (write a port and a newline, go on when somebody has connected to it), `["log", text]`,
  `["sleep", s]`, `["exit", status]`, `["kill"]`, `["close"]` (break off), `["leave"]` (end the
  stream as it should be, and exit without waiting for what is said to it), and what else may be
  asked meanwhile: `["error"]` and `["response"]`, whose status is kept. Then the stream ends, with
  `trailers` (`[name, value]`, `{"base64": text}` for an encoded value) if there are some.
  `type` is the content type, `mode` the response mode.
- `answer`: answer with that value, not streamed; `"said"` stands for the statuses that the API has
  answered since the last such question, `"event"` for the whole event, `"context"` for the client's
- `fail`: report an error with this type and object.
"""

SOURCE = """#!/usr/bin/env python3
import base64, http.client, json, os, signal, socket, sys, time

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime/invocation/"
said = []

def ask(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(API)
    connection.request(method, BASE + path, body, headers)
    response = connection.getresponse()
    return response.status, response.read(), response.headers

class Stream:
    def __init__(self, id, content_type, mode, trailers):
        self.id = id
        self.socket = socket.create_connection(API.split(":"))
        lines = [f"POST {BASE}{id}/response HTTP/1.1", f"Host: {API}", "Transfer-Encoding: chunked",
                 f"Lambda-Runtime-Function-Response-Mode: {mode}"]
        if content_type:
            lines.append(f"Content-Type: {content_type}")
        if trailers:
            lines.append("Trailer: " + ", ".join(name for name, _ in trailers))
        self.socket.sendall("\\r\\n".join([*lines, "", ""]).encode())

    def write(self, data):
        if data:
            self.socket.sendall(b"%x\\r\\n%s\\r\\n" % (len(data), data))

    def end(self, trailers):
        encoded = b""
        for name, value in trailers:
            if isinstance(value, dict):
                value = base64.b64encode(value["base64"].encode()).decode()
            encoded += f"{name}: {value}\\r\\n".encode()
        self.socket.sendall(b"0\\r\\n" + encoded + b"\\r\\n")
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        said.append(response.status)
        self.socket.close()

    def step(self, kind, *arguments):
        if kind == "write":
            self.write(arguments[0].encode())
        elif kind == "bytes":
            left, piece = arguments
            while left:
                self.write(b"x" * min(left, piece))
                left -= min(left, piece)
        elif kind == "octets":
            self.write(bytes(range(256)))
        elif kind == "wait":
            with socket.create_server(("127.0.0.1", 0)) as listener:
                self.write(b"%d\\n" % listener.getsockname()[1])
                listener.accept()[0].close()
        elif kind == "log":
            print(arguments[0], flush=True)
        elif kind == "sleep":
            time.sleep(arguments[0])
        elif kind == "leave":
            self.socket.sendall(b"0\\r\\n\\r\\n")
            os._exit(0)
        elif kind == "exit":
            os._exit(arguments[0])
        elif kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif kind in ("error", "response"):
            said.append(ask("POST", f"{self.id}/{kind}", b"{}")[0])

def stream(id, event):
    trailers = event.get("trailers", [])
    out = Stream(id, event.get("type", "text/plain"), event.get("mode", "streaming"), trailers)
    for step in event["steps"]:
        if step == ["close"]:
            out.socket.close()
            # Whoever notices ends this process; asking for more would be another failure.
            time.sleep(5)
            return
        out.step(*step)
    out.end(trailers)

def run(id, event, headers):
    if "steps" in event:
        try:
            stream(id, event)
        except OSError as error:
            said.append(type(error).__name__)
        return
    if "fail" in event:
        kind, body = event["fail"]
        said.append(ask("POST", id + "/error", json.dumps(body),
                        {"Lambda-Runtime-Function-Error-Type": kind})[0])
        return
    answer = event.get("answer", "event")
    if answer == "said":
        answer = said[:]
        said.clear()
    elif answer == "event":
        answer = event
    elif answer == "context":
        answer = json.loads(headers["Lambda-Runtime-Client-Context"])
    ask("POST", id + "/response", json.dumps(answer))

while True:
    _, event, headers = ask("GET", "next")
    run(headers["Lambda-Runtime-Aws-Request-Id"], json.loads(event), headers)
"""
