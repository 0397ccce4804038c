"""The report as a file."""

import sys
from pathlib import Path

import click

from coingecko_pipeline.cli.instance import use_home
from coingecko_pipeline.cli.runs import Outcome, run_job
from coingecko_pipeline.cli.terminal import CONSOLE, telling_time
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.settings import Settings, load_settings


@click.command()
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML file; by default the one that REPORT_PATH names, data/report/index.html.",
)
def report(output: Path | None) -> None:
    """Write the market and the data's own health into one HTML file that needs no network."""
    settings = load_settings()
    open_warehouse(settings).dispose()
    use_home()
    with telling_time():
        outcome = write_report(settings, output)
    sys.exit(0 if outcome.ok else 1)


def write_report(settings: Settings, output: Path | None = None) -> Outcome:
    """Run the report's job and tell where the file is.

    Args:
        settings: Where the data are, and where the file goes.
        output: Another file.
    """
    config = {"coingecko__market_report": {"config": {"output": str(output.resolve())}}} if output else {}
    outcome = run_job("market_report_job", settings, ops=config)
    if facts := outcome.metadata.get("market_report"):
        CONSOLE.print(
            f"Wrote {facts['path']}: {facts['coins']:,} coins, {facts['rows']:,} rows, {facts['bytes'] / 1e6:.1f} MB. "
            "Open it in a browser.",
            highlight=False,
            soft_wrap=True,
        )
    return outcome
