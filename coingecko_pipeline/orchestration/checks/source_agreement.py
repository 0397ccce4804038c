"""The check of how far the sources agree."""

from functools import partial

import dagster as dg

from coingecko_pipeline.agreement.comparison import LARGEST, PRICE_AGREES, largest_coins_compared, latest_date_compared
from coingecko_pipeline.orchestration.checks.in_one_step import in_one_step
from coingecko_pipeline.orchestration.checks.market import EXAMPLES
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.markdown import LEFT, RIGHT, markdown_table


@partial(in_one_step, key_in(COINGECKO, "source_agreement"))
def the_hundred_largest_agree_on_the_price(warehouse: Database) -> dg.AssetCheckResult:
    """Of the hundred largest coins by CoinGecko's market cap none has prices that differ by more than 2 %.

    Looked at is the latest date on which anything was compared. Coins that differ are listed; those that were not
    compared, for want of a pair or of a row, are counted; where none was compared the check warns too.
    """
    day = latest_date_compared(warehouse)
    coins = largest_coins_compared(warehouse, day, day) if day else []
    compared = [coin for coin in coins if coin.price_difference is not None]
    apart = [coin for coin in compared if coin.disagrees]
    apart.sort(key=lambda coin: -abs(coin.price_difference or 0.0))
    shown = markdown_table(
        {
            "coin": LEFT,
            "date": LEFT,
            "rank": RIGHT,
            "CoinGecko's price (USD)": RIGHT,
            "CoinPaprika's differs by": RIGHT,
        },
        (
            (coin.asset_id, coin.day, coin.rank, f"{coin.price_usd:.6g}", f"{coin.price_difference:+.2%}")
            for coin in apart[:EXAMPLES]
        ),
    )
    return dg.AssetCheckResult(
        passed=bool(compared) and not apart,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "compared_on": str(day) if day else "never",
            "coins_compared": len(compared),
            "coins_not_compared": len(coins) - len(compared),
            "coins_that_differ": len(apart),
            "largest_difference": max((abs(coin.price_difference or 0.0) for coin in compared), default=0.0),
            "disagreements": dg.MetadataValue.md(shown if apart else "none"),
        },
        description=f"Of the {LARGEST} largest coins, {len(apart)} differ by more than {PRICE_AGREES:.0%}."
        if compared
        else "Nothing was compared: materialize both sources' daily_market, asset_pairs and source_agreement.",
    )
