"""The daily market as views: what is not odd, days labelled by their end, and the coins of a date with ranks."""

from datetime import date
from typing import Any

from sqlalchemy import Boolean, Date, Integer, and_, case, exists, func, select, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from coingecko_pipeline.tables.candles import market_flags
from coingecko_pipeline.tables.coins import assets
from coingecko_pipeline.tables.market import STALE, daily_market
from coingecko_pipeline.tables.snapshots import rehypothecated_assets
from coingecko_pipeline.tables.views import view_metadata
from coingecko_pipeline.warehouse.views import declare_view


class day_before(FunctionElement[date]):  # noqa: N801 - functions of SQLAlchemy are in lower case
    """The date before another; a view is one select on every database, which spell this in two ways."""

    type = Date()
    inherit_cache = True


@compiles(day_before)
def _on_servers(element: day_before, compiler: SQLCompiler, **options: Any) -> str:
    return f"adddate({compiler.process(element.clauses, **options)}, -1)"


@compiles(day_before, "sqlite")
def _on_sqlite(element: day_before, compiler: SQLCompiler, **options: Any) -> str:
    return f"date({compiler.process(element.clauses, **options)}, '-1 days')"


daily_market_clean = declare_view(
    "daily_market_clean",
    view_metadata,
    select(daily_market).where(
        ~exists().where(market_flags.c.date == daily_market.c.date, market_flags.c.asset_id == daily_market.c.asset_id)
    ),
    key=("date", "asset_id"),
    comment="One coin on one date of which nothing in market_flags is odd",
)

_dates = select(daily_market.c.date).distinct().subquery("dates")

daily_close = declare_view(
    "daily_close",
    view_metadata,
    # From the few dates that there are: a condition on the date then finds the rows of these dates alone, where one on
    # a computed date of each row would read them all.
    select(
        type_coerce(day_before(_dates.c.date), Date).label("date"),
        *(column for column in daily_market.c if column.name != "date"),
    )
    .prefix_with("STRAIGHT_JOIN", dialect="mysql")
    .select_from(_dates.join(daily_market, daily_market.c.date == _dates.c.date)),
    key=("date", "asset_id"),
    comment="One coin on one day, labelled by its end: the row of the next date of daily_market",
    comments={
        "date": "the values are those of 24:00:00 UTC of this date, which is 00:00:00 of the next one",
        "volume_24h_usd": "trading volume of this date (US dollars)",
    },
)

_counts_twice = rehypothecated_assets.c.asset_id.is_not(None)
_has_cap = and_(daily_market.c.source != STALE, daily_market.c.market_cap_usd > 0)
_by_cap = case((_has_cap, daily_market.c.market_cap_usd)).desc()

universe = declare_view(
    "universe",
    view_metadata,
    select(
        daily_market.c.date,
        daily_market.c.asset_id,
        assets.c.symbol,
        assets.c.name,
        type_coerce(
            case(
                (
                    and_(_has_cap, ~_counts_twice),
                    func.rank().over(partition_by=(daily_market.c.date, _counts_twice), order_by=_by_cap),
                )
            ),
            Integer,
        ).label("market_cap_rank"),
        type_coerce(
            case((_has_cap, func.rank().over(partition_by=daily_market.c.date, order_by=_by_cap))), Integer
        ).label("market_cap_rank_with_rehypothecated"),
        type_coerce(_counts_twice, Boolean).label("is_rehypothecated"),
        daily_market.c.price_usd,
        daily_market.c.market_cap_usd,
        daily_market.c.volume_24h_usd,
        daily_market.c.source,
        type_coerce(case((assets.c.is_active, 0), else_=1), Boolean).label("is_gone"),
        assets.c.last_seen_on,
    ).select_from(
        daily_market.outerjoin(assets, assets.c.asset_id == daily_market.c.asset_id).outerjoin(
            rehypothecated_assets,
            and_(
                rehypothecated_assets.c.asset_id == daily_market.c.asset_id,
                daily_market.c.date.between(rehypothecated_assets.c.first_on, rehypothecated_assets.c.last_on),
            ),
        )
    ),
    key=("date", "asset_id"),
    comment="One coin on one date as it was then, whether or not it is still listed",
    comments={
        "market_cap_rank": "rank by market cap among coins that are not rehypothecated; NULL without a cap",
        "market_cap_rank_with_rehypothecated": "rank by market cap among all coins; NULL without a cap",
        "is_rehypothecated": "whether it stood for coins that are counted already: wrapped, staked or bridged",
        "is_gone": "whether the latest list lacks it",
    },
)
"""A stale row has no rank, as it is in no sum: its market cap is of another date."""
