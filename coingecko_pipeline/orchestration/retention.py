"""What is deleted of Dagster's own records: those of runs that ended before a moment, but for what is still asked for.

What stays, however old: the latest materialization, observation and freshness state of each asset and partition, an
attempt at one that no materialization has followed, the latest plan for each asset, the latest evaluation of each
check, the runs that any of these names, runs that have not ended, and backfills. Ticks are Dagster's own to delete
(`retention` in dagster.yaml).

Each batch is a transaction of its own, so no statement holds the event log for long, and after an interruption the next
pass goes on.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES, BulkActionsFilter, BulkActionStatus
from dagster._core.storage.event_log import (
    AssetKeyTable,
    SqlEventLogStorage,
    SqlEventLogStorageTable,
    SqliteEventLogStorage,
)
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetEventTagsTable
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable
from dagster._core.storage.tags import PARENT_RUN_ID_TAG, ROOT_RUN_ID_TAG
from sqlalchemy import Connection, Row, Select, Table, delete, func, select

TESTED_SCHEMA = "29b539ebc72a"
"""The version of Dagster's tables (Alembic's) that this was written for: that of Dagster 1.13."""

BATCH = 1_000
"""Rows that one statement deletes: some ten milliseconds of locks."""

ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]

MATERIALIZATION = dg.DagsterEventType.ASSET_MATERIALIZATION.value
SUPERSEDED_BY_A_MATERIALIZATION = {
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value,
    dg.DagsterEventType.ASSET_FAILED_TO_MATERIALIZE.value,
    dg.DagsterEventType.ASSET_OBSERVATION.value,
}
"""What Dagster asks of a partition only where it is newer than the latest materialization."""
ASSET_EVENTS = {
    MATERIALIZATION,
    dg.DagsterEventType.FRESHNESS_STATE_CHANGE.value,
    *SUPERSEDED_BY_A_MATERIALIZATION,
}
"""The events of which the latest of an asset and partition can be asked for."""


class RetentionError(Exception):
    """Dagster's storage is not one whose records can be deleted; the message is one sentence for the user."""


@dataclass(frozen=True)
class Deleted:
    """What was deleted.

    Attributes:
        runs: Runs, with everything of them.
        events: Events of these and of other runs.
        checks: Evaluations of checks.
    """

    runs: int
    events: int
    checks: int


def delete_old_records(instance: dg.DagsterInstance, before: datetime, batch: int = BATCH) -> Deleted:
    """Delete the records of runs that ended before a moment, but for what is still asked for.

    Args:
        instance: Whose records.
        before: Aware, in UTC.
        batch: Rows, or runs, that are looked at and deleted at a time.

    Raises:
        RetentionError: The storage is of another kind, or its tables are of another version.
    """
    events, runs = _storages(instance)
    ended_before = dg.RunsFilter(statuses=ENDED, updated_before=before)
    old = instance.get_run_ids(ended_before)
    younger = set(instance.get_run_ids()).difference(old)
    # Dagster keeps moments without a time zone.
    naive = before.astimezone(UTC).replace(tzinfo=None)
    log, checks = SqlEventLogStorageTable, AssetCheckExecutionsTable
    with events.index_connection() as connection:
        asked_for = {*_latest_asset_events(connection), *_newest(connection, log)}
        latest_checks = set(_latest_checks(connection))
    of_events = select(log.c.id, log.c.run_id).where(log.c.timestamp < naive)
    of_checks = select(checks.c.id, checks.c.run_id).where(checks.c.evaluation_event_timestamp < naive)
    deleted_events = _delete_rows(
        events, log, of_events, lambda row: row.run_id in younger or row.id in asked_for, batch
    )
    deleted_checks = _delete_rows(
        events, checks, of_checks, lambda row: row.run_id in younger or row.id in latest_checks, batch
    )
    return Deleted(_delete_runs(instance, events, runs, old, batch), deleted_events, deleted_checks)


def _storages(instance: dg.DagsterInstance) -> tuple[SqlEventLogStorage, SqlRunStorage]:
    events, runs = instance.event_log_storage, instance.run_storage
    if not isinstance(events, SqlEventLogStorage) or not isinstance(runs, SqlRunStorage):
        raise RetentionError(
            f"Dagster keeps its records in {type(events).__name__}, and only those in MySQL and SQLite can be deleted "
            "here. Nothing was deleted."
        )
    for storage in (events, runs):
        # In memory there is no version.
        found, _ = storage.alembic_version() or (TESTED_SCHEMA, TESTED_SCHEMA)
        if found != TESTED_SCHEMA:
            raise RetentionError(
                f"Dagster's tables are at version {found}, and their records can be deleted at {TESTED_SCHEMA} alone; "
                "dagster instance migrate brings them to that of the Dagster that is installed. Nothing was deleted."
            )
    return events, runs


def _latest_asset_events(connection: Connection) -> Iterator[int]:
    """The numbers of the events that the catalog, the partitions and the freshness of assets are told from."""
    log = SqlEventLogStorageTable
    number = func.max(log.c.id)
    found = connection.execute(
        select(log.c.asset_key, log.c.partition, log.c.dagster_event_type, number)
        .where(log.c.dagster_event_type.in_(ASSET_EVENTS), log.c.asset_key.is_not(None))
        .group_by(log.c.asset_key, log.c.partition, log.c.dagster_event_type)
    ).all()
    made = {(asset, partition): latest for asset, partition, kind, latest in found if kind == MATERIALIZATION}
    # Whatever its partition: the asset graph takes the latest run of an asset from the latest plan for it.
    latest_of_assets: dict[tuple[str, str], int] = {}
    for asset, _, kind, latest in found:
        latest_of_assets[asset, kind] = max(latest, latest_of_assets.get((asset, kind), 0))
    yield from latest_of_assets.values()
    for asset, partition, kind, latest in found:
        if kind not in SUPERSEDED_BY_A_MATERIALIZATION or latest > made.get((asset, partition), 0):
            yield latest


def _latest_checks(connection: Connection) -> Iterable[int]:
    checks = AssetCheckExecutionsTable
    latest = select(func.max(checks.c.id)).group_by(checks.c.asset_key, checks.c.check_name, checks.c.partition)
    return connection.scalars(latest).all()


def _newest(connection: Connection, table: Table) -> Iterator[int]:
    """The highest number of a table: SQLite would give it again, and cursors of sensors count on ascending ones."""
    newest = connection.scalar(select(func.max(table.c.id)))
    if newest is not None:
        yield newest


def _delete_rows(
    events: SqlEventLogStorage, table: Table, old: Select[Any], stays: Callable[[Row[Any]], bool], batch: int
) -> int:
    """Delete the old rows of a table that do not stay, in the order of their numbers."""
    after, deleted = 0, 0
    while True:
        with events.index_connection() as connection:
            rows = connection.execute(old.where(table.c.id > after).order_by(table.c.id).limit(batch)).all()
            doomed = [row.id for row in rows if not stays(row)]
            connection.execute(delete(table).where(table.c.id.in_(doomed)))
            if table is SqlEventLogStorageTable:
                connection.execute(delete(AssetEventTagsTable).where(AssetEventTagsTable.c.event_id.in_(doomed)))
        deleted += len(doomed)
        if len(rows) < batch:
            return deleted
        after = rows[-1].id


def _delete_runs(
    instance: dg.DagsterInstance, events: SqlEventLogStorage, runs: SqlRunStorage, old: Sequence[str], batch: int
) -> int:
    deleted = 0
    for first in range(0, len(old), batch):
        some = old[first : first + batch]
        named = _named_runs(instance, events, runs, some)
        for run_id in some:
            if run_id not in named:
                instance.delete_run(run_id)
                deleted += 1
            # Its output, and on SQLite its own file of events: of what is asked for the index has a copy.
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            if isinstance(events, SqliteEventLogStorage):
                for end in ("", "-wal", "-shm"):
                    Path(f"{events.path_for_shard(run_id)}{end}").unlink(missing_ok=True)
    return deleted


def _named_runs(
    instance: dg.DagsterInstance, events: SqlEventLogStorage, runs: SqlRunStorage, some: Sequence[str]
) -> Set[str]:
    """Those of some runs that something names which stays."""
    unfinished = [status for status in BulkActionStatus if status not in BULK_ACTION_TERMINAL_STATUSES]
    backfills = [each.backfill_id for each in instance.get_backfills(BulkActionsFilter(statuses=unfinished))]
    with events.index_connection() as connection:
        columns = (SqlEventLogStorageTable.c.run_id, AssetCheckExecutionsTable.c.run_id, AssetKeyTable.c.last_run_id)
        named = {run for column in columns for run in connection.scalars(select(column).where(column.in_(some)))}
    with runs.connect() as connection:
        tag, run = RunTagsTable.c, RunsTable.c
        begun_again = select(tag.value).where(tag.key.in_([PARENT_RUN_ID_TAG, ROOT_RUN_ID_TAG]), tag.value.in_(some))
        of_backfills = select(run.run_id).where(run.backfill_id.in_(backfills), run.run_id.in_(some))
        newest = select(run.run_id).order_by(run.id.desc()).limit(1)
        for query in (begun_again, of_backfills, newest):
            named.update(connection.scalars(query))
    return named
