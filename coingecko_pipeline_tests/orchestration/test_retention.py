"""What is deleted of Dagster's own records, and that nothing is missed of what its UI and its sensors ask for."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqlEventLogStorageTable
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetEventTagsTable
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.test_utils import create_run_for_test
from sqlalchemy import Table, func, select, text, update
from sqlalchemy.dialects import plugins

from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.retention import TESTED_SCHEMA, Deleted, RetentionError, delete_old_records
from coingecko_pipeline.settings import load_settings
from coingecko_pipeline_tests.databases import MakeDatabase, on_sqlite
from coingecko_pipeline_tests.instances import stored_instance

DAYS = dg.DailyPartitionsDefinition("2026-03-01", end_date="2026-03-11")
LONG_AGO, LIMIT, LATELY = timedelta(days=200), timedelta(days=90), timedelta(days=10)


class Wanted(dg.Config):
    """What a run is to do."""

    fails: bool = False


@dg.asset(partitions_def=DAYS)
def dated(config: Wanted) -> dg.MaterializeResult[None]:
    """Fails where it is told to."""
    if config.fails:
        raise dg.Failure("told to fail")
    return dg.MaterializeResult(metadata={"rows": 1})


@dg.asset(deps=[dated])
def plain(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Observes another asset too."""
    context.log_event(dg.AssetObservation("dated", metadata={"rows": 1}))
    return dg.MaterializeResult(metadata={"rows": 1})


@dg.asset_check(asset=plain)
def it_holds() -> dg.AssetCheckResult:
    """Always."""
    return dg.AssetCheckResult(passed=True)


DEFINITIONS = dg.Definitions(
    assets=[dated, plain],
    asset_checks=[it_holds],
    jobs=[
        dg.define_asset_job("dated_job", selection=[dated]),
        dg.define_asset_job("plain_job", selection=dg.AssetSelection.assets(plain)),
    ],
)


class Kept:
    """An instance, and what its UI is told from."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.events: Any = instance.event_log_storage
        self.runs: Any = instance.run_storage

    def run(self, job: str, day: str | None = None, *, ago: timedelta, fails: bool = False) -> str:
        """A real run that ended so long ago; its id."""
        config = {"ops": {"dated": {"config": {"fails": fails}}}} if day else {}
        result = DEFINITIONS.resolve_job_def(job).execute_in_process(
            instance=self.instance, partition_key=day, run_config=config, raise_on_error=False
        )
        assert result.success is not fails
        self.move(result.run_id, ago)
        return result.run_id

    def move(self, run_id: str, ago: timedelta) -> None:
        """Let a run have been so long ago."""
        at = (datetime.now(UTC) - ago).replace(tzinfo=None)
        log, checks = SqlEventLogStorageTable, AssetCheckExecutionsTable
        with self.events.index_connection() as connection:
            connection.execute(update(log).where(log.c.run_id == run_id).values(timestamp=at))
            of_run = checks.c.run_id == run_id
            connection.execute(update(checks).where(of_run).values(evaluation_event_timestamp=at))
        with self.runs.connect() as connection:
            connection.execute(update(RunsTable).where(RunsTable.c.run_id == run_id).values(update_timestamp=at))

    def delete(self, batch: int | None = None) -> Deleted:
        """Delete what is older than the limit."""
        before = datetime.now(UTC) - LIMIT
        return delete_old_records(self.instance, before, **({} if batch is None else {"batch": batch}))

    def count(self, table: Table, run_id: str | None = None) -> int:
        """Rows of a table, or those of a run."""
        query = select(func.count()).select_from(table)
        with self.events.index_connection() as connection:
            return int(connection.scalar(query if run_id is None else query.where(table.c.run_id == run_id)))

    def run_ids(self) -> set[str]:
        """All runs that there are."""
        return set(self.instance.get_run_ids())

    def told(self) -> dict[str, object]:
        """What the catalog, the partitions, the checks and the sensors are told."""
        told: dict[str, object] = {}
        for asset in (dated, plain):
            told[f"{asset.key} latest"] = self.instance.get_latest_materialization_event(asset.key)
            told[f"{asset.key} partitions"] = self.instance.get_materialized_partitions(asset.key)
            told[f"{asset.key} version"] = self.instance.get_latest_data_version_record(asset.key)
            told[f"{asset.key} fresh"] = self.events.get_freshness_state_records([asset.key])
            attempts = self.events.get_latest_asset_partition_materialization_attempts_without_materializations
            told[f"{asset.key} attempts"] = attempts(asset.key)
            told[f"{asset.key} plan"] = self.events.get_latest_planned_materialization_info(asset.key)
            records = self.instance.get_asset_records([asset.key])
            run_id = records[0].asset_entry.last_run_id if records else None
            told[f"{asset.key} run"] = self.instance.get_run_by_id(run_id) if run_id else None
        for day in DAYS.get_partition_keys():
            found = self.instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key=dated.key, asset_partitions=[day]), limit=1
            )
            told[day] = found.records
        told["checks"] = self.events.get_latest_asset_check_execution_by_key([it_holds.check_key])
        told["newest"] = self.events.get_maximum_record_id()
        return told


@pytest.fixture
def kept(kind: str, make_database: MakeDatabase) -> Iterator[Kept]:
    """An instance on SQLite files, as `dagster dev` has it, or in a database of a server."""
    if kind == "sqlite":
        with stored_instance() as instance:
            yield Kept(instance)
        return
    # As the deployment has it, and ten times as quick as a connection for each query.
    plugins.register("kept_connections", "coingecko_pipeline.deployment.kept_connections", "KeptConnections")
    url = make_database().url.set(drivername="mysql+mysqlconnector", query={"plugin": "kept_connections"})
    settings = {"storage": {"mysql": {"mysql_url": url.render_as_string(hide_password=False)}}}
    with dg.instance_for_test(overrides=settings) as instance:
        yield Kept(instance)


def test_what_the_ui_tells_of_assets_partitions_and_checks_stays_as_it_was(kept: Kept) -> None:
    first = kept.run("dated_job", "2026-03-01", ago=LONG_AGO)
    again = kept.run("dated_job", "2026-03-01", ago=LONG_AGO)
    failed = kept.run("dated_job", "2026-03-02", ago=LONG_AGO, fails=True)
    mended = kept.run("dated_job", "2026-03-03", ago=LONG_AGO, fails=True)
    kept.run("dated_job", "2026-03-03", ago=LONG_AGO)
    old, latest = kept.run("plain_job", ago=LONG_AGO), kept.run("plain_job", ago=LONG_AGO)
    before, events = kept.told(), kept.count(SqlEventLogStorageTable)
    deleted = kept.delete()
    assert kept.told() == before
    assert deleted.runs == 3
    assert not {first, mended, old} & kept.run_ids()
    assert {again, failed, latest} <= kept.run_ids()
    assert deleted.events == events - kept.count(SqlEventLogStorageTable) > 20
    assert deleted.checks == 1
    assert kept.count(SqlEventLogStorageTable, again) == 1


def test_a_second_pass_finds_nothing_and_small_batches_delete_the_same(kept: Kept) -> None:
    for _ in range(3):
        kept.run("plain_job", ago=LONG_AGO)
    before = kept.told()
    deleted = kept.delete(batch=2)
    assert (deleted.runs, deleted.checks) == (2, 2)
    assert kept.delete() == Deleted(runs=0, events=0, checks=0)
    assert kept.told() == before


def test_a_run_of_lately_keeps_every_record_however_old_the_others(kept: Kept) -> None:
    old, lately = kept.run("plain_job", ago=LONG_AGO), kept.run("plain_job", ago=LATELY)
    kept.run("plain_job", ago=timedelta(0))
    log = kept.instance.all_logs(lately)
    events, checks = kept.count(SqlEventLogStorageTable, lately), kept.count(AssetCheckExecutionsTable, lately)
    assert kept.delete().runs == 1
    assert old not in kept.run_ids()
    assert kept.instance.all_logs(lately) == log
    assert kept.count(SqlEventLogStorageTable, lately) == events
    assert kept.count(AssetCheckExecutionsTable, lately) == checks == 1


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
)
def test_a_run_that_has_not_ended_stays_however_old(kept: Kept, status: dg.DagsterRunStatus) -> None:
    run = create_run_for_test(kept.instance, status=status)
    kept.instance.report_engine_event("it began", run)
    kept.move(run.run_id, LONG_AGO)
    kept.run("plain_job", ago=LATELY)
    assert kept.delete() == Deleted(runs=0, events=0, checks=0)
    assert len(kept.instance.all_logs(run.run_id)) == 1


def test_a_run_that_another_one_was_begun_again_from_stays_as_long_as_that(kept: Kept) -> None:
    ended = dg.DagsterRunStatus.FAILURE
    first = create_run_for_test(kept.instance, status=ended).run_id
    second = create_run_for_test(
        kept.instance, status=ended, parent_run_id=first, root_run_id=first,
        tags={"dagster/parent_run_id": first, "dagster/root_run_id": first},
    ).run_id  # fmt: skip
    kept.move(first, LONG_AGO)
    kept.run("plain_job", ago=timedelta(0))
    assert kept.delete().runs == 0
    kept.move(second, LONG_AGO)
    assert kept.delete().runs == 1
    assert kept.delete().runs == 1
    assert not {first, second} & kept.run_ids()


def test_tags_of_events_go_with_them(kept: Kept) -> None:
    for _ in range(3):
        kept.run("plain_job", ago=LONG_AGO)
    tags = kept.count(AssetEventTagsTable)
    assert tags
    kept.delete()
    assert kept.count(AssetEventTagsTable) == tags // 3


def test_numbers_of_events_ascend_where_all_were_deleted(kept: Kept) -> None:
    run = create_run_for_test(kept.instance, status=dg.DagsterRunStatus.SUCCESS)
    kept.instance.report_dagster_event(dg.DagsterEvent("PIPELINE_SUCCESS", "a_job"), run.run_id)
    kept.move(run.run_id, LONG_AGO)
    before = kept.events.get_maximum_record_id()
    kept.delete()
    kept.run("plain_job", ago=timedelta(0))
    assert kept.events.get_maximum_record_id() > before


def test_tables_of_another_version_are_left_alone(kept: Kept) -> None:
    kept.run("plain_job", ago=LONG_AGO)
    kept.run("plain_job", ago=LONG_AGO)
    with kept.events.index_connection() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'f495c27d5019'"))
    events = kept.count(SqlEventLogStorageTable)
    with pytest.raises(
        RetentionError, match=r"at version f495c27d5019.* dagster instance migrate .*Nothing was deleted"
    ):
        kept.delete()
    assert kept.count(SqlEventLogStorageTable) == events


@on_sqlite
def test_the_tables_of_the_installed_dagster_are_of_the_version_that_this_was_written_for(kept: Kept) -> None:
    assert kept.events.alembic_version() == (TESTED_SCHEMA, TESTED_SCHEMA)


@on_sqlite
def test_the_files_of_old_runs_go_and_their_pages_open_all_the_same(kept: Kept) -> None:
    runs = [kept.run("dated_job", "2026-03-01", ago=LONG_AGO), kept.run("plain_job", ago=LONG_AGO)]
    lately = kept.run("plain_job", ago=LATELY)
    files = [Path(kept.events.path_for_shard(run)) for run in (*runs, lately)]
    output = Path(kept.instance.storage_directory())
    assert all(file.exists() for file in files)
    assert all((output / run).exists() for run in runs)
    kept.delete()
    assert [file.exists() for file in files] == [False, False, True]
    assert [(output / run).exists() for run in (*runs, lately)] == [False, False, True]
    with dg.DagsterInstance.from_ref(kept.instance.get_ref()) as another:
        assert another.all_logs(runs[0]) == []
        assert another.get_run_stats(runs[0]).materializations == 0


def run_maintenance(instance: dg.DagsterInstance, now: Callable[[], datetime], days: int) -> Sequence[str]:
    """Run the job of the definitions; the lines of its log."""
    hardcoded = dg.ResourceDefinition.hardcoded_resource
    settings = load_settings(keep_events_days=days, database_url="sqlite:///nowhere/none.db")
    definitions = build_definitions({"settings": hardcoded(settings), "now": hardcoded(now)})
    result = definitions.resolve_job_def("maintenance_job").execute_in_process(instance=instance)
    assert result.success
    return [entry.user_message for entry in instance.all_logs(result.run_id)]


@on_sqlite
def test_the_job_deletes_what_is_older_than_the_setting_and_tells_it(kept: Kept) -> None:
    for _ in range(2):
        kept.run("plain_job", ago=timedelta(days=20))
    assert any(line.startswith("Deleted 0 runs, 0 events") for line in run_maintenance(kept.instance, utc_now, 30))
    assert any(line.startswith("Deleted 1 runs, ") for line in run_maintenance(kept.instance, utc_now, 10))


def utc_now() -> datetime:
    """The clock of the job."""
    return datetime.now(UTC)


def test_the_schedule_asks_each_night_after_the_snapshot() -> None:
    schedule = build_definitions().resolve_schedule_def("maintenance_schedule")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("20 4 * * *", "UTC")
