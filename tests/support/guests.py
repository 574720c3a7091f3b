"""Functions that are running now, as they themselves tell: each holds a connection while it runs.

A function that ends takes its connection with it before the platform can know; so at no moment are
more present than the platform lets run at once.
"""

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable

PRESENT = """
import socket

def handler(event, context):
    with socket.create_connection(("127.0.0.1", event)) as connection:
        connection.recv(1)
"""


class Guests:
    """Who is here: each function that connects, until it is let go or ends."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._server.getsockname()[1]
        self._bell, self._ringer = socket.socketpair()
        self._present: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.most = 0
        self.total = 0
        self._welcome = threading.Thread(target=self._serve)
        self._welcome.start()

    @property
    def now(self) -> int:
        with self._lock:
            return len(self._present)

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._server, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._bell in ready:
                    return
                # Whoever left before somebody came has been seen to leave by the second look.
                ready |= {key.fileobj for key, _ in selector.select(0)} - {self._server}
                self._see_off(selector, ready - {self._server, self._bell})
                if self._server in ready:
                    self._welcome_one(selector)

    def _see_off(self, selector: selectors.BaseSelector, leaving: set[object]) -> None:
        for connection in leaving:
            assert isinstance(connection, socket.socket)
            selector.unregister(connection)
            with self._lock:
                self._present.discard(connection)
            connection.close()

    def _welcome_one(self, selector: selectors.BaseSelector) -> None:
        connection, _ = self._server.accept()
        selector.register(connection, selectors.EVENT_READ)
        with self._lock:
            self._present.add(connection)
            self.total += 1
            self.most = max(self.most, len(self._present))

    def let_go(self) -> None:
        """Let all that are here return."""
        with self._lock:
            leaving, self._present = self._present, set()
            for connection in leaving:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._ringer.send(b"!")
        self._welcome.join()
        # Those of functions that have gone without being seen off, too.
        here = list(self._present)
        self.let_go()
        for each in (self._server, self._bell, self._ringer, *here):
            each.close()


def soon(holds: Callable[[], bool], within_s: float = 20) -> None:
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)
