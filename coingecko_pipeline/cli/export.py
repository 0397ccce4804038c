"""The rows of a table as a file, or into a pipe."""

import sys
import time
from contextlib import ExitStack
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

import click
from rich.console import Console
from sqlalchemy import Table

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import AcquisitionError
from coingecko_pipeline.acquisition.universe import known_coins
from coingecko_pipeline.cli.conversion import checked_currency, read_conversion, tell_lacking
from coingecko_pipeline.cli.demo_market import chosen_settings
from coingecko_pipeline.cli.demo_place import demo_option
from coingecko_pipeline.cli.stored import open_stored
from coingecko_pipeline.cli.terminal import CONSOLE, ERRORS, counted
from coingecko_pipeline.cli.watching import at_work
from coingecko_pipeline.databases import database_of, tables_of
from coingecko_pipeline.export import (
    FORMATS,
    LABELS,
    Attribution,
    Export,
    Exported,
    ExportError,
    Selection,
    SelectionError,
)
from coingecko_pipeline.export.formats import Format
from coingecko_pipeline.export.labels import CLOSE
from coingecko_pipeline.settings import Settings
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO, SOURCES
from coingecko_pipeline.tables import stored_origin
from coingecko_pipeline.warehouse import Database

PIPE = "-"
DATE = click.DateTime(["%Y-%m-%d"])


def _source(_context: click.Context, _parameter: click.Parameter, name: str) -> Source:
    return next(source for source in SOURCES if source.name == name)


def _table(context: click.Context, _parameter: click.Parameter, name: str) -> Table:
    source: Source = context.params["source"]
    declared = {**tables_of(source).tables}
    if source is COINGECKO:
        declared = {name: declared[name] for name in tables.MAIN_TABLES} | dict(tables.view_metadata.tables)
    if name not in declared:
        close = get_close_matches(name, declared, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(sorted(declared))}."
        raise click.BadParameter(f"there is no table {name!r}; {hint}")
    return declared[name]


@click.command()
@click.option("--from", "first", type=DATE, help="The first date (UTC); by default the table's first.")
@click.option("--to", "last", type=DATE, help="The last date, included; by default the table's last.")
@click.option("--asset", "asset_ids", multiple=True, help="Only this coin, by its id; can be repeated.")
@click.option("--table", default="daily_market", show_default=True, callback=_table, help="The table or view.")
@click.option("--currency", help="Values in this currency, by its code such as eur, at the rate of each date.")
@click.option(
    "--source",
    type=click.Choice([source.name for source in SOURCES]),
    default=COINGECKO.name,
    show_default=True,
    callback=_source,
    is_eager=True,
    help="Whose tables.",
)
@click.option(
    "--format",
    "name",
    type=click.Choice(list(FORMATS)),
    help="By default what the file's name ends with.",
)
@click.option(
    "--label",
    type=click.Choice(LABELS),
    default=LABELS[0],
    show_default=True,
    help="The date of a row: open, whose midnight begins it, or close, whose midnight ends it.",
)
@click.option("--output", metavar="FILE", help="The file, or - for a pipe; by default it is named after the table.")
@click.option("--overwrite", is_flag=True, help="Replace the file where it exists.")
@demo_option
@click.option(
    "--escape-formulas/--no-escape-formulas",
    default=True,
    show_default=True,
    help="In CSV: an apostrophe before a text that a spreadsheet would compute, such as =1+1.",
)
def export(
    first: datetime | None,
    last: datetime | None,
    asset_ids: tuple[str, ...],
    table: Table,
    currency: str | None,
    source: Source,
    name: str | None,
    label: str,
    output: str | None,
    overwrite: bool,
    on_demo: bool,
    escape_formulas: bool,
) -> None:
    """Write the rows of a table into a file that other tools read: Parquet, CSV or Arrow."""
    currency = checked_currency(currency, source, table)
    selection = Selection(table, first.date() if first else None, last.date() if last else None, asset_ids, label)
    file_format = _format(name, output)
    console = ERRORS if output == PIPE else CONSOLE
    path = None if output == PIPE else Path(output or _name_of(source, selection, file_format, currency))
    if path is None and not file_format.is_text and sys.stdout.isatty():
        raise click.UsageError(f"{file_format.suffix} is no text for a terminal: write to a file, or into a pipe.")
    began = time.monotonic()
    try:
        settings = chosen_settings(on_demo=on_demo)
        exported = _export(
            settings, source, selection, file_format, path, console, overwrite, currency, escape_formulas
        )
    except SelectionError as error:
        raise click.UsageError(str(error)) from None
    except (ExportError, AcquisitionError) as error:
        raise click.ClickException(str(error)) from None
    whose = "" if source is COINGECKO else f"{source.title}'s "
    line = f"Exported {counted(exported.rows, 'row')} of {whose}{selection}"
    if exported.size is not None:
        line += f" to {path}: {_megabytes(exported.size)}"
    console.print(f"{line} in {time.monotonic() - began:,.1f} s.", highlight=False, soft_wrap=True)


def _format(name: str | None, output: str | None) -> Format:
    """The format that is named, or that the file's name ends with.

    Raises:
        click.UsageError: The ending is of no format, or of another one than is named.
    """
    suffix = Path(output).suffix.lower() if output and output != PIPE else ""
    of_suffix = next((each for each in FORMATS.values() if f".{each.suffix}" == suffix), None)
    if name is None:
        if of_suffix is None and output and output != PIPE:
            endings = ", ".join(f".{each.suffix}" for each in FORMATS.values())
            raise click.UsageError(
                f"{output!r} ends with no format that is known: end it with one of {endings}, or give --format."
            )
        return of_suffix or FORMATS["parquet"]
    if of_suffix not in (None, FORMATS[name]):
        raise click.UsageError(f"--format {name} does not go with {output!r}, whose ending says {suffix[1:]}.")
    return FORMATS[name]


def _export(
    settings: Settings,
    source: Source,
    selection: Selection,
    file_format: Format,
    path: Path | None,
    console: Console,
    overwrite: bool,
    currency: str | None,
    escape_formulas: bool,
) -> Exported:
    selection.conditions()  # what cannot be chosen is told before the database is asked
    warehouse = open_stored(settings)
    try:
        database = database_of(source, warehouse)
        if selection.asset_ids:
            known_coins(selection.asset_ids, database)
        with at_work(f"Reading {selection}", console) as progress, ExitStack() as at_the_end:

            def begin(rows: int) -> None:
                progress.begin(f"Exporting {selection}", rows, "rows")
                at_the_end.pop_all()
                at_the_end.callback(progress.end)

            conversion = read_conversion(currency, selection, database) if currency else None
            attribution = _attribution(source, database)
            job = Export(
                database,
                selection,
                file_format,
                begin,
                progress.advance,
                conversion,
                attribution,
                escape_formulas=escape_formulas,
            )
            exported = job.to_file(path, overwrite=overwrite) if path else job.to_stream(sys.stdout.buffer)
        if conversion:
            tell_lacking(conversion)
        return exported
    finally:
        warehouse.dispose()


def _attribution(source: Source, database: Database) -> Attribution:
    if stored_origin(database) == "sandbox":
        return Attribution(source.name, f"Synthetic data of a sandbox, not {source.title}'s", source.site)
    return Attribution(source.name, source.attribution, source.site)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else counted(size, "byte")


def _name_of(source: Source, selection: Selection, file_format: Format, currency: str | None) -> str:
    whose = () if source is COINGECKO else (source.name,)
    parts = [*whose, selection.table.name, *(str(day) for day in (selection.first, selection.last) if day)]
    parts += [currency] if currency else []
    parts += [CLOSE] if selection.label == CLOSE else []
    return f"{'_'.join(parts)}.{file_format.suffix}"
