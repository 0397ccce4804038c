"""The whole pipeline on a synthetic market, without a key and without a network."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from pydantic import SecretStr
from rich.table import Table
from rich.text import Text

from coingecko_pipeline.acquisition.universe import largest_coins
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.agreement import take_agreement
from coingecko_pipeline.cli.commands import take_charts, take_daily
from coingecko_pipeline.cli.instance import use_demo_home
from coingecko_pipeline.cli.report import write_report
from coingecko_pipeline.cli.status import read_status, show_status
from coingecko_pipeline.cli.terminal import CONSOLE, telling_time
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions, rehypothecated_beside
from coingecko_pipeline.settings import Settings, load_settings
from coingecko_pipeline.warehouse import Database

DEMO_DATABASE = Path("data") / "demo" / "coingecko.db"
DEMO_REPORT = Path("data") / "demo" / "report" / "index.html"
DEMO_COINS = 100
DEMO_DAYS = 365
# Of the sandbox's plans the one whose rate the demo's 171 calls stay below.
DEMO_PLAN = "analyst"
DEMO_KEY = SecretStr("CG-sandbox")


def demo_settings(sandbox: RunningSandbox) -> Settings:
    """The demo's settings, whatever the environment says.

    Args:
        sandbox: Stands for both sources.
    """
    return load_settings(
        coingecko_api_key=DEMO_KEY,
        coingecko_plan=DEMO_PLAN,
        coingecko_base_url=sandbox.url,
        coingecko_calls_per_minute=None,
        coingecko_credits_per_month=None,
        coingecko_history_days=None,
        coingecko_billing_day=None,
        coinpaprika_base_url=sandbox.coinpaprika_url,
        database_url=SecretStr(f"sqlite:///{DEMO_DATABASE}"),
        report_path=DEMO_REPORT,
    )


@contextmanager
def demo_sandbox() -> Iterator[RunningSandbox]:
    """The sandbox on a free port."""
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
    use_demo_home()
    today = datetime.now(UTC).date()
    with telling_time(), demo_sandbox() as sandbox:
        settings = demo_settings(sandbox)
        database = open_warehouse(settings)
        ok = take_daily(settings).ok
        # Before the charts, whose exact values of midnight are hours older than what CoinPaprika tells now.
        ok = take_agreement(settings) and ok
        past = DateRange(today - timedelta(days=DEMO_DAYS), today - timedelta(days=1))
        ok = take_charts(settings, past, top=DEMO_COINS).ok and ok
        CONSOLE.print()
        CONSOLE.print(_largest(database))
        show_status(read_status(database, settings.plan))
        database.dispose()
        ok = write_report(settings).ok and ok
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
    program = "coingecko-pipeline" if Path(sys.argv[0]).parent.name != "bin" else ".venv/bin/coingecko-pipeline"
    CONSOLE.print("\nNext:", style="bold")
    for what, command in (
        ("open the UI on this demo", f"{program} dev --demo"),
        ("go live with a free key", f"COINGECKO_API_KEY=… {program} daily"),
        ("move to MySQL", f"DATABASE_URL=mysql+pymysql://user:password@host:3306/coingecko {program} migrate"),
    ):
        CONSOLE.print(f"  {what}:", highlight=False)
        CONSOLE.print(f"    {command}", style="cyan", highlight=False, soft_wrap=True)
