"""Stored rows beside the same rows made again, inside the database: no row comes through Python but the examples.

Equal is equal bit for bit, but for the columns of `ROUNDED`: sums of doubles, whose last digits tell in which order
they were added up and with which date a running total began.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    FromClause,
    MetaData,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    true,
)

from coingecko_pipeline import tables
from coingecko_pipeline.market.differences import EXAMPLES, Kind, RowDifferences
from coingecko_pipeline.measures.making import CoinPiece, DatedPiece
from coingecko_pipeline.measures.working_set import rows_stored

ADDED_UP = 1e-11
"""Sums of some ten thousand doubles of one sign differ by less than this share of themselves, whatever the order."""
RUNNING_TOTAL = 2e-9
"""What is taken as the difference of two running totals is off by less than half of this share of itself, see
`returns.LEAST_SHARE`, and each of two totals that began on other dates to another side."""

_RETURNS, _WHOLE = tables.daily_returns.c, tables.global_market_daily.c
ROUNDED: Mapping[Column[Any], float] = {
    tables.weekly_market.c.volume_24h_mean_usd: ADDED_UP,
    tables.monthly_market.c.volume_24h_mean_usd: ADDED_UP,
    **{column: ADDED_UP for column in _WHOLE if isinstance(column.type, Double)},
    _RETURNS.volatility_30d: RUNNING_TOTAL,
    _RETURNS.moving_average_7d_usd: RUNNING_TOTAL,
    _RETURNS.moving_average_30d_usd: RUNNING_TOTAL,
}
"""Of these columns a difference is one that is larger than this share of the value."""


@dataclass(frozen=True)
class _Rows:
    """Some rows of a table.

    Attributes:
        table: The table, in which one of them is found by its key.
        source: From where they are all read.
        which: Which rows of that; all by default.
    """

    table: Table
    source: FromClause
    which: ColumnElement[bool] = field(default_factory=true)


def compare_and_mend(connection: Connection, piece: CoinPiece | DatedPiece) -> RowDifferences:
    """What differs between the stored rows of a piece and those that it makes, and that is then written.

    Args:
        connection: In a transaction: roll it back where nothing is to change. After an error it must not be used again.
        piece: Its rows.
    """
    table = piece.query.table if isinstance(piece, CoinPiece) else piece.table
    beside = _beside(table)
    beside.create(connection, checkfirst=False)
    if isinstance(piece, CoinPiece):
        with piece.prepared(connection) as query:
            connection.execute(beside.insert().from_select(beside.c.keys(), query))
            found = _compare(connection, table, _Rows(beside, beside), _Rows(table, rows_stored(table)))
            if not found.is_clean:
                piece.write(connection)
    else:
        of_dates = and_(table.primary_key.columns[0].between(*piece.dates), piece.which)
        which = and_(of_dates, table.c.asset_id.in_(piece.coin_ids)) if piece.coin_ids else of_dates
        connection.execute(beside.insert().from_select(beside.c.keys(), select(table).where(which)))
        piece(connection)
        found = _compare(connection, table, _Rows(table, table, which), _Rows(beside, beside))
    temporary = "" if connection.dialect.name == "sqlite" else "TEMPORARY "
    connection.exec_driver_sql(f"DROP {temporary}TABLE {beside}")
    return found


@cache
def _beside(table: Table) -> Table:
    # Once for each: of a table object that is new SQLAlchemy compiles, and keeps, each statement anew.
    columns = [Column(column.name, column.type, primary_key=column.primary_key) for column in table.columns]
    return Table("rows_beside", MetaData(), *columns, prefixes=["TEMPORARY"], mysql_charset="utf8mb4")


def _compare(connection: Connection, declared: Table, made: _Rows, stored: _Rows) -> RowDifferences:
    # Each statement names each table once: MySQL opens a temporary one no second time.
    lacks, differs = _lacks(stored.table), _differ(declared, made.table, stored.table)
    both = made.source.outerjoin(stored.table, _same_key(made.table, stored.table))
    counts: Select[Any] = select(
        func.count(), func.count(case((lacks, 1))), func.count(case((and_(~lacks, differs), 1)))
    )
    rows, missing, different = connection.execute(counts.select_from(both).where(made.which)).one()
    total = select(func.count()).select_from(stored.source).where(stored.which)
    found = RowDifferences(connection.execute(total.prefix_with("STRAIGHT_JOIN", dialect="mysql")).scalar_one())
    beyond = stored.source.outerjoin(made.table, _same_key(stored.table, made.table))
    examples: Mapping[Kind, tuple[int, Table, FromClause, ColumnElement[bool]]] = {
        "missing": (missing, made.table, both, and_(made.which, lacks)),
        "different": (different, made.table, both, and_(made.which, ~lacks, differs)),
        "surplus": (found.rows - (rows - missing), stored.table, beyond, and_(stored.which, _lacks(made.table))),
    }
    for kind, (number, named, source, which) in examples.items():
        if number:
            keys = [named.c[key.name] for key in declared.primary_key.columns]
            query = select(*keys).select_from(source).where(which).limit(EXAMPLES)
            found.count(kind, number, _told(connection.execute(query).all()))
    return found


def _told(keys: Collection[Sequence[Any]]) -> list[str]:
    return [" on ".join(str(part) for part in reversed(key)) for key in keys]


def _same_key(one: Table, other: Table) -> ColumnElement[bool]:
    return and_(*(column == other.c[column.name] for column in one.primary_key.columns))


def _lacks(table: Table) -> ColumnElement[bool]:
    """That an outer join found no row in a table."""
    return table.primary_key.columns[0].is_(None)


def _differ(declared: Table, made: Table, stored: Table) -> ColumnElement[bool]:
    return or_(
        *(
            _differs(made.c[column.name], stored.c[column.name], ROUNDED.get(column))
            for column in declared.columns
            if not column.primary_key
        )
    )


def _differs(made: ColumnElement[Any], stored: ColumnElement[Any], share: float | None) -> ColumnElement[bool]:
    distinct: ColumnElement[bool] = made.is_distinct_from(stored)
    if share is not None:
        far = func.abs(made - stored) > share * func.abs(made)
        return and_(distinct, or_(made.is_(None), stored.is_(None), far))
    if isinstance(made.type, Double):
        # Of the numbers that are equal 0 and -0 alone have other bits.
        return or_(distinct, and_(made == 0, cast(made, String) != cast(stored, String)))
    return distinct
