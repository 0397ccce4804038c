"""The report as a file."""

import sys
from pathlib import Path

import click

from coingecko_pipeline.cli.demo_market import chosen_settings
from coingecko_pipeline.cli.demo_place import demo_option
from coingecko_pipeline.cli.instance import use_demo_home, use_home
from coingecko_pipeline.cli.jobs import Outcome, run_job, running
from coingecko_pipeline.cli.stored import open_stored
from coingecko_pipeline.cli.terminal import tell
from coingecko_pipeline.report import ReportError
from coingecko_pipeline.report.place import check_place
from coingecko_pipeline.settings import Settings


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The HTML file; by default the one that REPORT_PATH names, data/report/index.html.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file also where it is no earlier report.")
@demo_option
def report(output: Path | None, overwrite: bool, on_demo: bool) -> None:
    """Write the market and the data's own health into one HTML file that needs no network."""
    settings = chosen_settings(on_demo=on_demo)
    try:
        check_place(output or settings.report_path, overwrite=overwrite, makes_folder=output is None)
    except ReportError as error:
        raise click.ClickException(str(error)) from None
    with running(settings, open_stored, use_demo_home if on_demo else use_home):
        outcome = write_report(settings, output, overwrite=overwrite)
    sys.exit(0 if outcome.ok else 1)


def write_report(settings: Settings, output: Path | None = None, *, overwrite: bool = False) -> Outcome:
    """Run the report's job and tell where the file is.

    Args:
        settings: Where the data are, and where the file goes.
        output: Another file.
        overwrite: Whether a file that is no report is replaced.
    """
    config = {"overwrite": overwrite, **({"output": str(output.absolute())} if output else {})}
    outcome = run_job("market_report_job", settings, ops={"coingecko__market_report": {"config": config}})
    if facts := outcome.metadata.get("market_report"):
        tell(
            f"Wrote {facts['path']}: {facts['coins']:,} coins, {facts['rows']:,} rows, {facts['bytes'] / 1e6:.1f} MB. "
            "Open it in a browser."
        )
    return outcome
