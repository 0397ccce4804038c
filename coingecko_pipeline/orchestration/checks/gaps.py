"""Gaps of the daily market: dates on which a coin has no row, between rows that it has."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from heapq import nsmallest

import dagster as dg
from sqlalchemy import Connection, select

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.lifetimes import living_by_date, read_lifetimes
from coingecko_pipeline.orchestration.checks.daily_market import DAILY_MARKET
from coingecko_pipeline.partitions import dates_of, key_of
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.text_column import read_texts

LOOK_BACK_DAYS = 30
"""A run of one date looks at so many before it too: the daily run sees a day on which the machine was off, from the
next day on and for a month."""
DATES_LISTED = 400
"""Of the dates with gaps the latest so many are listed, each with an observation: more than a year, and with 4 to
17 ms an event (measured, by the instance's storage) no longer than the check itself takes."""
DATES_SHOWN = 20
COINS_SHOWN = 5


@dataclass(frozen=True)
class ArchivedChart:
    """What is known of an archived chart without reading it.

    Attributes:
        covers_from: The first date whose point it must contain, where CoinGecko has a value.
        covers_to: The last such date.
        unbroken: The dates that it has points of, where that is every date from one to another; None where it is not,
            and where nobody counted.
    """

    covers_from: date
    covers_to: date
    unbroken: DateRange | None = None

    def holds(self, day: date) -> bool:
        """Whether it surely has a point of a date."""
        return self.unbroken is not None and self.unbroken.first <= day <= self.unbroken.last

    def lacks(self, day: date) -> bool:
        """Whether it covers a date and has, as far as is known, no point of it."""
        return self.covers_from <= day <= self.covers_to and not self.holds(day)


@dataclass(frozen=True)
class DayOfGaps:
    """One date on which coins have no row.

    Attributes:
        day: The date.
        coins: How many coins.
        first_coins: Some of them, the first by id.
    """

    day: date
    coins: int
    first_coins: tuple[str, ...]


@dataclass
class Gaps:
    """The gaps of a range of dates.

    Attributes:
        to_fill: The dates with gaps that CoinGecko may have a value for, ascending.
        of_coingecko: The dates with gaps that the coin's archived chart covers and has no point of, ascending.
        coins_to_fill: The coins with gaps to fill.
        archived: How many of the gaps to fill are in the archive already.
    """

    to_fill: list[DayOfGaps] = field(default_factory=list)
    of_coingecko: list[DayOfGaps] = field(default_factory=list)
    coins_to_fill: set[str] = field(default_factory=set)
    archived: int = 0


@dg.asset_check(asset=DAILY_MARKET)
def no_date_is_missing_between_a_coins_first_and_last_day(
    context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Database]
) -> dg.AssetCheckResult:
    """Every coin has a row for every date between its first and its last; warns of those that can be filled.

    A run of one date looks at the 30 dates before it too. Each date with gaps to fill gets an observation with the
    number of coins.

    A missing date that the coin's archived chart covers is CoinGecko's own gap: it has no value then. These are
    counted and do not warn. **Known limit:** where such a chart lacks points between its first and its last, a date
    that it has and that was never written from it counts as CoinGecko's own too, since only reading the chart would
    tell. A backfill of the dates writes it, without a call.
    """
    first, last = dates_of(context.partition_key_range)
    dates = DateRange(first - timedelta(days=LOOK_BACK_DAYS) if first == last else first, last)
    gaps = read_gaps(warehouse, dates)
    listed = gaps.to_fill[-DATES_LISTED:]
    for gap in listed:
        context.op_execution_context.log_event(
            dg.AssetObservation(DAILY_MARKET, partition=key_of(gap.day), metadata={"coins_missing": gap.coins})
        )
    missing = sum(gap.coins for gap in gaps.to_fill)
    return dg.AssetCheckResult(
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "dates": str(dates),
            "gaps_to_fill": missing,
            "gaps_in_archive": gaps.archived,
            "dates_to_fill": len(gaps.to_fill),
            "coins_to_fill": len(gaps.coins_to_fill),
            "gaps_of_coingecko": sum(gap.coins for gap in gaps.of_coingecko),
            "missing_by_date": dg.MetadataValue.json({gap.day.isoformat(): gap.coins for gap in listed}),
            "examples": dg.MetadataValue.md(show_latest(gaps.to_fill)),
            "examples_of_coingecko": dg.MetadataValue.md(show_latest(gaps.of_coingecko)),
        },
        description=_what_fills(missing, gaps.archived) if missing else "",
    )


def read_gaps(warehouse: Database, dates: DateRange) -> Gaps:
    """The gaps of a range of dates, read one date at a time: its rows never have to fit into memory together."""
    market = tables.daily_market
    lifetimes, archive = read_lifetimes(warehouse), read_archive(warehouse)

    def read(connection: Connection) -> Gaps:
        def present(day: date) -> Set[str]:
            return set(read_texts(connection, market.c.asset_id, market.c.date == day))

        return find_gaps(living_by_date(lifetimes, dates), present, archive)

    return warehouse.run_reading(read)


def read_archive(warehouse: Database) -> dict[str, ArchivedChart]:
    """What is known of each archived chart, by coin."""
    chart = tables.raw_market_charts.c
    query = select(chart.asset_id, chart.covers_from, chart.covers_to, chart.first_on, chart.last_on, chart.midnights)
    archive = {}
    for row in warehouse.run_reading(lambda connection: connection.execute(query).all()):
        unbroken = row.midnights and row.midnights == (row.last_on - row.first_on).days + 1
        archive[row.asset_id] = ArchivedChart(
            row.covers_from, row.covers_to, DateRange(row.first_on, row.last_on) if unbroken else None
        )
    return archive


def find_gaps(
    expected: Iterable[tuple[date, Set[str]]],
    present: Callable[[date], Set[str]],
    archive: Mapping[str, ArchivedChart],
) -> Gaps:
    """The coins that should have a row and have none, by date and by whether CoinGecko may have a value.

    Args:
        expected: Each date, ascending, with the coins that should have a row.
        present: Tells the coins that have a row on a date.
        archive: The archived charts, by coin.
    """
    gaps = Gaps()
    for day, coins in expected:
        missing = coins - present(day)
        charts = {coin: archive[coin] for coin in missing if coin in archive}
        of_coingecko = {coin for coin, chart in charts.items() if chart.lacks(day)}
        to_fill = missing - of_coingecko
        gaps.coins_to_fill |= to_fill
        gaps.archived += sum(chart.holds(day) for chart in charts.values())
        for found, days in ((to_fill, gaps.to_fill), (of_coingecko, gaps.of_coingecko)):
            if found:
                days.append(DayOfGaps(day, len(found), tuple(nsmallest(COINS_SHOWN, found))))
    return gaps


def show_latest(days: Sequence[DayOfGaps]) -> str:
    """The latest dates with gaps, the latest first, as a Markdown table."""
    if not days:
        return "none"
    lines = ["| date | coins missing | the first of them |", "|---|---:|---|"]
    for gap in reversed(days[-DATES_SHOWN:]):
        coins = ", ".join(gap.first_coins).replace("|", " ")
        lines.append(f"| {gap.day} | {gap.coins:,} | {coins}{', …' if gap.coins > len(gap.first_coins) else ''} |")
    if len(days) > DATES_SHOWN:
        lines += ["", f"Dates with gaps before these: {len(days) - DATES_SHOWN:,}."]
    return "\n".join(lines)


def _what_fills(missing: int, archived: int) -> str:
    remedy = (
        "The schedule history_completion_schedule fills what is missing on its own; a backfill of the dates fills it "
        "at once."
    )
    return (
        f"{remedy} Of these {missing:,} rows {archived:,} are in the archive and cost no call." if archived else remedy
    )
