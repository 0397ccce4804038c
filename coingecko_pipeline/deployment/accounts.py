"""The server's databases and accounts, each account with the least that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from coingecko_pipeline.warehouse import Database, StatementRefused, WarehouseError

WAREHOUSE = "coingecko"
SOURCES = (WAREHOUSE, "coinpaprika")
"""A database for each source: the main one, and the schemas beside it."""
STORAGE = "dagster"


@dataclass(frozen=True)
class Account:
    """An account of the server, allowed in from any host: the network decides who comes that far.

    Attributes:
        name: The user's name.
        databases: The databases that it may use.
        privileges: What it may do there.
        purpose: Who uses it.
    """

    name: str
    databases: tuple[str, ...]
    privileges: tuple[str, ...]
    purpose: str


READ_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
ACCOUNTS = (
    # LOAD DATA goes into a temporary table first; it can hold nothing that stays.
    Account("pipeline", SOURCES, (*READ_WRITE, "CREATE TEMPORARY TABLES"), "the runs and the code location"),
    Account(
        "migrator",
        SOURCES,
        (*READ_WRITE, "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES", "CREATE VIEW", "SHOW VIEW"),
        "the tables' versions",
    ),
    Account("dagster", (STORAGE,), ("ALL",), "Dagster's storage, which makes its own tables"),
    Account("reader", SOURCES, ("SELECT",), "analysts"),
)


def create_accounts(server: URL, passwords: Mapping[str, SecretStr]) -> None:
    """Create the databases and accounts that are missing, and give the others their password and privileges again.

    Args:
        server: The server, with an account that may create databases and accounts.
        passwords: By the account's name.

    Raises:
        WarehouseError: The server did not let us in, or did not do as told.
    """
    # Of MySQL's own databases the one that everyone may name.
    database = Database(server.set(database="information_schema").render_as_string(hide_password=False))
    try:
        with database.connect() as connection:
            for name in (*SOURCES, STORAGE):
                connection.exec_driver_sql(f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4")
            for account in ACCOUNTS:
                password = (passwords[account.name].get_secret_value(),)
                user = f"'{account.name}'@'%%'"  # the driver formats each statement
                connection.exec_driver_sql(f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY %s", password)
                connection.exec_driver_sql(f"ALTER USER {user} IDENTIFIED BY %s", password)
                privileges = ", ".join(account.privileges)
                for name in account.databases:
                    connection.exec_driver_sql(f"GRANT {privileges} ON `{name}`.* TO {user}")
    except (DBAPIError, StatementRefused) as error:
        # The driver's words alone: its statement holds a password.
        words = error.orig if isinstance(error, DBAPIError) else error
        raise WarehouseError(
            f"{database.masked_url} did not let {server.username} create the databases and accounts: {words}"
        ) from None
    finally:
        database.dispose()
