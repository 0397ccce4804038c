"""A webhook on loopback that keeps what is posted to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = "T0SECRET/B0SECRET/not-to-be-shown"
"""The path of the webhooks of the tests."""


@dataclass
class Webhook:
    """A webhook and what it received.

    Attributes:
        url: Its address.
        bodies: The bodies that were posted, in order.
        types: Their content types.
        asked: How often it was asked for without a body.
    """

    url: str
    bodies: list[bytes] = field(default_factory=list)
    types: list[str | None] = field(default_factory=list)
    asked: int = 0


@contextmanager
def receiving(answer: bytes = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok") -> Iterator[Webhook]:
    """A webhook that is up for the time of the block.

    Args:
        answer: What it answers, from the status line on.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            received.asked += 1
            self.wfile.write(answer)

        def do_POST(self) -> None:
            received.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            received.types.append(self.headers["Content-Type"])
            self.wfile.write(answer)

        def log_message(self, *_args: object) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        received = Webhook(f"http://127.0.0.1:{server.server_port}/services/{SECRET}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()
