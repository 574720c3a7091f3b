"""What functions tell that they ran: `POST /ID` counts, `GET /` answers all counts as JSON.

Runs in a pod of its own, which no scenario kills, so that nothing that happens to the platform can
make it forget.
"""

import collections
import http.server
import json
import threading

COUNTS: "collections.Counter[str]" = collections.Counter()
LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        with LOCK:
            COUNTS[self.path.lstrip("/")] += 1
        self._answer(b"{}")

    def do_GET(self) -> None:
        with LOCK:
            body = json.dumps(COUNTS).encode()
        self._answer(body)

    def do_DELETE(self) -> None:
        with LOCK:
            COUNTS.clear()
        self._answer(b"{}")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of single requests."""


class Server(http.server.ThreadingHTTPServer):
    """A server that many may knock at, at once."""

    request_queue_size = 1024


if __name__ == "__main__":
    Server(("", 8080), Handler).serve_forever()
