"""The whole pipeline on a synthetic market, without a key and without a network."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from coingecko_pipeline.acquisition.universe import largest_coins
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.agreement import take_agreement
from coingecko_pipeline.cli.commands import take_charts, take_daily
from coingecko_pipeline.cli.demo_market import DEMO_PLAN, demo_settings
from coingecko_pipeline.cli.demo_place import DEMO_HOME, DEMO_REPORT
from coingecko_pipeline.cli.instance import use_demo_home
from coingecko_pipeline.cli.jobs import running
from coingecko_pipeline.cli.measures import take_measures
from coingecko_pipeline.cli.report import write_report
from coingecko_pipeline.cli.status import show_status
from coingecko_pipeline.cli.stored_status import read_status
from coingecko_pipeline.cli.terminal import CONSOLE, program, tell
from coingecko_pipeline.cli.watching import at_work
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.warehouse import Database

if TYPE_CHECKING:
    from coingecko_pipeline.sandbox import RunningSandbox

DEMO_COINS = 100
DEMO_DAYS = 365


@contextmanager
def demo_sandbox() -> Iterator["RunningSandbox"]:
    """The sandbox on a free port."""
    from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions, rehypothecated_beside

    options = SandboxOptions(plan=DEMO_PLAN, oddities=True, revise_share=0.1)
    options = replace(options, rehypothecated=rehypothecated_beside(options.coins))
    with RunningSandbox(options) as running:
        yield running


@click.command()
def demo() -> None:
    """Fill data/demo/coingecko.db from a synthetic market: today's snapshot of all coins, a year of the largest 100."""
    CONSOLE.print(
        Text.assemble(
            ("This market is synthetic.", "bold"),
            " It comes from a sandbox on this machine, not from CoinGecko: no key, no network, and no number in it is "
            "real.",
        )
    )
    CONSOLE.print(
        "The schedule takes the snapshot at 00:00 UTC; a demo at another hour makes the check of its time warn.\n"
    )
    today = datetime.now(UTC).date()
    with at_work("Making a synthetic market") as view, demo_sandbox() as sandbox:
        settings = demo_settings(sandbox.url, sandbox.coinpaprika_url)
        with running(settings, home=use_demo_home):
            ok = take_daily(settings).ok
            # Before the charts, whose exact values of midnight are hours older than what CoinPaprika tells now.
            ok = take_agreement(settings) and ok
            past = DateRange(today - timedelta(days=DEMO_DAYS), today - timedelta(days=1))
            ok = take_charts(settings, past, top=DEMO_COINS).ok and ok
            ok = take_measures(settings).ok and ok
            ok = write_report(settings).ok and ok
        view.doing("Reading what is stored")
        database = open_warehouse(settings)
        largest, status = _largest(database), read_status(database, settings.plan, DEMO_HOME)
        database.dispose()
    CONSOLE.print()
    CONSOLE.print(largest)
    show_status(status)
    if ok:
        _next_commands()
    sys.exit(0 if ok else 1)


def _largest(database: Database) -> Table:
    today = datetime.now(UTC).date()
    table = Table(title=f"The ten largest coins on {today} (synthetic)")
    for name in ("coin", "symbol"):
        table.add_column(name)
    for name in ("price (USD)", "24-hour volume (million USD)", "market cap (million USD)"):
        table.add_column(name, justify="right")
    for coin in largest_coins(database, DateRange(today, today)):
        table.add_row(
            coin.name,
            coin.symbol,
            f"{coin.price_usd:,.6g}",
            f"{(coin.volume_24h_usd or 0) / 1e6:,.0f}",
            f"{coin.market_cap_usd / 1e6:,.0f}",
        )
    return table


def _next_commands() -> None:
    called = program()
    tell(Text("\nNext:", "bold"))
    for what, command in (
        ("look at the page", str(DEMO_REPORT)),
        ("open the UI on this demo", f"{called} dev --demo"),
        ("ask it", f"{called} price bitcoin --demo"),
        ("go live with a free key", f"COINGECKO_API_KEY=… {called} daily"),
        ("move to MySQL", f"DATABASE_URL=mysql+pymysql://user:password@host:3306/coingecko {called} migrate"),
    ):
        tell(f"  {what}:")
        tell(Text(f"    {command}", "cyan"))
