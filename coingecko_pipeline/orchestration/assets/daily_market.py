"""Price, volume and market cap of every coin for every date."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field
from sqlalchemy import Connection, case, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.history import COINS_ASKED, acquire_history
from coingecko_pipeline.acquisition.planning import Request
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.snapshot import acquire_snapshot
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.changes import Change
from coingecko_pipeline.market.snapshots import snapshot_transaction
from coingecko_pipeline.market.whole_rows import write_whole_rows
from coingecko_pipeline.orchestration.assets.endpoints import market_endpoint
from coingecko_pipeline.orchestration.assets.market_asset import daily_market_asset, show_largest
from coingecko_pipeline.orchestration.assets.market_charts import CoinsConfig, as_metadata, market_charts
from coingecko_pipeline.orchestration.failures import failing_for_good, permanent_failures, tell_survived
from coingecko_pipeline.partitions import dates_of, key_of
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database, Frames


class DailyMarketConfig(CoinsConfig):
    """Which coins to fill, and what it may cost."""

    again: bool = Field(
        default=False,
        description="Of today: replace the values of an earlier snapshot, which was nearer to midnight.",
    )


@daily_market_asset(COINGECKO, deps=[market_endpoint(COINGECKO), market_charts])
def daily_market(
    context: dg.AssetExecutionContext,
    config: DailyMarketConfig,
    coingecko: dg.ResourceParam[CoinGecko],
    warehouse: dg.ResourceParam[Database],
    progress: dg.ResourceParam[Progress],
    keep_pages_days: dg.ResourceParam[int],
) -> Any:
    """Price, 24-hour volume and market cap in US dollars of every coin on every date.

    **One row** is one coin on one date. **The row of date D is the value at 00:00:00 UTC of D**, and its volume is
    that of the 24 hours before; the close of a day is the row of the next one. `source` says where it came from:

    - `snapshot`: read from `/coins/markets` when today's partition was materialized, one call for each 250 coins;
      `observed_at` is the coin's own last update. Of two snapshots of a date the one nearer to midnight stays.
    - `chart`: the 00:00:00 UTC point of `/coins/{id}/market_chart` (see `market_charts`), one call for each coin, which
      brings all its days. It replaces a snapshot's value and never the reverse, and what it does not give stays. Of a
      few dates CoinGecko's own point stands some minutes later, as `observed_at` tells.
    - `stale`: a snapshot whose own last update is more than a day before D: as received, and in no sum.

    Today's partition alone is a snapshot at any hour; every other partition or range comes from the archive of charts,
    after those that it lacks were asked for. A run whose calls the month's credits do not bear, less what the daily
    snapshots still need, stops before its first call.

    **Complete** when every active coin has a row (see the checks of `market_changes`). **Known gaps:** dates that
    CoinGecko has no point for, values that it does not give (NULL, never 0), dates before the plan's history, and the
    history of coins that left the list on a plan that does not serve them.
    """
    dates = DateRange(*dates_of(context.partition_key_range))
    with permanent_failures():
        request = Request(
            dates,
            tuple(dict.fromkeys(config.asset_ids)),
            config.top,
            config.max_calls,
            config.fit_budget,
            again=config.again,
        )
        if request.is_snapshot(coingecko.now()):
            return _take_snapshot(context, request, coingecko, warehouse, progress, keep_pages_days)
        acquisition = acquire_history(request, warehouse, coingecko, progress)
        context.log.info(acquisition.summary)
        acquisition.run()
        counts = rows_by_date(warehouse, dates)
    facts = {**as_metadata(acquisition.facts()), **tell_survived(context, coingecko.survived)}
    if dates.first == dates.last:
        return dg.MaterializeResult(metadata={**facts, **counts.get(dates.first, NO_ROWS)})
    # What holds for the whole run is told once, and of each date its own few numbers. The check of the coverage asks
    # how many coins today was asked for.
    context.log_event(dg.AssetObservation(context.asset_key, metadata=facts))
    today = coingecko.now().date()
    for day in dates:
        asked = {COINS_ASKED: facts[COINS_ASKED]} if day == today else {}
        context.add_asset_metadata({**counts.get(day, NO_ROWS), **asked}, partition_key=key_of(day))
    return dg.MaterializeResult()


NO_ROWS: Mapping[str, int] = {"dagster/partition_row_count": 0, "chart_rows": 0}


def rows_by_date(warehouse: Database, dates: DateRange) -> dict[date, dict[str, int]]:
    """How many rows each date of a range has, and how many of them are a chart's."""
    market = tables.daily_market
    query = (
        select(market.c.date, func.count(), func.count(case((market.c.source == tables.CHART, 1))))
        .where(market.c.date.between(dates.first, dates.last))
        .group_by(market.c.date)
    )
    rows = warehouse.run_reading(lambda connection: connection.execute(query).all())
    return {day: {"dagster/partition_row_count": count, "chart_rows": exact} for day, count, exact in rows}


def _take_snapshot(
    context: dg.AssetExecutionContext,
    request: Request,
    coingecko: CoinGecko,
    warehouse: Database,
    progress: Progress,
    keep_pages_days: int,
) -> Frames:
    acquisition = acquire_snapshot(request, warehouse, coingecko, progress, keep_pages_days)
    context.log.info(acquisition.summary)

    def metadata() -> dict[str, Any]:
        return {
            **as_metadata(acquisition.facts()),
            **tell_survived(context, coingecko.survived),
            "largest_coins": dg.MetadataValue.md(show_largest(warehouse, request.dates)),
        }

    day, again = request.dates.first, request.again
    # Of a page of the largest coins only some rows are taken, so it could not be compared with them.
    keeps_page = keep_pages_days > 0 and request.top is None

    def whole(connection: Connection) -> list[Change]:
        return write_whole_rows(warehouse, connection, day, acquisition.taken(), again=again, keeps_page=keeps_page)

    around = snapshot_transaction(day, again=again, also=whole, now=coingecko.now)
    return Frames(failing_for_good(acquisition.frames), metadata, around=around)
