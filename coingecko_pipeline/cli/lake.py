"""The lake by hand: brought up to date, kept small, shown and deleted."""

import sys
from typing import Any

import click

from coingecko_pipeline.cli.dagster_storage import told_bytes
from coingecko_pipeline.cli.jobs import run_job, running
from coingecko_pipeline.cli.terminal import counted, tell
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.lake import AddressRefused, LakeError, checked_address
from coingecko_pipeline.lake.deleting import delete_lake, folders_of_lake
from coingecko_pipeline.lake.errors import assert_extra
from coingecko_pipeline.settings import Settings, SettingsError, load_settings
from coingecko_pipeline.warehouse import Database


@click.command()
@click.option("--maintain", is_flag=True, help="Then forget old versions, join small files, delete those of nobody.")
@click.option("--anew", is_flag=True, help="Copy everything again, also what has not changed.")
@click.option("--show", is_flag=True, help="Tell what there is, and where; nothing is copied.")
@click.option("--delete", is_flag=True, help="Delete the lake; the database keeps everything.")
@click.option("--yes", is_flag=True, help="With --delete: do not ask.")
def lake(maintain: bool, anew: bool, show: bool, delete: bool, yes: bool) -> None:
    """Copy what has changed into Iceberg tables at LAKE_URI, which DuckDB, Spark, Trino and others read.

    It costs no call. Where the daemon runs, lake_schedule does the same each hour.
    """
    settings = load_settings()
    database = open_warehouse(settings)
    try:
        if delete:
            _delete(database, yes=yes)
            return
        address = _address(settings)
        assert_extra()
        if show:
            _show(database, address)
            return
    except LakeError as error:
        raise click.ClickException(str(error)) from None
    finally:
        database.dispose()
    with running(settings):
        config = {"maintain": maintain, "anew": anew}
        outcome = run_job("lake_job", settings, ops={"coingecko__lake": {"config": config}})
        if facts := outcome.metadata.get("lake"):
            _tell(dict(facts))
    sys.exit(0 if outcome.ok else 1)


def _address(settings: Settings) -> str:
    if settings.lake_uri is None:
        raise click.UsageError("LAKE_URI is not set: name a folder, or an address such as s3://bucket/folder.")
    try:
        return checked_address(settings.lake_uri)
    except AddressRefused as error:
        raise SettingsError(str(error)) from None


def _tell(facts: dict[str, Any]) -> None:
    files, size = counted(facts["files_written"], "file"), told_bytes(facts["bytes_written"])
    tell(f"Copied {counted(facts['rows_read'], 'row')} to {facts['address']}: {files} of {size}.")
    if "files_deleted" in facts:
        joined, versions = counted(facts["files_joined"], "file"), counted(facts["versions_forgotten"], "version")
        deleted, size = counted(facts["files_deleted"], "file"), told_bytes(facts["bytes_deleted"])
        tell(f"Joined {joined}, forgot {versions} and deleted {deleted} of {size}.")


def _show(database: Database, address: str) -> None:
    from coingecko_pipeline.lake.describing import tables_of
    from coingecko_pipeline.lake.opening import open_lake

    for each in tables_of(open_lake(database, address)):
        rows, files = counted(each.rows, "row"), counted(each.files, "file")
        tell(f"{each.name}: {rows} in {files}, {told_bytes(each.bytes)}: {each.metadata}")


def _delete(database: Database, *, yes: bool) -> None:
    folders = folders_of_lake(database)
    if not folders:
        tell("There is no lake of this database.")
        return
    for folder in folders.values():
        tell(f"  {folder}")
    if not yes and not click.confirm("Delete all of this? The database keeps its rows."):
        tell("Nothing was deleted.")
        sys.exit(1)
    delete_lake(database, lambda folder: tell(f"Deleted {folder}."))
