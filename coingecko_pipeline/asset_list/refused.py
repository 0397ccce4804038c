"""The table refused_asset_list: the latest list that was refused, until one is taken."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from coingecko_pipeline import tables
from coingecko_pipeline.asset_list.acceptance import RefusedList
from coingecko_pipeline.warehouse import Database

TABLE = tables.refused_asset_list


def read_refused_list(database: Database) -> RefusedList | None:
    """The list that was refused; None where the latest one was taken."""
    query = select(TABLE.c.asset_id, TABLE.c.fetched_at)
    rows = database.run_reading(lambda connection: connection.execute(query).all())
    if not rows:
        return None
    return RefusedList(frozenset(row.asset_id for row in rows), max(row.fetched_at for row in rows))


def keep_refused_list(database: Database, asset_ids: Iterable[str], fetched_at: datetime) -> None:
    """Keep a list that was refused in the place of an earlier one."""
    rows = [{"asset_id": asset_id, "fetched_at": fetched_at} for asset_id in asset_ids]

    def replace(connection: Connection) -> None:
        connection.execute(delete(TABLE))
        connection.execute(insert(TABLE), rows)

    database.run_in_transaction(replace)


def forget_refused_list(database: Database) -> None:
    """Drop the list that was refused, since one was taken."""
    database.run_in_transaction(lambda connection: connection.execute(delete(TABLE)))
