"""Charts by coin: what completes the history, and what newly listed coins and backfills lack."""

from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.history import acquire_history
from coingecko_pipeline.acquisition.planning import Request
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.asset_list.inactive import note_inactive_coins
from coingecko_pipeline.orchestration.assets.endpoints import MARKET_CHART
from coingecko_pipeline.orchestration.failures import permanent_failures, tell_survived
from coingecko_pipeline.orchestration.retries import RETRIES
from coingecko_pipeline.orchestration.source_assets import Domain, key_in
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.errors import CallerRefused, SourceError
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database, table_name

EXAMPLES = 20
"""Coins of each kind that the metadata lists."""


class CoinsConfig(dg.Config):
    """Which coins a run is about, and what it may cost."""

    asset_ids: list[str] = Field(default=[], description="Only these coins; empty for all active ones.")
    top: int | None = Field(default=None, gt=0, description="Only so many coins, the largest by market cap.")
    max_calls: int | None = Field(
        default=None,
        gt=0,
        description="Calls that the run may make at most; it does the part that fits, the largest coins first.",
    )
    fit_budget: bool = Field(
        default=False,
        description="Where the month's credits do not bear the whole, do the part that fits, the largest coins first, "
        "instead of stopping before the first call.",
    )


class MarketChartsConfig(CoinsConfig):
    """Which coins' charts to ask for, of which dates, and what it may cost."""

    from_date: str | None = Field(
        default=None, description="The first date that is wanted, as 2026-01-31; by default the plan's first."
    )
    to_date: str | None = Field(
        default=None, description="The last date, included; by default the last whose midnight a chart holds."
    )
    complete_history: bool = Field(
        default=False,
        description="Choose the coins by what their history lacks and spend today's share of the month's credits on "
        "it, as the schedule history_completion_schedule does.",
    )


@dg.asset(
    key=key_in(COINGECKO, "market_charts"),
    deps=[MARKET_CHART, key_in(COINGECKO, "assets")],
    group_name=Domain.MARKET.value,
    tags=Domain.MARKET.tags,
    kinds={"coingecko"},
    pool=COINGECKO.pool,
    retry_policy=RETRIES,
)
def market_charts(
    context: dg.AssetExecutionContext,
    config: MarketChartsConfig,
    coingecko: dg.ResourceParam[CoinGecko],
    warehouse: dg.ResourceParam[Database],
    progress: dg.ResourceParam[Progress],
) -> dg.MaterializeResult[None]:
    """Every answer to a call for a coin's chart, as received, and the rows of `daily_market` that they make.

    **One row** is one answer of `/coins/{id}/market_chart` (one call a coin, which brings all its days): the coin, the
    moment, what it was (`values`, `empty`, `not_found`, `refused`, `unreadable`), its body, compressed, and the dates
    that it has a value of. Nothing is replaced; a body is dropped only when a later answer holds each of its values.
    In the transaction that marks an answer as written its rows are in `daily_market`, a value that CoinGecko changed of
    a day that was over is in `market_revisions`, and what changed is in `market_changes`.

    A run asks for what the coins lack: a date that an answer has spoken for is never asked for again. One coin never
    stops the others: what is refused or unreadable is stored as that, with when to ask again. A run whose calls the
    month's credits do not bear, less what the daily snapshots still need, stops before its first call.

    **Complete** when no coin lacks a date that the plan serves (see `status`). **Known gaps:** dates that CoinGecko has
    no point for, and the history of coins that left the list on a plan that does not serve them. On a paid plan the
    completion asks once a month for the coins that were gone before the first list, and completes them last.
    """
    with permanent_failures():
        request = Request(
            _dates(config, coingecko),
            tuple(dict.fromkeys(config.asset_ids)),
            config.top,
            config.max_calls,
            config.fit_budget,
            config.complete_history,
        )
        gone_before = _note_inactive(context, warehouse, coingecko) if request.complete_history else {}
        acquisition = acquire_history(request, warehouse, coingecko, progress)
        context.log.info(acquisition.summary)
        acquisition.run()
    return dg.MaterializeResult(
        metadata={
            "dagster/table_name": table_name(warehouse, tables.market_charts),
            **gone_before,
            **as_metadata(acquisition.facts()),
            **tell_survived(context, coingecko.survived),
        }
    )


def _note_inactive(context: dg.AssetExecutionContext, warehouse: Database, client: CoinGecko) -> dict[str, int]:
    try:
        found = note_inactive_coins(warehouse, client)
    except CallerRefused:
        raise
    except SourceError as error:
        context.log.warning(f"The coins that were gone before the first list are asked for again tomorrow. {error}")
        return {}
    return {"coins_gone_before": found} if found else {}


def as_metadata(facts: Any) -> dict[str, Any]:
    """Facts as Dagster shows them: a date as text, some examples of a list, what is not known as such."""
    shown: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, list):
            shown[name] = len(value)
            if value:
                shown[f"{name}_examples"] = dg.MetadataValue.json(value[:EXAMPLES])
        elif isinstance(value, dict):
            shown[name] = dg.MetadataValue.json(dict(list(value.items())[:EXAMPLES]))
        else:
            shown[name] = str(value) if isinstance(value, date) or value is None else value
    return shown


def _dates(config: MarketChartsConfig, client: CoinGecko) -> DateRange:
    now = client.now()
    first = date_of(config.from_date, "from_date") or client.plan.earliest_date(now.date())
    return DateRange(first, date_of(config.to_date, "to_date") or max(first, latest_complete_date(now)))


def date_of(text: str | None, name: str) -> date | None:
    """The date that a config names; None where it names none.

    Raises:
        dagster.Failure: It is no date.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise dg.Failure(f"{name} is {text!r}; write a date as 2026-01-31.", allow_retries=False) from None
