"""Connections to MySQL that stay open for Dagster's storage, which would open one for each of its queries.

Dagster makes its engines without a pool, and new ones for each evaluation of a sensor, so a pool of an engine would not
help. Each connection costs the server and the client a TLS handshake, some 50 ms of processor time. The URL of the
storage names this plugin of SQLAlchemy (`?plugin=kept_connections`, docker/dagster-storage.yaml), and then all engines
of a process borrow from one pool: a connection that the server has closed meanwhile is noticed and replaced.
"""

import os
from functools import lru_cache
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.engine import URL, CreateEnginePlugin

KEPT = 5
"""Connections that a process keeps open: as many as its threads use at once. Others are closed after their use."""

OF_A_POOL = ("pool_size", "max_overflow", "pool_recycle", "pool_timeout", "pool_pre_ping")


class KeptConnections(CreateEnginePlugin):
    """An engine whose connections are those of the process's pool for its URL.

    Args:
        url: Of the engine.
        kwargs: The engine's options; those of a pool are ignored.
    """

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        for name in OF_A_POOL:
            kwargs.pop(name, None)
        lent = url.difference_update_query(["plugin"])
        # The level stays with the connection, and would else be set each time.
        level = kwargs.pop("isolation_level", None)
        kwargs["poolclass"] = NullPool
        kwargs["creator"] = lambda: _lender(lent, level, os.getpid()).raw_connection()

    def update_url(self, url: URL) -> URL:
        """The URL as it is: nothing of it was for this plugin but its name."""
        return url


@lru_cache(maxsize=8)
def _lender(url: URL, isolation_level: str | None, process: int) -> Engine:  # noqa: ARG001 - a fork has none of ours
    """The engine of a process whose pool lends the connections."""
    options = {} if isolation_level is None else {"isolation_level": isolation_level}
    return create_engine(url, pool_size=KEPT, max_overflow=-1, pool_pre_ping=True, pool_use_lifo=True, **options)
