"""All data of a source, deleted."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import Connection, Table, delete, inspect, or_

from coingecko_pipeline import tables
from coingecko_pipeline.cli.terminal import CONSOLE, counted
from coingecko_pipeline.export.attribution import SIDECAR, sidecar_of, source_in
from coingecko_pipeline.lake import LakeError
from coingecko_pipeline.lake.deleting import delete_lake, folders_of_lake
from coingecko_pipeline.lake.errors import assert_extra
from coingecko_pipeline.report.place import is_report
from coingecko_pipeline.settings import load_settings
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO, SOURCES
from coingecko_pipeline.warehouse import Database, DatabaseUnavailable
from coingecko_pipeline.warehouse.emptying import count_rows_of, empty
from coingecko_pipeline.warehouse.failures import UNKNOWN_DATABASE, error_code

DATA = Path("data")
SHARED = ("asset_pairs", "source_agreement")
"""The tables of the main database that hold two sources' data."""
SUFFIXES = {".parquet", ".arrow", ".csv"}
"""What the name of a file ends with that is looked into; one with a sidecar is, whatever its name."""

NOT_REACHED = (
    "Not reached: back-ups, a server's binary logs, files elsewhere or renamed, and Dagster's own history, whose "
    "events hold a few rows as previews. docs/terms.md tells where these are."
)


@dataclass(frozen=True)
class Place:
    """Tables of one database that hold a source's data.

    Attributes:
        database: Where they are.
        tables: Those that are there.
        rows: How many rows each has, by its name.
    """

    database: Database
    tables: Sequence[Table]
    rows: Mapping[str, int]


@click.command()
@click.option(
    "--source",
    "name",
    type=click.Choice([source.name for source in SOURCES]),
    default=COINGECKO.name,
    show_default=True,
    help="Whose data.",
)
@click.option(
    "--exports",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another folder with exported files; can be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(name: str, folders: tuple[Path, ...], yes: bool) -> None:
    """Delete all data of a source for good: its tables, its archive, the lake, the report, and exported files.

    Tells what there is, and asks. Stop what writes into the database before.
    """
    source = next(each for each in SOURCES if each.name == name)
    settings = load_settings()
    warehouse = tables.open_database(settings.database_url.get_secret_value())
    try:
        places = list(_places(source, warehouse))
        files = [*_report(settings.report_path), *_exports(source, (Path(), DATA, *folders))]
        # Where the database is not there yet, it is not to be made by looking.
        lake = list(folders_of_lake(warehouse).values()) if source is COINGECKO and places else []
        if lake:  # before anything is deleted
            assert_extra()
        if not files and not lake and not any(sum(place.rows.values()) for place in places):
            _say(f"There is nothing of {source.title} in {warehouse.masked_url}, and no file of it.")
            return
        _say(f"What there is of {source.title}:")
        _list(places, [*files, *lake])
        if not yes and not click.confirm("Delete all of this for good?"):
            _say("Nothing was deleted.")
            sys.exit(1)
        if lake:
            # Before the tables, whose catalog tells where it is.
            delete_lake(warehouse, lambda folder: _say(f"Deleted {folder}."))
        _delete(source, warehouse, places, files)
    except LakeError as error:
        raise click.ClickException(f"{error} Nothing was deleted of the database.") from None
    finally:
        warehouse.dispose()


def _places(source: Source, warehouse: Database) -> Iterator[Place]:
    declared = tables.metadata.tables
    if not _is_there(warehouse):
        return
    if source is COINGECKO:
        yield _place(warehouse, [declared[name] for name in sorted(tables.MAIN_TABLES - tables.OWN_TABLES)])
        return
    schema = warehouse.schema(source.name)
    if _is_there(schema):
        yield _place(schema, [declared[name] for name in sorted(tables.SOURCE_TABLES - tables.OWN_TABLES)])
    yield _place(warehouse, [declared[name] for name in SHARED])


def _place(database: Database, wanted: Iterable[Table]) -> Place:
    rows = count_rows_of(database, list(wanted))
    return Place(database, [tables.metadata.tables[name] for name in rows], rows)


def _is_there(database: Database) -> bool:
    if database.is_sqlite:  # whose file would be made by looking into it
        return Path(database.url.database or "").exists()
    try:
        with database.connect():
            return True
    except DatabaseUnavailable as error:
        if error.__cause__ is not None and error_code(error.__cause__) == UNKNOWN_DATABASE:
            return False
        raise


def _report(path: Path) -> Iterator[Path]:
    if is_report(path):
        yield path


def _exports(source: Source, folders: Iterable[Path]) -> Iterator[Path]:
    """The exported files of a source, each with what stands beside it; below `data/` in all folders."""
    seen: set[Path] = set()
    for folder in folders:
        for path in sorted(folder.rglob("*") if folder == DATA else folder.glob("*")):
            looked_into = path.suffix in SUFFIXES or sidecar_of(path).is_file()
            if path.resolve() in seen or path.name.endswith(SIDECAR) or not looked_into or not path.is_file():
                continue
            if source_in(path) == source.name:
                seen.add(path.resolve())
                yield path
                if sidecar_of(path).is_file():
                    yield sidecar_of(path)


def _list(places: Iterable[Place], files: Iterable[Path | str]) -> None:
    for place in places:
        for name, rows in place.rows.items():
            if rows:
                _say(f"  {place.database.masked_url}: {counted(rows, 'row')} of {name}")
    for path in files:
        _say(f"  {path}")


def _delete(source: Source, warehouse: Database, places: Sequence[Place], files: Iterable[Path]) -> None:
    # The followed changes go first: an interruption leaves derived tables that are made anew, not ones that stay.
    warehouse.run_in_transaction(lambda connection: _unfollow(connection, source))
    for place in places:
        empty(place.database, place.tables)
        left = sum(count_rows_of(place.database, place.tables).values())
        rows, count = counted(sum(place.rows.values()), "row"), counted(len(place.tables), "table")
        _say(f"Deleted {rows} of {count} of {place.database.masked_url}; {left} are left.")
    for path in files:
        path.unlink(missing_ok=True)
        _say(f"Deleted {path}.")
    _say(NOT_REACHED)


def _unfollow(connection: Connection, source: Source) -> None:
    followed = tables.followed_changes
    if inspect(connection).has_table(followed.name):
        of_source = or_(followed.c.source == source.name, followed.c.table_name.in_(SHARED))
        connection.execute(delete(followed) if source is COINGECKO else delete(followed).where(of_source))


def _say(sentence: str) -> None:
    CONSOLE.print(sentence, highlight=False, soft_wrap=True)
