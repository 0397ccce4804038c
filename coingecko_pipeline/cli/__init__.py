"""The command line: the same Dagster jobs on the same instance as the UI, so what it did is seen there.

Exit codes: 0 done, 1 failed, 2 wrong use or settings.
"""

import logging
import sys

import click
from dotenv import load_dotenv
from rich.logging import RichHandler

from coingecko_pipeline import __version__
from coingecko_pipeline.cli.agreement import agreement
from coingecko_pipeline.cli.commands import backfill, complete, daily, migrate_command
from coingecko_pipeline.cli.demo import demo
from coingecko_pipeline.cli.deployment import deployment
from coingecko_pipeline.cli.dev import dev
from coingecko_pipeline.cli.export import export
from coingecko_pipeline.cli.forget import forget
from coingecko_pipeline.cli.measures import measures
from coingecko_pipeline.cli.price import price_command
from coingecko_pipeline.cli.report import report
from coingecko_pipeline.cli.status import status
from coingecko_pipeline.cli.terminal import ERRORS
from coingecko_pipeline.cli.verify import verify
from coingecko_pipeline.sandbox.cli import sandbox
from coingecko_pipeline.settings import SettingsError
from coingecko_pipeline.warehouse import DatabaseUrlError, WarehouseError

FAILED = 1
WRONG_USE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coingecko-pipeline")
def cli() -> None:
    """Every coin that CoinGecko lists, its price, volume and market cap for every day, in your own database.

    Settings are environment variables or lines of a .env file in the working folder; .env.example has them all.
    """
    load_dotenv(".env")
    # Dagster's command line quietens everything below warnings as well.
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=ERRORS, show_path=False, show_time=False)],
        force=True,
    )


for command in (
    *(demo, dev, migrate_command, sandbox, daily, backfill, complete),
    *(measures, agreement, report, status, verify, export, price_command, forget, deployment),
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; an error of the settings or the database is one sentence, not a stack trace."""
    try:
        cli(standalone_mode=True)
    except (SettingsError, DatabaseUrlError) as error:
        ERRORS.print(f"[bold red]Settings:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(WRONG_USE)
    except WarehouseError as error:
        ERRORS.print(f"[bold red]Database:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(FAILED)
