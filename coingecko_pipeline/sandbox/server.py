"""The sandbox as a server, in this thread or in another."""

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from .app import create_app
from .endpoints import PREFIX
from .errors import SandboxError
from .gate import Call, Ledger
from .options import SandboxOptions
from .paprika import PREFIX as PAPRIKA_PREFIX

LOOPBACK = "127.0.0.1"
_START_SECONDS = 30.0


class SandboxServer(uvicorn.Server):
    """A uvicorn server that tells when it is ready, and lets go of hanging calls before it stops."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", ws="none", server_header=False)
        )
        self.ready = threading.Event()
        self._ledger: Ledger = app.state.ledger

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to serve: what hangs is let go, what is being answered is finished."""
        self._ledger.end_hanging()
        await super().shutdown(sockets)


def listen(port: int, host: str = LOOPBACK) -> socket.socket:
    """A listening socket, on the loopback interface unless told otherwise.

    Args:
        port: The port, or 0 for any free one.
        host: The address: another one inside a container, whose loopback interface nobody else reaches.

    Raises:
        SandboxError: The port is in use, or not allowed.
    """
    listening = socket.socket()
    # Without it a port stays in use for a minute after a server of before has closed its connections.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise SandboxError(f"Port {port} of {host} cannot be served: {error.strerror}.") from error
    return listening


def base_url(listening: socket.socket) -> str:
    """The URL that takes the place of CoinGecko's own, path included."""
    return _address(listening) + PREFIX


def coinpaprika_url(listening: socket.socket) -> str:
    """The URL that takes the place of CoinPaprika's own, path included."""
    return _address(listening) + PAPRIKA_PREFIX


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()
    return f"http://{host}:{port}"


class RunningSandbox:
    """A context manager that serves a sandbox from a thread of this process.

    Args:
        options: What the sandbox is to be.
        port: The port, or 0 for any free one.

    Raises:
        SandboxError: The options or the port are not possible.
    """

    def __init__(self, options: SandboxOptions | None = None, port: int = 0) -> None:
        app = create_app(options or SandboxOptions())
        self._ledger: Ledger = app.state.ledger
        self._server = SandboxServer(app)
        self._socket = listen(port)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True
        )
        self.url = base_url(self._socket)
        self.coinpaprika_url = coinpaprika_url(self._socket)

    @property
    def calls(self) -> list[Call]:
        """The latest `MOST_CALLS` calls since the start or the last reset, in the order of their answers."""
        return list(self._ledger.calls)

    def reset_calls(self) -> None:
        """Forget the calls; the rate limit and the credits are not forgotten."""
        self._ledger.calls.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._server.ready.wait(_START_SECONDS):
            raise SandboxError(f"The sandbox did not start within {_START_SECONDS:g} seconds.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
