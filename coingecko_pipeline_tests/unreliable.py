"""A database whose transactions fail as often as a test says, at their end: undone, or done and not told."""

from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from coingecko_pipeline.warehouse import Database

DEADLOCK = pymysql.err.OperationalError(1213, "Deadlock found when trying to get lock; try restarting transaction")
LOST_CONNECTION = pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")


class UnreliableDatabase(Database):
    """Another connection to a database, by a way that fails.

    Args:
        database: Where it leads.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database.url.render_as_string(hide_password=False), sleep=lambda _: None)
        self.deadlocks = 0
        """So many of the next transactions are undone at their end."""
        self.lost_commits = 0
        """So many of the next transactions are committed, and the answer is lost."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            yield connection
            if self.deadlocks:
                self.deadlocks -= 1
                raise OperationalError("COMMIT", {}, DEADLOCK)
        if self.lost_commits:
            self.lost_commits -= 1
            raise OperationalError("COMMIT", {}, LOST_CONNECTION)
