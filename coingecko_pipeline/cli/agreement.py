"""agreement: a second source's market of today, and how far the two agree."""

import sys
from datetime import UTC, date, datetime

import click
from rich.table import Table

from coingecko_pipeline.agreement.comparison import LARGEST, PRICE_AGREES, largest_coins_compared
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.jobs import run_job, running
from coingecko_pipeline.cli.terminal import CONSOLE, counted, tell
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.settings import Settings, load_settings
from coingecko_pipeline.sources.registry import SNAPSHOT_SOURCES


@click.command()
def agreement() -> None:
    """Read CoinPaprika's market of today, pair its coins with CoinGecko's, and tell how far they agree.

    Three calls to CoinPaprika, and once a week one for the contracts of each of its some 40 chains.
    """
    settings = load_settings()
    with running(settings):
        ok = take_agreement(settings)
    sys.exit(0 if ok else 1)


def take_agreement(settings: Settings) -> bool:
    """Run the second source's daily job and the agreement of today, and show both; whether all went well.

    Args:
        settings: What the resources are made from.
    """
    today = datetime.now(UTC).date()
    dates = DateRange(today, today)
    ok = True
    for source in SNAPSHOT_SOURCES:
        outcome = run_job(f"{source.name}_daily_job", settings, dates)
        if not outcome.ok:
            return False
        ok = run_job(f"{source.name}_checks_job", settings).ok and ok
        facts = outcome.metadata["daily_market"]
        tell(
            f"Stored {source.title}'s market of {today}: {counted(facts['rows_written'], 'row')} for "
            f"{counted(facts['calls'], 'call')}."
        )
    outcome = run_job("source_agreement_job", settings)
    if pairs := outcome.metadata.get("asset_pairs"):
        tell(
            f"{counted(pairs['pairs'], 'pair')} of coins, {pairs['pairs_new']:,} of them new; "
            f"{counted(pairs['coins_ambiguous'], 'ambiguous coin')} left without."
        )
        _show_largest(settings, today)
    return outcome.ok and ok


def _show_largest(settings: Settings, day: date) -> None:
    database = open_warehouse(settings)
    coins = largest_coins_compared(database, day, day)
    database.dispose()
    compared = [coin for coin in coins if coin.price_difference is not None]
    apart = [coin for coin in compared if coin.disagrees]
    tell(
        f"Of the {LARGEST} largest coins {len(compared)} have a pair; the prices of {len(apart)} differ by more than "
        f"{PRICE_AGREES:.0%}."
    )
    if not apart:
        return
    table = Table(title=f"Prices on {day} that do not agree")
    table.add_column("coin")
    for name in ("rank", "CoinGecko (USD)", "CoinPaprika differs by"):
        table.add_column(name, justify="right")
    for coin in apart:
        table.add_row(coin.asset_id, str(coin.rank), f"{coin.price_usd:,.6g}", f"{coin.price_difference:+.2%}")
    CONSOLE.print(table)
