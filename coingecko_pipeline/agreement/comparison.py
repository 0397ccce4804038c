"""How far two sources agree: computed inside the database."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, MetaData, Row, Select, and_, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import MAIN_SOURCE, Change, followed_number
from coingecko_pipeline.measures import (
    ALWAYS,
    CoinQuery,
    Comparing,
    DerivedDifferences,
    Followed,
    Log,
    Plan,
    Span,
    ToMake,
    follow,
    merged,
    verify_table,
)
from coingecko_pipeline.measures.memory import DEFAULT_MEGABYTES
from coingecko_pipeline.measures.working_set import STANDS_FOR, coins_made, dates_read
from coingecko_pipeline.tables.agreement import AMBIGUOUS, asset_pairs, source_agreement
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.column_inputs import Inputs, column_inputs

LARGEST = 100
"""Of each date so many coins, the largest by CoinGecko's market cap, are expected to agree."""
PRICE_AGREES = 0.02
"""A price that differs by a larger fraction is a disagreement: two readings a few minutes apart differ by less."""

DIFFERENCES = {
    "price_difference": "price_usd",
    "volume_difference": "volume_24h_usd",
    "market_cap_difference": "market_cap_usd",
}
"""The column of daily_market that each difference is of."""


@dataclass(frozen=True)
class LargestCoin:
    """One of the largest coins on one date.

    Attributes:
        day: The date.
        asset_id: CoinGecko's id.
        rank: Its place by CoinGecko's market cap on that date, from 1.
        price_usd: CoinGecko's price.
        price_difference: Of the other source's price (fraction); None where it was not compared.
    """

    day: date
    asset_id: str
    rank: int
    price_usd: float | None
    price_difference: float | None

    @property
    def disagrees(self) -> bool:
        """Whether the prices were compared and differ by more than `PRICE_AGREES`."""
        return self.price_difference is not None and abs(self.price_difference) > PRICE_AGREES


def follow_agreement(
    database: Database,
    source: str,
    now: datetime,
    *,
    rebuild: Span | None = None,
    megabytes: int = DEFAULT_MEGABYTES,
) -> Followed:
    """Bring source_agreement up to date with both markets and with the pairs; see `measures.follow`.

    Args:
        database: The main one.
        source: The other source's name, which is that of its schema.
        now: The current UTC time, aware.
        rebuild: Compare these dates again.
        megabytes: Memory for each intermediate table of the database.
    """
    reading, logs, plan = _followed(database, source)
    return follow(reading, source_agreement.name, logs, plan, now, rebuild=rebuild, megabytes=megabytes)


def verify_agreement(database: Database, source: str, options: Comparing) -> DerivedDifferences:
    """Compare source_agreement with what both markets and the pairs make again; see `measures.verify_table`.

    Args:
        database: The main one.
        source: The other source's name, which is that of its schema, untouched where nothing ever was compared.
        options: What is compared, and how.
    """
    if followed_number(database, source_agreement.name, source) is None:
        return DerivedDifferences(was_made=False)
    reading, logs, plan = _followed(database, source)
    return verify_table(reading, source_agreement.name, logs, plan, options)


def _followed(database: Database, source: str) -> tuple[Database, Sequence[Log], Plan]:
    """The database that reads both sources, what the agreement follows, and how."""
    other = database.schema(source)
    reading, qualifier = database.reading(source)
    logs = [
        Log(MAIN_SOURCE, database, tables.daily_market.name),
        Log(MAIN_SOURCE, database, asset_pairs.name),
        Log(source, other, tables.daily_market.name),
    ]
    return reading, logs, partial(_plan, reading, other, qualifier)


def _plan(reading: Database, other: Database, qualifier: str, changes: Sequence[Change], _now: datetime) -> ToMake:
    """The dates that changed on which the other source has rows, of the coins that have a pair."""
    day = tables.daily_market.c.date
    ends = select(func.min(day), func.max(day))
    first, last = other.run_reading(lambda connection: connection.execute(ends).one())
    made = select(func.min(source_agreement.c.date), func.max(source_agreement.c.date))
    made_first, made_last = reading.run_reading(lambda connection: connection.execute(made).one())
    if first is None and made_first is None:
        return ToMake([])
    known = Span(min(day for day in (first, made_first) if day), max(day for day in (last, made_last) if day))
    coins = select(asset_pairs.c.asset_id).where(asset_pairs.c.coinpaprika_id.is_not(None))
    paired: set[str] = set(reading.run_reading(lambda connection: connection.scalars(coins).all()))
    compared = paired
    if any(change == Change(change.table_name, *ALWAYS) for change in changes):
        stored = select(source_agreement.c.asset_id).distinct()
        compared = paired | set(reading.run_reading(lambda connection: connection.scalars(stored).all()))
    wanted: dict[str, list[Span]] = defaultdict(list)
    for change in changes:
        if span := known.clipped(Span(change.first, change.last)):
            for coin in compared if change.asset_id is None else {change.asset_id} & paired:
                wanted[coin].append(span)
    query = CoinQuery(source_agreement, lambda _: _differences(qualifier))
    return ToMake(query.groups({coin: merged(spans) for coin, spans in wanted.items()}, reading.kind))


def latest_date_compared(database: Database) -> date | None:
    """The latest date of which there is a comparison; None where there is none."""
    latest: date | None = database.run_reading(
        lambda connection: connection.scalar(select(func.max(source_agreement.c.date)))
    )
    return latest


def largest_coins_compared(database: Database, first: date, last: date) -> list[LargestCoin]:
    """The `LARGEST` coins of each date of a range with the difference of their prices, by date and rank.

    Dates on which nothing was compared are left out: to rank a year of coins for a month of comparisons would be waste.
    """
    market, agreement = tables.daily_market, source_agreement
    compared = select(agreement.c.date).distinct().where(agreement.c.date.between(first, last))
    dates: Sequence[date] = database.run_reading(lambda connection: connection.scalars(compared).all())
    rank = func.row_number().over(
        partition_by=market.c.date, order_by=(market.c.market_cap_usd.desc(), market.c.asset_id)
    )
    ranked = (
        select(market.c.date, market.c.asset_id, market.c.price_usd, rank.label("rank_by_cap"))
        .where(market.c.date.in_(dates), market.c.market_cap_usd > 0)
        .subquery()
    )
    query = (
        select(ranked.c.date, ranked.c.asset_id, ranked.c.rank_by_cap, ranked.c.price_usd, agreement.c.price_difference)
        .join(
            agreement,
            and_(agreement.c.date == ranked.c.date, agreement.c.asset_id == ranked.c.asset_id),
            isouter=True,
        )
        .where(ranked.c.rank_by_cap <= LARGEST)
        .order_by(ranked.c.date, ranked.c.rank_by_cap)
    )
    rows: Sequence[Row[Any]] = database.run_reading(lambda connection: connection.execute(query).all())
    return [LargestCoin(*row) for row in rows]


def agreement_inputs(source: str) -> dict[str, Inputs]:
    """From which columns each column of source_agreement is computed; those of the other source have its schema.

    Args:
        source: The other source's name.
    """
    return column_inputs(_differences(source), source_agreement.columns.keys(), STANDS_FOR)


def _differences(qualifier: str) -> Select[Any]:
    """The rows of source_agreement of the working set, from both sources' daily_market."""
    own, coins, read = tables.daily_market, coins_made, dates_read.c.day
    other = own.to_metadata(MetaData(), schema=qualifier)

    def relative(column: str) -> ColumnElement[Any]:
        # Of nothing there is no fraction, and MySQL refuses a division by 0 while it writes.
        base = func.nullif(own.c[column], 0.0)
        return (other.c[column] - own.c[column]) / base

    return (
        select(own.c.date, own.c.asset_id, *(relative(column).label(name) for name, column in DIFFERENCES.items()))
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")
        .select_from(
            dates_read.join(coins, read.between(coins.c.first_on, coins.c.last_on))
            .join(asset_pairs, asset_pairs.c.asset_id == coins.c.asset_id)
            .join(other, and_(other.c.date == read, other.c.asset_id == asset_pairs.c.coinpaprika_id))
            .join(own, and_(own.c.date == read, own.c.asset_id == coins.c.asset_id))
        )
        .where(asset_pairs.c.how != AMBIGUOUS)
    )
