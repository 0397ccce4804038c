"""The report, made again whenever the market has changed."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import dagster as dg
from pydantic import Field

from coingecko_pipeline.market.changes import latest_change, set_followed
from coingecko_pipeline.orchestration.derived_tables import REPORT
from coingecko_pipeline.orchestration.failures import permanent_failures
from coingecko_pipeline.orchestration.source_assets import DAILY_MARKET, Domain, key_in
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database


class MarketReportConfig(dg.Config):
    """Where the report goes."""

    output: str | None = Field(default=None, description="The HTML file; by default the one that REPORT_PATH names.")
    overwrite: bool = Field(default=False, description="Replace a file that is no earlier report, too.")


@dg.asset(
    key=key_in(COINGECKO, REPORT),
    deps=[DAILY_MARKET, key_in(COINGECKO, "source_agreement")],
    group_name=Domain.MARKET.value,
    tags=Domain.MARKET.tags,
    kinds={"html"},
)
def market_report(
    context: dg.AssetExecutionContext,
    config: MarketReportConfig,
    warehouse: dg.ResourceParam[Database],
    plan: dg.ResourceParam[Plan],
    now: dg.ResourceParam[Callable[[], datetime]],
    report_path: dg.ResourceParam[Path],
) -> dg.MaterializeResult[None]:
    """The market and the data's own health as one HTML page that needs no network.

    **One file** at REPORT_PATH: market cap, volume and dominance of a year, winners and losers, every coin with its
    numbers and charts, coverage, exact rows, gaps, credits and the agreement of the sources. It is read from
    `daily_market`, `source_agreement` and what the budget counts; it costs no call. Who reads the file while it is made
    again sees the old one whole. A file in its place that is no report is never replaced unasked.

    **Complete** when `daily_market` is: made again after the runs that change it have ended, the daily snapshot's too.

    **Known gaps:** dates before the latest 365; the values of small coins between two weeks.
    """
    # Bokeh takes a second to import, which no other step and no reload of the code should pay.
    from coingecko_pipeline.report.making import make_report

    moment = now()
    with permanent_failures():
        number = latest_change(warehouse)
        path = Path(config.output) if config.output else report_path
        report = make_report(warehouse, plan, path, moment, overwrite=config.overwrite)
        if config.output is None:
            warehouse.run_in_transaction(
                lambda connection: set_followed(connection, REPORT, COINGECKO.name, number, moment)
            )
    context.log.info("Wrote %s: %d coins, %.1f MB.", report.path, report.coins, report.size / 1e6)
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(report.path),
            "bytes": report.size,
            "latest_date": str(report.latest_date),
            "coins": report.coins,
            "rows": report.rows,
            "seconds": report.seconds,
            "followed_coingecko": f"to {number}",
        }
    )
