"""What is odd about a row of the daily market."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import dagster as dg

from coingecko_pipeline import measures, tables
from coingecko_pipeline.orchestration.assets.beside_the_market import MARKET_REVISIONS, MARKET_SNAPSHOTS
from coingecko_pipeline.orchestration.assets.deriving import DerivedTableConfig, derive, derived_asset
from coingecko_pipeline.orchestration.source_assets import DAILY_MARKET
from coingecko_pipeline.warehouse import Database


@derived_asset(tables.market_flags, [DAILY_MARKET, MARKET_SNAPSHOTS, MARKET_REVISIONS])
def market_flags(
    context: dg.AssetExecutionContext,
    config: DerivedTableConfig,
    warehouse: dg.ResourceParam[Database],
    now: dg.ResourceParam[Callable[[], datetime]],
    measures_memory: dg.ResourceParam[int],
    flag_thresholds: dg.ResourceParam[measures.Thresholds],
) -> dg.MaterializeResult[Any]:
    """What is odd about a row of `daily_market`, told beside it: no value is ever changed.

    **One row** is one flag of one coin on one date, with the figures that it was told from in `detail`:

    - `stale`: CoinGecko's own last update was more than a day before the date (`source` is `stale`).
    - `spike`: the price is five times (FLAG_SPIKE_FACTOR) both a price of the three days before and one of the three
      days after, or a fifth of both, and these are alike. A coin that rises a hundredfold and stays has none.
    - `cap_not_supply`: the market cap is more than 25 % (FLAG_CAP_OFF_PCT) off price times the circulating supply of
      the date's snapshot.
    - `volume_above_cap`: the volume of 24 hours is above the market cap (FLAG_VOLUME_TIMES_CAP).
    - `revised`: CoinGecko changed a value after the date was over (`market_revisions` has both).
    - `candle_outside`: the price is more than 1 % (FLAG_CANDLE_OFF_PCT) outside of low to high of the day that it
      closes, or of the day that it opens.

    Computed inside the database from `daily_market`, `market_snapshots` and `market_revisions`, without a call, and as
    far as the market has changed. The view `daily_market_clean` has the rows without a flag.

    **Complete** when three dates after it are; a spike is told when the price has returned. **Known gaps:** supply and
    candles are known of dates with a snapshot; nothing tells whether a coin's first or last price is a spike; a
    threshold that was changed holds for what is made afterwards, and for all of it after a `rebuild` of {}.
    """
    derived = measures.market_flags(flag_thresholds)
    return derive(context, config, warehouse, derived, now(), measures_memory)
