"""What is odd about a row of the daily market, told beside it: the row stays as it is.

Each flag is a query of its own, made anew for the rows that a change affects. A coin that really rises a hundredfold
and stays there has no flag.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    type_coerce,
    union_all,
)

from coingecko_pipeline import tables
from coingecko_pipeline.measures.candles import is_of_midnight
from coingecko_pipeline.measures.parts import Part, PartQuery
from coingecko_pipeline.measures.periods import days_later
from coingecko_pipeline.warehouse.database import Kind

SPIKE_DAYS = 3
"""A spike returns at most so many days after it began."""
RETURNED = 2.0
"""A price has returned where it is less than so many times, and more than this part of, the one before the spike."""
DATES_AT_ONCE = 31
"""Of 17,400 coins some 540,000 rows are read at once, and few are written."""
FIGURE_LENGTH = 32


@dataclass(frozen=True)
class Thresholds:
    """From where on something is odd.

    The reasons for the figures stand with the settings of these names, which begin with FLAG_.

    Attributes:
        spike_factor: So many times both the price before and the one after, or this part of them.
        cap_off_pct: Percent that the market cap is off price times circulating supply.
        volume_times_cap: Times the market cap that the volume of 24 hours is.
        candle_off_pct: Percent that a price is outside of a day's low to high.
    """

    spike_factor: float = 5.0
    cap_off_pct: float = 25.0
    volume_times_cap: float = 1.0
    candle_off_pct: float = 1.0


def flag_queries(thresholds: Thresholds) -> Sequence[PartQuery]:
    """The flags.

    - `stale`: the coin's own last update is more than a day before the date, so `source` is `stale`.
    - `spike`: the price is `spike_factor` times one of the three days before and one of the three days after, or this
      part of both, which are within a factor of `RETURNED` and at most four dates apart.
    - `cap_not_supply`: market cap against price times the circulating supply of the date's snapshot.
    - `volume_above_cap`: volume of 24 hours against market cap; where that is 0, nothing is told.
    - `revised`: CoinGecko has changed a value of the date after it was over.
    - `candle_outside`: the price is outside the low and high of the day that it closes or opens.
    """

    def query(flag: str, rows: Callable[[Part, Kind], Select[Any]], before: int = 0, after: int = 0) -> PartQuery:
        return PartQuery(tables.market_flags, rows, before, after, tables.market_flags.c.flag == flag, DATES_AT_ONCE)

    return (
        query("stale", select_stale),
        query("spike", lambda part, kind: select_spikes(part, kind, thresholds.spike_factor), SPIKE_DAYS, SPIKE_DAYS),
        query("cap_not_supply", lambda part, _: select_caps(part, thresholds.cap_off_pct)),
        query("volume_above_cap", lambda part, _: select_volumes(part, thresholds.volume_times_cap)),
        query("revised", select_revised),
        query("candle_outside", lambda part, kind: select_outside(part, kind, thresholds.candle_off_pct), before=1),
    )


def select_stale(part: Part, _kind: Kind) -> Select[Any]:
    """The rows of a part that are of an earlier date."""
    market = tables.daily_market
    detail = _told("last update ", market.c.observed_at)
    return _flagged("stale", market, detail, part).where(market.c.source == tables.STALE)


def select_volumes(part: Part, times: float) -> Select[Any]:
    """The rows of a part whose volume is so many times the market cap."""
    market = tables.daily_market
    volume, cap = market.c.volume_24h_usd, market.c.market_cap_usd
    detail = _told("volume ", volume, ", market cap ", cap)
    return _flagged("volume_above_cap", market, detail, part).where(cap > 0, volume > times * cap)


def select_caps(part: Part, off_pct: float) -> Select[Any]:
    """The rows of a part whose market cap is so many percent off price times circulating supply."""
    market, snapshot = tables.daily_market, tables.market_snapshots
    supply, cap = snapshot.c.circulating_supply, market.c.market_cap_usd
    worth = market.c.price_usd * supply
    detail = _told("market cap ", cap, ", price times supply ", worth)
    return (
        _flagged("cap_not_supply", snapshot, detail, part)
        .join(market, _same(market, snapshot))
        .where(cap > 0, worth > 0, func.abs(cap - worth) > off_pct / 100 * worth)
    )


def select_revised(part: Part, _kind: Kind) -> Select[Any]:
    """The rows of a part of which a value was changed after the date was over."""
    market, revisions = tables.daily_market, tables.market_revisions
    names = [
        func.coalesce(func.max(case((revisions.c.column_name == name, f"{name} "))), "")
        for name in ("price_usd", "volume_24h_usd", "market_cap_usd")
    ]
    detail = _told("changed afterwards: ", func.trim(names[0].concat(names[1]).concat(names[2])))
    return (
        _flagged("revised", market, detail, part)
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")
        .join(revisions, _same(revisions, market))
        .group_by(market.c.date, market.c.asset_id)
    )


def select_outside(part: Part, kind: Kind, off_pct: float) -> Select[Any]:
    """The rows of a part whose price is so many percent outside of the day that it closes, or of the one it opens."""
    market, snapshot = tables.daily_market, tables.market_snapshots
    price, low, high = market.c.price_usd, snapshot.c.low_24h_usd, snapshot.c.high_24h_usd
    # The snapshot of a date is at the end of the day that the date's price closes.
    sides = [
        select(market.c.date, market.c.asset_id, _told(f"{side} ", price, ", low ", low, ", high ", high).label("told"))
        .with_hint(snapshot, part.hint(snapshot), "mysql")
        .select_from(
            snapshot.join(
                market,
                and_(
                    market.c.date == (days_later(snapshot.c.date, -later, kind) if later else snapshot.c.date),
                    market.c.asset_id == snapshot.c.asset_id,
                ),
            )
        )
        .where(
            part.of(snapshot, before=-later, after=later),
            is_of_midnight(snapshot, kind),
            market.c.source != tables.STALE,
            or_(price > high * (1 + off_pct / 100), price < low * (1 - off_pct / 100)),
        )
        for side, later in (("close", 0), ("open", 1))
    ]
    found = union_all(*sides).subquery("outside")
    return select(found.c.date, found.c.asset_id, literal("candle_outside"), func.min(found.c.told)).group_by(
        found.c.date, found.c.asset_id
    )


def select_spikes(part: Part, kind: Kind, factor: float) -> Select[Any]:
    """The rows of a part whose price jumped and returned within three days.

    Only coins are looked at whose highest price of the days around is so many times the lowest, which a date's rows
    tell without being sorted.
    """
    market, prices = tables.daily_market, tables.daily_market.alias("prices")
    moved = (
        select(prices.c.asset_id)
        .with_hint(prices, part.hint(tables.daily_market), "mysql")
        .where(part.of(prices, SPIKE_DAYS, SPIKE_DAYS), prices.c.price_usd.is_not(None))
        .group_by(prices.c.asset_id)
        .having(func.max(prices.c.price_usd) >= factor * func.min(prices.c.price_usd))
        .subquery("moved")
    )
    rows = [
        _beside(function, column, number).label(f"{name}_{function}_{number}")
        for function in ("lag", "lead")
        for number in range(1, SPIKE_DAYS + 1)
        for name, column in (("date", market.c.date), ("price", market.c.price_usd))
    ]
    near = (
        select(market.c.date, market.c.asset_id, market.c.price_usd, *rows)
        .with_hint(market, part.hint(market), "mysql")
        .prefix_with("STRAIGHT_JOIN", dialect="mysql")
        .select_from(market.join(moved, moved.c.asset_id == market.c.asset_id))
        .where(
            part.of(market, SPIKE_DAYS, SPIKE_DAYS),
            market.c.price_usd.is_not(None),
            market.c.source != tables.STALE,
        )
        .suffix_with(text("WINDOW near_by AS (PARTITION BY daily_market.asset_id ORDER BY daily_market.date)"))
        .subquery("near")
    )
    price = near.c.price_usd
    told = []
    for before, after in ((1, 1), (1, 2), (2, 1), (1, 3), (2, 2), (3, 1)):
        earlier, later = near.c[f"price_lag_{before}"], near.c[f"price_lead_{after}"]
        within = near.c[f"date_lead_{after}"] <= days_later(near.c[f"date_lag_{before}"], SPIKE_DAYS + 1, kind)
        is_up = and_(price >= factor * earlier, price >= factor * later)
        is_down = and_(price * factor <= earlier, price * factor <= later)
        has_returned = and_(later < RETURNED * earlier, later * RETURNED > earlier)
        condition = and_(within, earlier > 0, later > 0, or_(is_up, is_down), has_returned)
        told.append((condition, _told("price ", price, ", before ", earlier, ", after ", later)))
    spikes = select(near.c.date, near.c.asset_id, case(*told).label("told")).where(part.of(near)).subquery("spikes")
    return select(spikes.c.date, spikes.c.asset_id, literal("spike"), spikes.c.told).where(spikes.c.told.is_not(None))


def _flagged(flag: str, rows: Any, detail: ColumnElement[str], part: Part) -> Select[Any]:
    """Rows of a part, as those of market_flags."""
    return (
        select(rows.c.date, rows.c.asset_id, literal(flag), detail)
        .with_hint(rows, part.hint(rows), "mysql")
        .select_from(rows)
        .where(part.of(rows))
    )


def _same(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(one.c.date == other.c.date, one.c.asset_id == other.c.asset_id)


def _beside(function: str, column: ColumnElement[Any], number: int) -> ColumnElement[Any]:
    # By name: MySQL makes a pass for each window that is written out, even where two are equal.
    value: ColumnElement[Any] = getattr(func, function)(column, literal_column(str(number), Integer))
    return type_coerce(value.op("OVER")(literal_column("near_by")), column.type)


def _told(*parts: str | ColumnElement[Any]) -> ColumnElement[str]:
    """Words and figures in one text."""
    texts = [literal(part) if isinstance(part, str) else cast(part, String(FIGURE_LENGTH)) for part in parts]
    first, *others = texts
    told: ColumnElement[str] = first
    for each in others:
        told = told.concat(each)
    return told
