"""The database URL: what is accepted, and how it is shown without its password."""

import re
from pathlib import PurePath

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from coingecko_pipeline.warehouse.connect_options import connect_options
from coingecko_pipeline.warehouse.errors import DatabaseUrlError

MYSQL_EXAMPLE = "mysql+pymysql://user:password@host:3306/name"
SQLITE_EXAMPLE = "sqlite:///folder/name.db"
_EXAMPLES = f"Use {MYSQL_EXAMPLE} (MySQL and MariaDB) or {SQLITE_EXAMPLE}"
_UNPARSABLE = (
    "the database URL cannot be parsed (in a user or a password, write @ : / ? # % as %40 %3A %2F %3F %23 %25). "
    f"{_EXAMPLES}"
)

MYSQL_DRIVERS = frozenset({"mysql+pymysql", "mariadb+pymysql"})
SQLITE_DRIVERS = frozenset({"sqlite", "sqlite+pysqlite"})


def parse_database_url(url: str) -> URL:
    """The parsed URL of a database that the warehouse can use.

    MariaDB is spoken to as a MySQL server, whichever of the two names the URL gives it.

    Args:
        url: `mysql+pymysql://user:password@host:3306/name` or `sqlite:///path`.

    Raises:
        DatabaseUrlError: in one sentence, what is wrong with it and what is accepted. The password is not shown.
    """
    if not url or not url.strip():
        raise DatabaseUrlError(f"the database URL is empty. {_EXAMPLES}")
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        # The cause is left out: its message can quote the URL.
        raise DatabaseUrlError(_UNPARSABLE) from None
    if "@" in _after_the_login(url.strip()):
        raise DatabaseUrlError(_UNPARSABLE)  # what seems to be the host holds a password's rest: never show this one
    if parsed.drivername in MYSQL_DRIVERS:
        if not parsed.database:
            raise DatabaseUrlError(f"the database URL {masked(parsed)} names no database. {_EXAMPLES}")
        connect_options(parsed)
        return parsed.set(drivername="mysql+pymysql")
    if parsed.drivername in SQLITE_DRIVERS:
        if parsed.database in (None, "", ":memory:"):
            raise DatabaseUrlError(
                f"the database URL {masked(parsed)} names no file, and a database in memory is lost "
                f"between two connections. {_EXAMPLES}"
            )
        if (parsed.database or "").startswith("~"):
            raise DatabaseUrlError(
                f"the database URL {masked(parsed)} begins with ~, which only a shell reads as the home folder: write "
                f"the path out. {_EXAMPLES}"
            )
        return parsed
    raise DatabaseUrlError(f"the database URL is for {parsed.drivername!r}, which is not supported. {_EXAMPLES}")


def _after_the_login(url: str) -> str:
    """What follows the user and the password of a URL: the host, the database and the options, as they are written."""
    rest = url.partition("://")[2]
    login = re.match(r"[^:/]*(:[^@]*)?@", rest)
    return rest[login.end() :] if login else rest


def url_of_schema(url: URL, schema: str, unprefixed: str | None = None) -> URL:
    """Where the tables of a schema are: a database of its own beside the main one, on the same server or in its folder.

    Its name begins with that of the main database, so that two main ones never share a schema: beside `test` it is
    `test_` and the schema's name.

    Args:
        url: of the main database.
        schema: its name.
        unprefixed: the name of the main database, or the stem of its SQLite file, whose schemas have their plain names.
    """
    if url.get_backend_name() == "sqlite":
        path = PurePath(url.database or "")
        return url.set(database=str(path.with_name(_beside(path.stem, schema, unprefixed) + path.suffix)))
    return url.set(database=_beside(url.database or "", schema, unprefixed))


def _beside(main: str, schema: str, unprefixed: str | None) -> str:
    return schema if main == unprefixed else f"{main}_{schema}"


def masked(url: URL) -> str:
    """The URL as text with `***` in the place of its password and without its query, which can hold one too."""
    return url.set(query={}).render_as_string(hide_password=True)
