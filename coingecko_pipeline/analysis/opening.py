"""The database that is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import OperationalError, ProgrammingError

from coingecko_pipeline import tables
from coingecko_pipeline.analysis.errors import NoDatabase
from coingecko_pipeline.warehouse.database import Database


@contextmanager
def reading(database: Database | str | None = None) -> Iterator[Database]:
    """A database to read from.

    The version of its tables is looked at only where a statement fails, since that takes longer than most answers; an
    SQLite file of an older version is not migrated, as the program does, by one who only asks.

    Args:
        database: One that is open, which stays so; or its URL; by default the one that DATABASE_URL names, in the
            environment or in .env.

    Raises:
        NoDatabase: There is no such SQLite file.
        SettingsError: A setting is malformed.
        WarehouseError: It cannot be reached, or its tables are of another version.
    """
    found = database if isinstance(database, Database) else tables.open_database(database or _url_of_settings())
    try:
        if found.is_sqlite and not Path(found.url.database or "").exists():
            raise NoDatabase(
                f"there is no file {found.url.database}: DATABASE_URL names the database, and coingecko-pipeline daily "
                "or demo fills one"
            )
        try:
            yield found
        except (OperationalError, ProgrammingError):
            tables.MIGRATIONS.assert_current(found)
            raise
    finally:
        if found is not database:
            found.dispose()


def _url_of_settings() -> str:
    # Here, since the settings' library takes as long to import as the rest.
    from coingecko_pipeline.settings import load_settings

    return load_settings().database_url.get_secret_value()
