"""How much room a database takes."""

from pathlib import Path

from sqlalchemy import column, func, select, table

from coingecko_pipeline.warehouse.database import Database

TABLES = table(
    "tables",
    *(column(name) for name in ("table_schema", "data_length", "index_length", "data_free")),
    schema="information_schema",
)
"""What a server tells of its tables: bytes of rows, of indexes, and free for more; MySQL counts them once a day."""


def read_bytes(database: Database, *schemas: str) -> int:
    """The bytes of a database's tables: of files on SQLite, else as the server estimates them.

    Args:
        database: The database.
        schemas: The schemas beside it that count too, where they are there.

    Raises:
        DatabaseUnavailable: the server did not let us in.
    """
    names = [each.url.database or "" for each in (database, *map(database.schema, schemas))]
    if database.is_sqlite:
        return sum(bytes_of_file(Path(name)) for name in names)
    there = TABLES.c
    query = select(func.sum(there.data_length + there.index_length + there.data_free)).where(
        there.table_schema.in_(names)
    )
    return int(database.run_reading(lambda connection: connection.scalar(query)) or 0)


def bytes_of_file(path: Path) -> int:
    """The bytes of an SQLite file and of what its last commits left beside it; 0 where there is none."""
    there = (path, path.with_name(f"{path.name}-wal"))
    return sum(part.stat().st_size for part in there if part.is_file())
