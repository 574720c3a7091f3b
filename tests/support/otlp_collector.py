"""A collector that takes traces by OTLP over HTTP, and keeps them."""

import contextlib
import gzip
import http.server
import threading
from collections.abc import Callable, Iterator

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

_WITHIN_S = 20.0


class Collector:
    """What has come so far."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.status = 200
        self.resources: list[dict[str, str]] = []
        self.requests = 0
        self._spans: list[trace_pb2.Span] = []
        self._changed = threading.Condition(threading.RLock())

    def take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        request = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
        with self._changed:
            self.requests += 1
            if self.status == 200:
                for of_resource in request.resource_spans:
                    self.resources.append(
                        {one.key: one.value.string_value for one in of_resource.resource.attributes}
                    )
                    for scope in of_resource.scope_spans:
                        self._spans.extend(scope.spans)
            self._changed.notify_all()

    def of(self, trace_id: str) -> list[trace_pb2.Span]:
        """Return the spans of a trace so far."""
        with self._changed:
            return [span for span in self._spans if span.trace_id.hex() == trace_id]

    def wait(self, holds: Callable[[], bool]) -> None:
        """Wait until something has come that makes `holds` true."""
        with self._changed:
            assert self._changed.wait_for(holds, _WITHIN_S)

    def wait_for(self, trace_id: str, name: str) -> dict[str, trace_pb2.Span]:
        """Return the spans of a trace by name, once one of the given name has come."""
        self.wait(lambda: any(span.name == name for span in self.of(trace_id)))
        return {span.name: span for span in self.of(trace_id)}


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Listen until the block ends."""
    collector = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.take(self.path, body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
