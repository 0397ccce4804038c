"""A real server behind a TCP proxy on loopback, whose connections a test cuts and mends."""

import math
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

from sqlalchemy.engine import URL

LOOPBACK = "127.0.0.1"
_CHUNK = 65_536


class FlakyServer:
    """The way to a server: cut at first, and whenever a test says so.

    Args:
        server: the URL of the server at its other end.
    """

    def __init__(self, server: URL) -> None:
        self._target = (server.host or LOOPBACK, server.port or 3306)
        self._changing = threading.Lock()
        self._proxy = _Proxy(0, None)
        self.url = server.set(host=LOOPBACK, port=self._proxy.server_address[1])
        """The server's URL by this way."""

    def mend(self) -> None:
        """Let everyone through."""
        self._change(self._target).listen()

    def cut(self) -> None:
        """End every connection and refuse new ones, as a host does whose server has stopped."""
        self._change(None)

    def cut_but_accept(self) -> None:
        """End every connection, accept new ones and close them at once, as Docker's proxy does for such a server."""
        self._change(None).listen()

    def cut_after(self, count: int) -> None:
        """Cut as soon as `count` bytes more were sent to the server."""
        self._proxy.when_sent(count, self.cut)

    def close(self) -> None:
        """End every connection and give the port back."""
        self._change(None).server_close()

    def _change(self, target: tuple[str, int] | None) -> "_Proxy":
        with self._changing:
            old = self._proxy
            old.stop_listening()
            # Bound and not yet listening: it refuses connections, and nobody else gets the port.
            self._proxy = _Proxy(old.server_address[1], target)
            old.end_connections()
            return self._proxy


class _Proxy(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, target: tuple[str, int] | None) -> None:
        super().__init__((LOOPBACK, port), _Way, bind_and_activate=False)
        # A small buffer: a client that sends much is still sending when it is cut.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _CHUNK)
        self.server_bind()
        self.target = target
        self._listening: threading.Thread | None = None
        self._lock = threading.Lock()
        self._connected: list[socket.socket] | None = []
        self._bytes_left = math.inf
        self._then: Callable[[], None] = lambda: None

    def listen(self) -> None:
        self.server_activate()
        self._listening = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._listening.start()

    def stop_listening(self) -> None:
        if self._listening is not None:
            self.shutdown()
            self._listening.join()
        self.server_close()

    def when_sent(self, count: int, then: Callable[[], None]) -> None:
        with self._lock:
            self._bytes_left, self._then = count, then

    def sent(self, count: int) -> None:
        with self._lock:
            before = self._bytes_left
            self._bytes_left -= count
        if before > 0 >= self._bytes_left:
            self._then()

    def add(self, *sockets: socket.socket) -> None:
        with self._lock:
            if self._connected is not None:
                self._connected.extend(sockets)
                return
        _end(*sockets)

    def end_connections(self) -> None:
        with self._lock:
            connected, self._connected = self._connected or [], None
        _end(*connected)


class _Way(BaseRequestHandler):
    """One connection of a client, and the one to the server that belongs to it."""

    server: _Proxy

    def handle(self) -> None:
        if self.server.target is None:
            return
        client = self.request
        with socket.create_connection(self.server.target) as server:
            self.server.add(client, server)
            back = threading.Thread(target=_copy, args=(server, client, lambda _: None), daemon=True)
            back.start()
            _copy(client, server, self.server.sent)
            back.join()


def _copy(source: socket.socket, sink: socket.socket, tell: Callable[[int], None]) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            tell(len(data))
            sink.sendall(data)
    _end(source, sink)


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
