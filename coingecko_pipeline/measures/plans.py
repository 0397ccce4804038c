"""From what changed in the market to the rows of each derived table that it affects.

A week and a month: those that the dates open, fill or close. Returns of a coin: everything from its first changed date
on, since returns reach 365 days ahead and any price can be the highest of all later dates. The global market: the dates
and the day after each. A bar of hours: the days, once they are over.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import Change
from coingecko_pipeline.measures.following import ToMake
from coingecko_pipeline.measures.global_market import dates_of, global_market_groups
from coingecko_pipeline.measures.making import CoinQuery, Piece
from coingecko_pipeline.measures.ohlc import select_daily_ohlc
from coingecko_pipeline.measures.periods import Period, period_end
from coingecko_pipeline.measures.returns import LONG, note_highest_before, select_returns
from coingecko_pipeline.measures.rollups import LONGEST_DAYS, latest_over, periods_of, select_rollup
from coingecko_pipeline.measures.spans import ONE_DAY, Span, merged
from coingecko_pipeline.warehouse import Database

DAYS_OF_BARS = 31
"""Days of the hourly market that one transaction reads: some 200,000 rows of 250 coins."""

ROLLUPS: Mapping[Period, Table] = {"week": tables.weekly_market, "month": tables.monthly_market}


def plan_rollup(database: Database, period: Period, changes: Sequence[Change], _now: datetime) -> ToMake:
    """The weeks or months that changes of the daily market affect, and those that are over since the last time."""
    table = ROLLUPS[period]
    market, made = _extent(database, tables.daily_market.c.date), _extent(database, table.primary_key.columns[0])
    start = table.primary_key.columns[0]
    if market is None:
        return ToMake([], partial(_delete_after, start, date.min))
    over = latest_over(period, market.last)
    possible = periods_of(period, market)
    known = Span(min(possible.first, made.first if made else possible.first), over)
    changed = _changed_rows(changes, partial(_periods, period, known))
    new = period_end(period, made.last) if made else known.first
    if new <= over and new <= known.last:
        changed.everyone.append(Span(new, over))
    query = CoinQuery(table, partial(select_rollup, period), days_after=LONGEST_DAYS)
    within = partial(_periods, period, known)
    wanted = _wanted(database, changed, within, table)
    return ToMake(query.groups(wanted, database.kind), partial(_delete_after, start, over))


def plan_returns(database: Database, changes: Sequence[Change], _now: datetime) -> ToMake:
    """All returns of what changed from its first changed date on."""
    table = tables.daily_returns
    market, made = _extent(database, tables.daily_market.c.date), _extent(database, table.c.date)
    if market is None and made is None:
        return ToMake([])
    known = market.with_(made) if market and made else market or made
    assert known is not None
    last = known.last

    def from_there(dates: Span) -> Span | None:
        return known.clipped(Span(dates.first, last)) if known else None

    query = CoinQuery(table, select_returns, days_before=LONG, prepare=note_highest_before)
    wanted = _wanted(database, _changed_rows(changes, from_there), lambda dates: dates, table)
    return ToMake(query.groups(wanted, database.kind))


def plan_global_market(database: Database, changes: Sequence[Change], _now: datetime) -> ToMake:
    """The dates that changed, of whichever coins, and the day after each."""
    market = _extent(database, tables.daily_market.c.date)
    made = _extent(database, tables.global_market_daily.c.date)
    if market is None and made is None:
        return ToMake([])
    known = market.with_(made) if market and made else market or made
    clipped = (known.clipped(_next_days(change, known)) for change in changes) if known else ()
    return ToMake(global_market_groups(merged(span for span in clipped if span), database.kind))


def plan_daily_ohlc(database: Database, changes: Sequence[Change], now: datetime) -> ToMake:
    """The days whose hours changed and that are over, and those that are over since the last time."""
    hours, table = tables.hourly_market.c.hour_at, tables.daily_ohlc
    found = _extent(database, hours)
    market = Span(found.first.date(), found.last.date()) if found else None  # type: ignore[attr-defined]
    made = _extent(database, table.c.date)
    if market is None and made is None:
        return ToMake([])
    known = market.with_(made) if market and made else market or made
    assert known is not None
    over = Span(known.first, max(known.first, min(known.last, now.astimezone(UTC).date() - ONE_DAY)))
    if over.last >= now.astimezone(UTC).date():
        return ToMake([])
    spans = [over.clipped(Span(change.first, change.last)) for change in changes]
    spans.append(over.clipped(Span(made.last + ONE_DAY, over.last)) if made and made.last < over.last else None)
    days = [cut for span in merged(span for span in spans if span) for cut in span.cut(DAYS_OF_BARS)]
    return ToMake([[_bars(cut)] for cut in days])


def _bars(days: Span) -> Piece:
    table = tables.daily_ohlc

    def make(connection: Connection) -> int:
        connection.execute(delete(table).where(table.c.date.between(*days)))
        return connection.execute(table.insert().from_select(list(table.columns), select_daily_ohlc(days))).rowcount

    return make


@dataclass(frozen=True)
class ChangedRows:
    """Rows of a derived table that changes affect.

    Attributes:
        everyone: Dates of all coins.
        of_coins: Dates of single coins.
    """

    everyone: list[Span]
    of_coins: Mapping[str, list[Span]]


Affected = Callable[[Span], Span | None]
"""From dates of the market to the rows of a derived table that depend on them; None where there are none."""


def _changed_rows(changes: Sequence[Change], affected: Affected) -> ChangedRows:
    everyone: list[Span] = []
    of_coins: dict[str, list[Span]] = defaultdict(list)
    for change in changes:
        if span := affected(Span(change.first, change.last)):
            (everyone if change.asset_id is None else of_coins[change.asset_id]).append(span)
    return ChangedRows(everyone, of_coins)


def _wanted(database: Database, changed: ChangedRows, within: Affected, table: Table) -> dict[str, list[Span]]:
    """The rows to make of each coin: those that changed by themselves, and of all coins those that there can be."""
    wanted: dict[str, list[Span]] = defaultdict(list, {coin: list(spans) for coin, spans in changed.of_coins.items()})
    everyone = merged(changed.everyone)
    if everyone:
        day, coin_id = table.primary_key.columns
        market = tables.daily_market.c
        lives = [
            (coin, within(Span(first, last)))
            for coin, first, last in _lifetimes(database, market.asset_id, market.date)
        ]
        lives += [(coin, Span(first, last)) for coin, first, last in _lifetimes(database, coin_id, day)]
        for coin, life in lives:
            if life:
                wanted[coin] += [span for each in everyone if (span := each.clipped(life))]
    return {coin: merged(spans) for coin, spans in wanted.items() if spans}


def _lifetimes(
    database: Database, coin: ColumnElement[str], day: ColumnElement[date]
) -> Sequence[tuple[str, date, date]]:
    # MySQL and MariaDB answer this from the two ends of each coin in the index, without reading what lies between.
    query = select(coin, func.min(day), func.max(day)).group_by(coin)
    return database.run_reading(lambda connection: [tuple(row) for row in connection.execute(query)])  # type: ignore[misc]


def _extent(database: Database, day: ColumnElement[date]) -> Span | None:
    first, last = database.run_reading(lambda connection: connection.execute(select(func.min(day), func.max(day))).one())
    return Span(first, last) if first is not None else None


def _periods(period: Period, known: Span, dates: Span) -> Span | None:
    # Only what can touch a known period is asked for: of `ALWAYS` no period begins before the first date there is.
    around = Span(known.first, known.last + timedelta(days=LONGEST_DAYS + 1))
    near = around.clipped(dates) if known.first <= known.last else None
    return known.clipped(periods_of(period, near)) if near else None


def _next_days(change: Change, known: Span) -> Span:
    return dates_of(Span(max(change.first, known.first - ONE_DAY), min(change.last, known.last)))


def _delete_after(start: ColumnElement[date], last: date, connection: Connection) -> None:
    connection.execute(delete(start.table).where(start > last))  # type: ignore[attr-defined]
