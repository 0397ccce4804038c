"""From what changed in the market to the rows of each derived table that it affects.

A week and a month: those that the dates open, fill or close. Returns of a coin: everything from its first changed date
on, since returns reach 365 days ahead and any price can be the highest of all later dates. The global market: the dates
and the day after each. A bar of hours: the days, once they are over. Candles and flags: the dates, and those whose row
depends on the dates beside them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, Date, Table, delete, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import MAIN_SOURCE, Change
from coingecko_pipeline.measures.candles import CANDLES
from coingecko_pipeline.measures.flags import Thresholds, flag_queries
from coingecko_pipeline.measures.following import Followed, Log, ToMake, follow
from coingecko_pipeline.measures.global_market import DATES_AT_ONCE, dates_of, global_market_groups
from coingecko_pipeline.measures.making import CoinQuery, DatedPiece
from coingecko_pipeline.measures.memory import DEFAULT_MEGABYTES
from coingecko_pipeline.measures.ohlc import select_daily_ohlc
from coingecko_pipeline.measures.parts import PartQuery, groups_of
from coingecko_pipeline.measures.periods import Period, period_end
from coingecko_pipeline.measures.returns import LONG, has_a_price, note_highest_before, select_returns
from coingecko_pipeline.measures.rollups import LONGEST_DAYS, latest_over, periods_of, select_rollup
from coingecko_pipeline.measures.spans import ONE_DAY, Span, merged
from coingecko_pipeline.measures.verifying import Comparing, DerivedDifferences, verify_table
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.database import Kind

DAYS_OF_BARS = 31
"""Days of the hourly market that one transaction reads: some 200,000 rows of 250 coins."""

ROLLUPS: Mapping[Period, Table] = {"week": tables.weekly_market, "month": tables.monthly_market}


def plan_rollup(database: Database, period: Period, changes: Sequence[Change], _now: datetime) -> ToMake:
    """The weeks or months that changes of the daily market affect, and those that are over since the last time."""
    table = ROLLUPS[period]
    start = table.primary_key.columns[0]
    market, made = _extent(database, tables.daily_market.c.date), _extent(database, start)
    if market is None:
        return ToMake([], _after(table, date.min))
    over = latest_over(period, market.last)
    finish = _after(table, over)
    begun = periods_of(period, market).first
    known = Span(min(begun, made.first) if made else begun, over)
    if known.first > over:
        return ToMake([], finish)
    within = partial(_periods, period, known)
    changed = _changed_rows(changes, within)
    if made is None or made.last < over:
        changed.everyone.append(Span(period_end(period, made.last) if made else known.first, over))
    query = CoinQuery(table, partial(select_rollup, period), days_after=LONGEST_DAYS)
    return ToMake(query.groups(_wanted(database, changed, within, table), database.kind), finish)


def plan_returns(database: Database, changes: Sequence[Change], _now: datetime) -> ToMake:
    """All returns of what changed from its first changed date on."""
    table = tables.daily_returns
    known = _known(_extent(database, tables.daily_market.c.date), _extent(database, table.c.date))
    if known is None:
        return ToMake([])
    query = CoinQuery(table, select_returns, days_before=LONG, prepare=note_highest_before, still_made=has_a_price)
    changed = _changed_rows(changes, lambda dates: known.clipped(Span(dates.first, known.last)))
    wanted = _wanted(database, changed, lambda dates: dates, table)
    return ToMake(query.groups(wanted, database.kind))


def plan_global_market(database: Database, changes: Sequence[Change], _now: datetime) -> ToMake:
    """The dates that changed, of whichever coins, and the day after each."""
    known = _known(_extent(database, tables.daily_market.c.date), _extent(database, tables.global_market_daily.c.date))
    if known is None:
        return ToMake([])
    # Dates of which there is no row are clipped before the day after them is taken, since `ALWAYS` has none.
    near = Span(known.first - ONE_DAY, known.last)
    changed = (near.clipped(Span(change.first, change.last)) for change in changes)
    spans = (known.clipped(dates_of(span)) for span in changed if span)
    return ToMake([[_whole_market(cut, database.kind)] for cut in _cut(spans, DATES_AT_ONCE)])


def _whole_market(dates: Span, kind: Kind) -> DatedPiece:
    def make(connection: Connection) -> int:
        return sum(piece(connection) for group in global_market_groups([dates], kind) for piece in group)

    return DatedPiece(tables.global_market_daily, dates, make)


def plan_daily_ohlc(database: Database, changes: Sequence[Change], now: datetime) -> ToMake:
    """The days whose hours changed and that are over, and those that are over since the last time."""
    hours = _extent(database, func.date(tables.hourly_market.c.hour_at, type_=Date))
    made = _extent(database, tables.daily_ohlc.c.date)
    known = _known(hours, made)
    over = known.clipped(Span(date.min, now.astimezone(UTC).date() - ONE_DAY)) if known else None
    if over is None:
        return ToMake([])
    spans = [over.clipped(Span(change.first, change.last)) for change in changes]
    if made is None or made.last < over.last:
        spans.append(Span(made.last + ONE_DAY if made else over.first, over.last))
    return ToMake([[_bars(cut)] for cut in _cut(spans, DAYS_OF_BARS)])


def _bars(days: Span) -> DatedPiece:
    table = tables.daily_ohlc

    def make(connection: Connection) -> int:
        connection.execute(delete(table).where(table.c.date.between(*days)))
        made = connection.execute(table.insert().from_select(list(table.columns), select_daily_ohlc(days)))
        return made.rowcount

    return DatedPiece(table, days, make)


def plan_candles(database: Database, changes: Sequence[Change], _now: datetime) -> ToMake:
    """The candles that changed prices open or close, as far as there are snapshots."""
    snapshots = _extent(database, tables.market_snapshots.c.date)
    days = Span(snapshots.first - ONE_DAY, snapshots.last - ONE_DAY) if snapshots else None
    return _plan_parts(database, [CANDLES], _known(days, _extent(database, tables.daily_candles.c.date)), changes)


def plan_flags(thresholds: Thresholds, database: Database, changes: Sequence[Change], _now: datetime) -> ToMake:
    """The flags of changed rows, and of the rows around them that are told from them too."""
    known = _known(_extent(database, tables.daily_market.c.date), _extent(database, tables.market_flags.c.date))
    return _plan_parts(database, flag_queries(thresholds), known, changes)


def _plan_parts(
    database: Database, queries: Sequence[PartQuery], known: Span | None, changes: Sequence[Change]
) -> ToMake:
    if known is None:
        return ToMake([])
    changed = [_changed_rows(changes, partial(query.affected, known)) for query in queries]
    parts = [(query, query.parts(rows.everyone, rows.of_coins)) for query, rows in zip(queries, changed, strict=True)]
    return ToMake(groups_of(parts, database.kind))


@dataclass(frozen=True)
class DerivedTable:
    """A table that is computed from a market of the same database.

    Attributes:
        table: As declared.
        follows: The tables whose changes it follows, the market that it is made from first.
        plan: Tells what changes make it do.
    """

    table: Table
    follows: tuple[Table, ...]
    plan: Callable[[Database, Sequence[Change], datetime], ToMake]

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    def logs(self, database: Database) -> Sequence[Log]:
        """The logs that it follows."""
        return [Log(MAIN_SOURCE, database, table.name) for table in self.follows]


def _rollup(period: Period) -> DerivedTable:
    return DerivedTable(
        ROLLUPS[period],
        (tables.daily_market,),
        lambda database, changes, now: plan_rollup(database, period, changes, now),
    )


WEEKLY_MARKET, MONTHLY_MARKET = _rollup("week"), _rollup("month")
DAILY_RETURNS = DerivedTable(tables.daily_returns, (tables.daily_market,), plan_returns)
GLOBAL_MARKET_DAILY = DerivedTable(
    tables.global_market_daily, (tables.daily_market, tables.rehypothecated_assets), plan_global_market
)
DAILY_OHLC = DerivedTable(tables.daily_ohlc, (tables.hourly_market,), plan_daily_ohlc)
DAILY_CANDLES = DerivedTable(tables.daily_candles, (tables.daily_market,), plan_candles)


def market_flags(thresholds: Thresholds) -> DerivedTable:
    """The flags, told from some thresholds on; rows that were made with others stay until they are made anew."""
    return DerivedTable(tables.market_flags, (tables.daily_market,), partial(plan_flags, thresholds))


MARKET_FLAGS = market_flags(Thresholds())

MEASURES = (
    WEEKLY_MARKET,
    MONTHLY_MARKET,
    DAILY_RETURNS,
    GLOBAL_MARKET_DAILY,
    DAILY_OHLC,
    DAILY_CANDLES,
    MARKET_FLAGS,
)
"""Every table of this room."""


def follow_market(
    database: Database,
    derived: DerivedTable,
    now: datetime,
    *,
    rebuild: Span | None = None,
    megabytes: int = DEFAULT_MEGABYTES,
) -> Followed:
    """Bring a derived table up to date with its market; see `follow`."""
    return follow(
        database,
        derived.name,
        derived.logs(database),
        partial(derived.plan, database),
        now,
        rebuild=rebuild,
        megabytes=megabytes,
    )


def verify_measure(database: Database, derived: DerivedTable, options: Comparing) -> DerivedDifferences:
    """Compare a derived table with what is made of its market again; see `verify_table`."""
    return verify_table(database, derived.name, derived.logs(database), partial(derived.plan, database), options)


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
    return database.run_reading(lambda connection: [(row[0], row[1], row[2]) for row in connection.execute(query)])


def _extent(database: Database, day: ColumnElement[date]) -> Span | None:
    query = select(func.min(day), func.max(day))
    first, last = database.run_reading(lambda connection: connection.execute(query).one())
    return Span(first, last) if first is not None else None


def _known(market: Span | None, made: Span | None) -> Span | None:
    """From the first to the last date that a row is stored of, in the market or in what was made of it."""
    return market.with_(made) if market and made else market or made


def _periods(period: Period, known: Span, dates: Span) -> Span | None:
    # Only dates that touch a known period are asked for: before the first there is, `ALWAYS` has none that could begin.
    near = Span(known.first, known.last + timedelta(days=LONGEST_DAYS + 1)).clipped(dates)
    return known.clipped(periods_of(period, near)) if near else None


def _cut(spans: Iterable[Span | None], days: int) -> list[Span]:
    return [cut for span in merged(span for span in spans if span) for cut in span.cut(days)]


def _after(table: Table, last: date) -> DatedPiece:
    """Delete the periods after the last one that is over, which there are only where market rows were deleted."""
    start = table.primary_key.columns[0]

    def make(connection: Connection) -> int:
        return connection.execute(delete(table).where(start > last)).rowcount

    return DatedPiece(table, Span(last + ONE_DAY, date.max), make)
