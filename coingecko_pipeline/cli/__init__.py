"""The command line: the same Dagster jobs on the same instance as the UI, so what it did is seen there.

Exit codes: 0 done, 1 failed, 2 wrong use or settings.
"""

import logging

import click

from coingecko_pipeline import __version__
from coingecko_pipeline.cli.lazy import LazyGroup
from coingecko_pipeline.cli.terminal import WarningLines

COMMANDS = {
    "agreement": "coingecko_pipeline.cli.agreement:agreement",
    "backfill": "coingecko_pipeline.cli.commands:backfill",
    "complete": "coingecko_pipeline.cli.commands:complete",
    "daily": "coingecko_pipeline.cli.commands:daily",
    "demo": "coingecko_pipeline.cli.demo:demo",
    "deployment": "coingecko_pipeline.cli.deployment:deployment",
    "dev": "coingecko_pipeline.cli.dev:dev",
    "export": "coingecko_pipeline.cli.export:export",
    "forget": "coingecko_pipeline.cli.forget:forget",
    "fx": "coingecko_pipeline.cli.currencies:fx",
    "lake": "coingecko_pipeline.cli.lake:lake",
    "maintain": "coingecko_pipeline.cli.maintain:maintain",
    "measures": "coingecko_pipeline.cli.measures:measures",
    "migrate": "coingecko_pipeline.cli.migrate:migrate_command",
    "price": "coingecko_pipeline.cli.price:price_command",
    "report": "coingecko_pipeline.cli.report:report",
    "sandbox": "coingecko_pipeline.sandbox.cli:sandbox",
    "status": "coingecko_pipeline.cli.status:status",
    "verify": "coingecko_pipeline.cli.verify:verify",
}
"""Where each command is. It is imported when it is named: those that run no job do without Dagster."""


@click.group(cls=LazyGroup, places=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="coingecko-pipeline")
def cli() -> None:
    """Every coin that CoinGecko lists, its price, volume and market cap for every day, in your own database.

    Settings are environment variables or lines of a .env file in the working folder; .env.example has them all.
    """
    from coingecko_pipeline.settings import load_dot_env

    load_dot_env()
    # Dagster's command line quietens everything below warnings as well.
    logging.basicConfig(level=logging.WARNING, handlers=[WarningLines()], force=True)


def main() -> None:
    """Run the command line; an error of the settings or the database is one sentence, not a stack trace."""
    try:
        cli(standalone_mode=True)
    except Exception as error:
        from coingecko_pipeline.cli.ending import end_with

        end_with(error)
        raise
