"""daily_market beside what the archive makes of it: compared bit for bit, and mended where it differs.

A chart's row is what the archived answers of its coin make one after the other. Compared are the rows of dates that
answers have spoken for; what only a snapshot has, and a value that no chart gives, is not the archive's to judge.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.archive.answers import StoredAnswer, read_answers
from coingecko_pipeline.archive.coverage import Coverage, lock_coins, read_coverage
from coingecko_pipeline.archive.dates import EPOCH, DateIntervals, DateRange
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.market.differences import EXAMPLES, Kind, RowDifferences
from coingecko_pipeline.market.rows import NO_ROWS, VALUE_COLUMNS, MarketRows, arrow_rows, bits, fold_charts
from coingecko_pipeline.market.stored import read_rows
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.paging import of_one_moment
from coingecko_pipeline.warehouse.writing import TableWriter

COINS_COMPARED = 25
"""Coins that are compared together: of 4,700 dates each, some 40 MB with their charts."""
VALUES_A_DAY = 2_000_000
"""Archived values whose rows are looked for in a day: a second or two of the database's. Of more, a part each day."""


@dataclass(frozen=True)
class CoinComparison:
    """One coin's rows beside those of the archive.

    Attributes:
        coin_id: The coin.
        missing: Rows that the archive makes and the table lacks.
        different: Rows that differ, as the archive makes them.
        surplus: Dates of chart rows that no answer has, though one has spoken for the date.
        unproven: Chart rows of dates that no answer has spoken for.
    """

    coin_id: str
    missing: MarketRows
    different: MarketRows
    surplus: Sequence[date]
    unproven: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs."""
        return not (len(self.missing) or len(self.different) or self.surplus)


@dataclass
class Differences(RowDifferences):
    """What differs between the table and the archive.

    Attributes:
        coins: Coins that were compared.
        unproven: Chart rows of dates that no archived answer has spoken for; no difference, since nothing contradicts
            them: an earlier version of this program could lose a chart and keep its rows.
        unwritten: Archived answers whose rows were not written yet; no difference, since the next run writes them.
    """

    coins: int = 0
    unproven: int = 0
    unwritten: int = 0

    SUMMED: ClassVar[tuple[str, ...]] = (*RowDifferences.SUMMED, "coins", "unproven")

    def add(self, comparison: CoinComparison, rows: int) -> None:
        """Count one coin's."""
        self.coins += 1
        self.rows += rows
        self.unproven += comparison.unproven
        kinds: Mapping[Kind, Sequence[date]] = {
            "missing": _dates(comparison.missing),
            "different": _dates(comparison.different),
            "surplus": comparison.surplus,
        }
        for kind, days in kinds.items():
            self.count(kind, len(days), [f"{comparison.coin_id} on {day}" for day in days[:EXAMPLES]])


def verify_market(
    database: Database,
    dates: DateRange | None = None,
    coin_ids: Sequence[str] = (),
    *,
    repair: bool = False,
    on_coins: Callable[[int, int], None] = lambda _done, _of: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Differences:
    """Compare daily_market with the archive, coin by coin, in bounded memory.

    Args:
        database: Where both are.
        dates: Only these dates; None for all.
        coin_ids: Only these coins; empty for all.
        repair: Whether to write what differs, each group of coins in one transaction with its log.
        on_coins: Told how many coins are done, and of how many.
        now: The current UTC time, aware.
    """
    coverage = read_coverage(database, coin_ids)
    found = Differences(unwritten=count_unwritten(database))
    coins = sorted(coverage)
    for start in range(0, len(coins), COINS_COMPARED):
        group = coins[start : start + COINS_COMPARED]
        known = {coin: coverage[coin] for coin in group}
        found.merge(rewrite_coins(database, known, dates, now) if repair else compare_coins(database, known, dates))
        on_coins(min(start + COINS_COMPARED, len(coins)), len(coins))
    return found


def compare_coins(database: Database, coverage: Mapping[str, Coverage], dates: DateRange | None = None) -> Differences:
    """What differs of some coins, by an account that may only read; their rows and charts have to fit into memory."""
    return database.run_reading(lambda connection: _compare(of_one_moment(connection), coverage, dates)[1])


def rewrite_coins(
    database: Database,
    coverage: Mapping[str, Coverage],
    dates: DateRange | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Differences:
    """Make the chart rows of some coins what the archive makes of them, in one transaction.

    Args:
        database: Where both are.
        coverage: The coins; their rows and charts have to fit into memory.
        dates: Only these dates; None for all.
        now: The current UTC time, aware.

    Returns:
        What differed and was written.
    """
    writer = TableWriter(database, tables.daily_market)

    def rewrite(connection: Connection) -> Differences:
        # Nobody writes a chart of these coins meanwhile.
        lock_coins(connection, sorted(coverage))
        comparisons, found = _compare(connection, coverage, dates)
        changes = []
        writing: list[tuple[str, MarketRows]] = []
        for each in (comparison for comparison in comparisons if not comparison.is_clean):
            _delete(connection, each.coin_id, [*each.surplus, *_dates(each.different)])
            writing += [(each.coin_id, rows) for rows in (each.missing, each.different) if len(rows)]
            days = sorted({*each.surplus, *_dates(each.missing), *_dates(each.different)})
            changes.append(Change(tables.daily_market.name, days[0], days[-1], each.coin_id))
        if writing:
            writer.upsert_in(connection, arrow_rows(writing))
        log_changes(connection, changes, now)
        return found

    return database.run_in_transaction(rewrite)


def coins_with_lost_rows(
    database: Database, coverage: Mapping[str, Coverage], dates: DateRange, coin_ids: Sequence[str] = ()
) -> list[str]:
    """The coins that lack a row of a date with an archived value, told by the number and the sum of their dates.

    A chart's row stands on no other date than one with an archived value, so the two tell whether one is gone.

    Args:
        database: Where the rows are.
        coverage: Of the coins.
        dates: The dates that are looked at; the cost grows with their rows.
        coin_ids: Only these coins; empty for all of the coverage.
    """
    market = tables.daily_market
    day = func.julianday(market.c.date) - 2_440_587.5 + 719_528 if database.is_sqlite else func.to_days(market.c.date)
    query = (
        select(market.c.asset_id, func.count(), func.sum(day))
        .where(market.c.date.between(dates.first, dates.last), market.c.source == tables.CHART)
        .group_by(market.c.asset_id)
    )
    if coin_ids:
        query = query.where(market.c.asset_id.in_(coin_ids))
    rows = database.run_reading(lambda connection: connection.execute(query).all())
    stored = {coin: (count, int(total)) for coin, count, total in rows}
    lost = []
    for coin in coin_ids or coverage:
        known = coverage.get(coin)
        expected = known.points.within(dates) if known else DateIntervals()
        if expected and stored.get(coin) != (expected.count(), _sum_of_days(expected)):
            lost.append(coin)
    return lost


def dates_of_the_day(coverage: Mapping[str, Coverage], today: date) -> DateRange | None:
    """The dates whose rows are looked for today: all, or of many a part in turn; None where nothing is archived.

    Args:
        coverage: Of all coins.
        today: The current UTC day.
    """
    firsts = [first for known in coverage.values() if (first := known.points.first) is not None]
    lasts = [last for known in coverage.values() if (last := known.points.last) is not None]
    if not firsts:
        return None
    whole = DateRange(min(firsts), max(lasts))
    parts = -(-sum(known.points.count() for known in coverage.values()) // VALUES_A_DAY)
    days = -(-len(whole) // parts)
    first = min(whole.first + timedelta(days=days * (today.toordinal() % parts)), whole.last)
    return DateRange(first, min(first + timedelta(days=days - 1), whole.last))


def _sum_of_days(dates: DateIntervals) -> int:
    # MySQL's TO_DAYS counts one year more than the ordinals do.
    return sum((first + last + 2 * 365) * (last - first + 1) // 2 for first, last in dates.pairs)


def _compare(
    connection: Connection, coverage: Mapping[str, Coverage], dates: DateRange | None
) -> tuple[list[CoinComparison], Differences]:
    coins = sorted(coverage)
    stored = read_rows(connection, coins, *((dates.first, dates.last) if dates else ()))
    derived = dict(_derived(read_answers(connection, coins, written=True)))
    comparisons, found = [], Differences()
    for coin in coins:
        rows = stored.get(coin, NO_ROWS)
        comparison = compare_coin(coin, derived.get(coin, NO_ROWS), rows, coverage[coin], dates)
        found.add(comparison, len(rows))
        comparisons.append(comparison)
    return comparisons, found


def _derived(answers: Sequence[StoredAnswer]) -> Iterator[tuple[str, MarketRows]]:
    for coin, of_coin in groupby(answers, key=lambda answer: answer.record.coin_id):
        yield coin, fold_charts([answer.record.points for answer in of_coin])


def compare_coin(
    coin_id: str, derived: MarketRows, stored: MarketRows, coverage: Coverage, dates: DateRange | None = None
) -> CoinComparison:
    """One coin's stored rows beside those that its archived answers make: a pure function.

    Args:
        coin_id: The coin.
        derived: What the archive makes.
        stored: The rows of the table, those of snapshots included.
        coverage: What the answers have spoken for.
        dates: Only these dates; None for all.
    """
    if dates is not None:
        first, last = dates.first.toordinal() - EPOCH, dates.last.toordinal() - EPOCH
        derived = derived.chosen((derived.days >= first) & (derived.days <= last))
    places = np.searchsorted(stored.days, derived.days)
    inside = places < len(stored)
    known = np.zeros(len(derived), dtype=np.bool_)
    known[inside] = stored.days[places[inside]] == derived.days[inside]
    missing = derived.chosen(~known)
    present, places = derived.chosen(known), places[known]
    different = ~stored.is_chart[places] | (stored.seconds[places] != present.seconds)
    values = {}
    for column in VALUE_COLUMNS:
        old, new = stored.values[column][places], present.values[column]
        different |= ~np.isnan(new) & (bits(new) != bits(old))
        values[column] = np.where(np.isnan(new), old, new)
    mended = MarketRows(present.days, present.seconds, values, present.is_chart)
    not_derived = stored.is_chart & ~np.isin(stored.days, derived.days)
    spoken_for = np.isin(stored.days, coverage.covered.days())
    surplus: npt.NDArray[np.int64] = stored.days[not_derived & spoken_for]
    return CoinComparison(
        coin_id,
        missing,
        mended.chosen(different),
        [date.fromordinal(int(day) + EPOCH) for day in surplus],
        int((not_derived & ~spoken_for).sum()),
    )


def _delete(connection: Connection, coin_id: str, days: Sequence[date]) -> None:
    market = tables.daily_market
    if days:
        connection.execute(delete(market).where(market.c.asset_id == coin_id, market.c.date.in_(days)))


def _dates(rows: MarketRows) -> list[date]:
    return [date.fromordinal(int(day) + EPOCH) for day in rows.days]


def count_unwritten(database: Database) -> int:
    """How many archived answers wait for their rows to be written."""
    table = tables.market_charts
    query = select(func.count()).where(~table.c.is_written)
    return database.run_reading(lambda connection: connection.execute(query).scalar_one())
