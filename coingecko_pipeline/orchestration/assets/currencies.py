"""What currencies cost in US dollars, today and on past dates."""

from collections.abc import Iterator, Sequence

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.currencies import (
    acquire_currencies,
    checked_currencies,
    due_currencies,
    take_current_rates,
)
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.orchestration.assets.contracts import AFTER_THE_SNAPSHOT
from coingecko_pipeline.orchestration.assets.endpoints import EXCHANGE_RATES, MARKET_CHART
from coingecko_pipeline.orchestration.assets.market_charts import as_metadata, date_of
from coingecko_pipeline.orchestration.failures import permanent_failures, tell_survived
from coingecko_pipeline.orchestration.freshness import policy_of
from coingecko_pipeline.orchestration.retries import RETRIES
from coingecko_pipeline.orchestration.source_assets import Domain, io_manager_of, key_in
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.errors import SourceError
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database, table_name


@dg.asset(
    key=key_in(COINGECKO, "fx_rates"),
    # After the list: where the key is refused, no further call is made with it.
    deps=[EXCHANGE_RATES, key_in(COINGECKO, "currency_charts"), key_in(COINGECKO, "raw_asset_list")],
    group_name=Domain.CURRENCIES.value,
    tags=Domain.CURRENCIES.tags,
    kinds={"coingecko"},
    pool=COINGECKO.pool,
    op_tags=AFTER_THE_SNAPSHOT,
    output_required=False,
    freshness_policy=policy_of(COINGECKO, "fx_rates"),
    metadata={"write_mode": "upsert"},
    io_manager_key=io_manager_of(COINGECKO),
)
def fx_rates(
    context: dg.AssetExecutionContext, coingecko: dg.ResourceParam[CoinGecko], warehouse: dg.ResourceParam[Database]
) -> Iterator[dg.Output[pd.DataFrame]]:
    """What one unit of a currency costs in US dollars on each date: some 70 currencies, metals and cryptocurrencies.

    **One row** is one currency on one date. `source` says where it came from:

    - `current`: as `/exchange_rates` told it when it was first asked on that date: one call a day for all currencies.
    - `chart`: the rate of 00:00:00 UTC, bitcoin's price in dollars by its price in the currency at that midnight (see
      `currency_charts`). It replaces a current one and never the reverse.

    Where no rates come, the run goes on and nothing is materialized, so that the freshness tells. **Complete** when
    today has its rates. **Known gaps:** dates before the first run and those that were missed, of currencies whose
    charts were not asked for (`coingecko-pipeline fx`, or the setting CURRENCIES).
    """
    with permanent_failures():
        try:
            taken = take_current_rates(coingecko, warehouse)
        except SourceError as error:
            context.log.warning("The exchange rates did not come, and today has none: %s", error)
            return
    if taken is None:
        context.log.info("Today has its exchange rates; they are not asked for again.")
        return
    day, usd_per_unit, left_out = taken
    frame = pd.DataFrame(
        {
            "date": np.full(len(usd_per_unit), np.datetime64(day, "us")),
            "currency": pd.Series(list(usd_per_unit), dtype="str"),
            "usd_per_unit": list(usd_per_unit.values()),
            "source": tables.CURRENT_RATE,
        }
    )
    yield dg.Output(frame, metadata={"currencies": len(frame), "left_out": left_out})


class CurrencyChartsConfig(dg.Config):
    """Which currencies, of which dates."""

    currencies: list[str] = Field(
        default=[],
        description="Their codes, such as eur; by default those of the setting CURRENCIES that are due: a date has no "
        "rate, or a month's rates are not those of midnight.",
    )
    from_date: str | None = Field(
        default=None, description="The first date that is wanted, as 2026-01-31; by default the plan's first."
    )
    to_date: str | None = Field(
        default=None, description="The last date, included; by default the last whose midnight a chart holds."
    )


@dg.asset(
    key=key_in(COINGECKO, "currency_charts"),
    deps=[MARKET_CHART, key_in(COINGECKO, "market_charts")],
    group_name=Domain.CURRENCIES.value,
    tags=Domain.CURRENCIES.tags,
    kinds={"coingecko"},
    pool=COINGECKO.pool,
    retry_policy=RETRIES,
)
def currency_charts(
    context: dg.AssetExecutionContext,
    config: CurrencyChartsConfig,
    coingecko: dg.ResourceParam[CoinGecko],
    warehouse: dg.ResourceParam[Database],
    progress: dg.ResourceParam[Progress],
    currencies: dg.ResourceParam[Sequence[str]],
) -> dg.MaterializeResult[None]:
    """Every answer to a call for bitcoin's chart in a currency, as received, and the rows of `fx_rates` they make.

    **One row** is one answer of `/coins/bitcoin/market_chart` with that currency (one call for a year and more): the
    moment, what it was (`values`, `empty`, `not_found`, `refused`, `unreadable`) and its body, compressed. Nothing is
    replaced or dropped. A date that an answer has spoken for is never asked for again. The rate of a date is bitcoin's
    price in dollars, from its charts in `daily_market`, by its price in the currency; where these dollars are missing,
    that chart is asked for first. A run whose calls the month's credits do not bear, less what the daily snapshots
    still need, stops before its first call.

    **Complete** when no wanted date is missing. **Known gaps:** dates that CoinGecko has no point for, and those before
    the plan's history.
    """
    with permanent_failures():
        now = coingecko.now()
        if config.currencies:
            first = date_of(config.from_date, "from_date") or coingecko.plan.earliest_date(now.date())
            last = date_of(config.to_date, "to_date") or max(first, latest_complete_date(now))
            chosen, dates = checked_currencies(config.currencies, warehouse), DateRange(first, last)
        else:
            chosen, dates = due_currencies(currencies, warehouse, coingecko.plan, now)
        work = acquire_currencies(chosen, dates, warehouse, coingecko, progress)
        context.log.info("Currencies for %s: %s; %d calls.", dates, ", ".join(chosen) or "none", work.plan.needed)
        facts = work.run()
    for currency, reason in facts["currencies_faulty"].items():
        context.log.warning("There is no chart in %r: %s", currency, reason)
    return dg.MaterializeResult(
        metadata={
            "dagster/table_name": table_name(warehouse, tables.currency_charts),
            **as_metadata(facts),
            **tell_survived(context, coingecko.survived),
        }
    )
