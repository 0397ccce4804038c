"""Steps that migrations share; each can be taken again after an interruption."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op

from coingecko_pipeline.tables.metadata import metadata


def create_index(table: str, columns: Sequence[str]) -> None:
    """Create an index of a table's columns where it is missing: MySQL has no CREATE INDEX IF NOT EXISTS."""
    name = f"ix_{table}_{'_'.join(columns)}"
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, columns)


def drop_what_the_source_does_not_use() -> None:
    """Of the schema of another source than the main one: drop the tables that are never filled there."""
    used = context.config.attributes.get("tables")
    if used is None:
        return
    bind = op.get_bind()
    for name in sa.inspect(bind).get_table_names():
        # Others in the schema are another program's.
        unused = name in metadata.tables and name not in used
        if unused and bind.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) in (0, None):
            op.drop_table(name)
