"""Someone else's tables, which have nothing to do with coins: the IO manager has to serve them as well."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import Column, Date, Double, Integer, MetaData, Table

from coingecko_pipeline.warehouse import Database, ExactText, Guard, UtcDateTime, read_frame

SHOP = MetaData()

SALES = Table(
    "sales",
    SHOP,
    Column("day", Date, primary_key=True, comment="day of the sale (UTC)"),
    Column("item", ExactText(20), primary_key=True, comment="what was sold"),
    Column("amount", Double, comment="money taken (euro)"),
    Column("version", Integer, nullable=False, comment="the higher wins"),
    info={"guard": Guard("version")},
)
ITEMS = Table(
    "items",
    SHOP,
    Column("item", ExactText(20), primary_key=True),
    Column("colour", ExactText(20)),
)
VISITS = Table(
    "visits",
    SHOP,
    Column("hour", UtcDateTime, primary_key=True),
    Column("visitors", Integer, nullable=False),
)
BRANCHES = Table(
    "branches",
    SHOP,
    Column("region", ExactText(20), primary_key=True),
    Column("town", ExactText(20), primary_key=True),
)


def sales(
    days: Iterable[date], items: Iterable[str] = ("pen", "ink"), amount: float = 1.0, version: int = 1
) -> pd.DataFrame:
    """One row for each day and item."""
    rows = [(day, item, amount, version) for item in items for day in days]
    return pd.DataFrame(rows, columns=["day", "item", "amount", "version"])


def stored(database: Database, table: Table) -> list[tuple[Any, ...]]:
    """All rows of a table in the order of its key, dates as dates."""
    frame = read_frame(database, table)
    if "day" in frame:
        frame["day"] = frame["day"].dt.date
    return list(frame.itertuples(index=False, name=None))
