"""The views: rows of the tables as people ask for them, computed when they are read.

Each is declared once, as a select of the declared tables; `migrate` and the first use of a database make those that are
missing or have changed, on MySQL, MariaDB and SQLite alike. `coingecko-pipeline export` takes them like tables.
"""

from typing import Any

from sqlalchemy import Double, MetaData, select, type_coerce

from coingecko_pipeline.tables.currencies import fx_rates
from coingecko_pipeline.tables.market import daily_market
from coingecko_pipeline.tables.metadata import metadata
from coingecko_pipeline.warehouse.views import Views, declare_record, declare_view

view_metadata = MetaData()
"""All views; they are in no migration."""

declared_views = declare_record("declared_views", metadata)


def _by_rate(column: str) -> Any:
    return type_coerce(daily_market.c[f"{column}_usd"] / fx_rates.c.usd_per_unit, Double).label(column)


daily_market_in = declare_view(
    "daily_market_in",
    view_metadata,
    select(
        daily_market.c.date,
        daily_market.c.asset_id,
        fx_rates.c.currency,
        *map(_by_rate, ("price", "volume_24h", "market_cap")),
        daily_market.c.source,
        daily_market.c.observed_at,
        fx_rates.c.usd_per_unit,
        fx_rates.c.source.label("rate_source"),
    ).join_from(daily_market, fx_rates, daily_market.c.date == fx_rates.c.date),
    key=("date", "asset_id", "currency"),
    comment="One coin on one date in one currency; choose the currency, since each row of daily_market is in all",
    comments={
        "price": "price of one coin (units of the currency)",
        "volume_24h": "trading volume of the 24 hours before (units of the currency)",
        "market_cap": "market capitalisation (units of the currency); 0 is CoinGecko's own",
        "source": "daily_market.source: chart, snapshot or stale",
        "rate_source": "fx_rates.source: chart or current",
    },
)
"""Values at one date are divided by the rate of that date. A date without a rate of a currency has no row in it."""

VIEWS = Views(view_metadata, declared_views)
