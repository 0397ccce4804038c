"""Tables that are written in the transactions of the market's own: nothing else materializes them."""

import dagster as dg

from coingecko_pipeline.orchestration.assets.market_charts import market_charts
from coingecko_pipeline.orchestration.source_assets import DAILY_MARKET, Domain, key_in
from coingecko_pipeline.sources.registry import COINGECKO

MARKET_SNAPSHOTS = key_in(COINGECKO, "market_snapshots")
MARKET_REVISIONS = key_in(COINGECKO, "market_revisions")
REHYPOTHECATED_ASSETS = key_in(COINGECKO, "rehypothecated_assets")

BESIDE_THE_MARKET = (
    dg.AssetSpec(
        MARKET_SNAPSHOTS,
        deps=[DAILY_MARKET],
        description="""Every number and date of each coin's row of the markets, as received.

**One row** is one coin on one date: supplies, ranks, highs and lows, all-time high and low. It is written in the
transaction that writes the coin's row of `daily_market`, from the same page of `/coins/markets`. **Known gaps:** dates
without a snapshot, and what CoinGecko did not give (NULL, never 0).""",
        group_name=Domain.MARKET.value,
        tags=Domain.MARKET.tags,
    ),
    dg.AssetSpec(
        REHYPOTHECATED_ASSETS,
        deps=[MARKET_SNAPSHOTS],
        description="""The dates on which a coin stands for others that are counted already: wrapped, staked, bridged.

**One row** is one coin from one date to another. It is what the two ranks of each snapshot tell, written in the
snapshot's transaction. **Known gaps:** of dates before the first snapshot it is what that one told.""",
        group_name=Domain.COINS.value,
        tags=Domain.COINS.tags,
    ),
    dg.AssetSpec(
        MARKET_REVISIONS,
        deps=[market_charts],
        description="""What CoinGecko changed of days that were over.

**One row** is one value of one coin on one date: the old and the new one, and the moment of the chart that has the new
one. It is written in the transaction that writes the chart's rows. **Known gaps:** changes of values that no chart was
asked for again.""",
        group_name=Domain.MARKET.value,
        tags=Domain.MARKET.tags,
    ),
)
"""Each of them that a computed table is made from."""
