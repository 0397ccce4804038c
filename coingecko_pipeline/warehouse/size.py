"""How much room a database takes."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import column, func, select, table

from coingecko_pipeline.warehouse.database import Database

TABLES = table(
    "tables",
    *(column(name) for name in ("table_schema", "data_length", "index_length", "data_free")),
    schema="information_schema",
)
"""What a server tells of its tables: bytes of rows, of indexes, and free for more; MySQL counts them once a day."""


def read_bytes(database: Database) -> int:
    """The bytes of a database's tables: of a file on SQLite, else as the server estimates them.

    Raises:
        DatabaseUnavailable: the server did not let us in.
    """
    return read_bytes_each(database)[0]


def read_bytes_each(database: Database, *schemas: str) -> Sequence[int]:
    """The bytes of a database's tables, and after them of those of each schema beside it; 0 where one is not there.

    Args:
        database: The database.
        schemas: The schemas.

    Raises:
        DatabaseUnavailable: the server did not let us in.
    """
    names = [each.url.database or "" for each in (database, *map(database.schema, schemas))]
    if database.is_sqlite:
        return [bytes_of_file(Path(name)) for name in names]
    there = TABLES.c
    total = func.sum(there.data_length + there.index_length + there.data_free)
    query = select(there.table_schema, total).where(there.table_schema.in_(names)).group_by(there.table_schema)
    found = {name: int(size or 0) for name, size in database.run_reading(lambda c: c.execute(query).all())}
    return [found.get(name, 0) for name in names]


def bytes_of_file(path: Path) -> int:
    """The bytes of an SQLite file and of what its last commits left beside it; 0 where there is none."""
    there = (path, path.with_name(f"{path.name}-wal"))
    return sum(part.stat().st_size for part in there if part.is_file())
