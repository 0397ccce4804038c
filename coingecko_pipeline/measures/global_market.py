"""The whole market by date: sums, shares of the largest coins, and how many coins rose and fell."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    select,
)

from coingecko_pipeline import tables
from coingecko_pipeline.measures.making import Piece
from coingecko_pipeline.measures.spans import ONE_DAY, Span
from coingecko_pipeline.warehouse.column_inputs import Inputs, column_inputs
from coingecko_pipeline.warehouse.database import Kind

LARGEST = {"share_of_largest": 1, "share_of_ten": 10, "share_of_hundred": 100}
"""The columns that tell the share of the market of so many of the largest coins."""
MOST = max(LARGEST.values())
CAPS_READ = 3 * MOST
"""Market caps of a date that are read: in 2026 some 22 of the hundred largest coins are rehypothecated, so a hundred
others are nearly always among them."""
DATES_AT_ONCE = 31
"""Dates of one transaction: each is a row, and two reads of that date's coins."""

DAY, DAY_BEFORE, TWO_BEFORE = (bindparam(name, type_=Date) for name in ("day", "day_before", "two_before"))
"""The date of a row, and the two before it. The statements are the same for each date: to build one takes longer than
a small market's answer."""


def dates_of(changed: Span) -> Span:
    """The dates whose row depends on some dates: themselves, and the day after, whose rises and falls are from them."""
    return Span(changed.first, changed.last + ONE_DAY)


def global_market_groups(spans: Iterable[Span], kind: Kind) -> list[list[Piece]]:
    """The rows of some dates, in pieces that are independent of each other."""
    days = [day for span in spans for cut in span.cut(DATES_AT_ONCE) for day in _days(cut)]
    return [[_piece(days[start : start + DATES_AT_ONCE], kind)] for start in range(0, len(days), DATES_AT_ONCE)]


def _days(span: Span) -> list[date]:
    return [span.first + number * ONE_DAY for number in range((span.last - span.first).days + 1)]


def _piece(days: Sequence[date], kind: Kind) -> Piece:
    whole = tables.global_market_daily

    def make(connection: Connection) -> int:
        rows = [row for row in (global_market_on(connection, day, kind) for day in days) if row]
        connection.execute(delete(whole).where(whole.c.date.in_(days)))
        if rows:
            connection.execute(insert(whole), rows)
        return len(rows)

    return make


def global_market_on(connection: Connection, day: date, kind: Kind) -> dict[str, Any] | None:
    """The row of one date; None where the daily market has no row of it.

    - `market_cap_usd`, `volume_24h_usd`: sums over the coins that have the value; NULL where none has.
    - `coins_with_price`: how many coins have a price.
    - `share_of_largest`, `share_of_ten`, `share_of_hundred`: market cap of the 1, 10 and 100 largest coins by market
      cap, against `market_cap_usd`. The largest coin's share is what is called dominance. NULL where the sum is 0.
    - `coins_up`, `coins_down`: coins whose price is above, or below, the one of the date before; a coin without a
      price on one of the two dates is in neither.
    - `coins`, `coins_exact`: how many coins have a row, and how many of them a chart's.
    - `all_…`: the same with the coins that are rehypothecated on the date, which the others leave out.

    Stale rows are in `coins` alone: their values are of another date. A sum of doubles is rounded as the database adds
    it up, so two plans may differ in the last digits.

    Args:
        connection: Reads.
        day: The date.
        kind: Of the database.
    """
    dates = {"day": day, "day_before": day - ONE_DAY, "two_before": day - 2 * ONE_DAY}
    of_class = {bool(twice): _Sums(*sums) for twice, *sums in connection.execute(_sums(kind), dates)}
    if not of_class:
        return None
    once, twice = of_class.get(False, NOTHING), of_class.get(True, NOTHING)
    every = once.with_(twice)
    caps = connection.execute(_largest(), dates).all() if every.market_cap_usd else []
    of_once = [cap for cap, is_twice in caps if not is_twice]
    if len(of_once) < MOST and len(caps) == CAPS_READ:
        of_once = [cap for cap, _ in connection.execute(_largest().where(~_counts_twice()), dates)]
    return {
        "date": day,
        **_row(once, of_once),
        **{f"{tables.ALL}{name}": value for name, value in _row(every, [cap for cap, _ in caps]).items()},
    }


@dataclass(frozen=True)
class _Sums:
    """What is added up over the coins of a class."""

    coins: int
    coins_exact: int
    market_cap_usd: float | None
    volume_24h_usd: float | None
    coins_with_price: int
    coins_up: int
    coins_down: int

    def with_(self, other: "_Sums") -> "_Sums":
        """The sums over both classes."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return _Sums(*(a if b is None else b if a is None else a + b for a, b in pairs))


NOTHING = _Sums(0, 0, None, None, 0, 0, 0)


def _row(sums: _Sums, caps: Sequence[float]) -> dict[str, Any]:
    cap = sums.market_cap_usd
    shares = {name: sum(caps[:largest]) / cap if cap else None for name, largest in LARGEST.items()}
    return {**asdict(sums), **shares}


def global_market_inputs(kind: Kind) -> dict[str, Inputs]:
    """From which columns each column of the table is computed; the database does not matter."""
    sums = column_inputs(_sums(kind), ["class", *(each.name for each in fields(_Sums))])
    caps = column_inputs(_largest(), ["cap", "class"])
    of_class = sums.pop("class")
    sums |= dict.fromkeys(LARGEST, caps["cap"] | sums["market_cap_usd"])
    return {
        "date": frozenset({tables.daily_market.c.date}),
        **{name: inputs | of_class for name, inputs in sums.items()},
        **{f"{tables.ALL}{name}": inputs for name, inputs in sums.items()},
    }


def _counts_twice() -> ColumnElement[bool]:
    """That a coin stands for others on the date that are counted already."""
    table = tables.rehypothecated_assets.c
    return tables.daily_market.c.asset_id.in_(select(table.asset_id).where(table.first_on <= DAY, table.last_on >= DAY))


@cache
def _sums(kind: Kind) -> Select[Any]:
    market, before = tables.daily_market, tables.daily_market.alias("before")
    # The one date before, told as a range: MySQL then reads it once into a hash table, and does not look up each coin.
    between = and_(before.c.date > TWO_BEFORE, before.c.date < DAY)
    day_before = and_(
        between if kind == "mysql" else before.c.date == DAY_BEFORE,
        before.c.asset_id == market.c.asset_id,
        before.c.source != tables.STALE,
    )
    counts = market.c.source != tables.STALE
    price = case((counts, market.c.price_usd))
    twice = _counts_twice().label("counts_twice")
    query = (
        select(
            twice,
            func.count(),
            func.count(case((market.c.source == tables.CHART, 1))),
            func.sum(case((counts, market.c.market_cap_usd))),
            func.sum(case((counts, market.c.volume_24h_usd))),
            func.count(price),
            func.count(case((price > before.c.price_usd, 1))),
            func.count(case((price < before.c.price_usd, 1))),
        )
        .select_from(market.outerjoin(before, day_before))
        .where(market.c.date == DAY)
        # By its name: MySQL does not take an expression with a subquery for the same one.
        .group_by(literal_column(twice.name))
    )
    # MySQL takes the index by coin for some dates, and reads each of its rows out of order then.
    for each in (market, before):
        query = query.with_hint(each, "USE INDEX (PRIMARY)", "mysql")
    return query


@cache
def _largest() -> Select[Any]:
    """The market caps of the largest coins, the largest first, and whether each stands for others."""
    market = tables.daily_market
    cap = market.c.market_cap_usd
    return (
        select(cap, _counts_twice())
        .where(market.c.date == DAY, market.c.source != tables.STALE, cap.is_not(None))
        .order_by(cap.desc())
        .limit(CAPS_READ)
    )
