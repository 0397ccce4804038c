"""Runs whose process is gone."""

import signal
import threading

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from coingecko_pipeline.orchestration.asked_runs import AnotherDatabase, assert_same_database, database_tags
from coingecko_pipeline.orchestration.lost_runs import LOCK_TAG, end_lost_runs, end_runs_of_the_dead, run_lock
from coingecko_pipeline.orchestration.sensors import lost_runs_sensor
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.locks import holding
from coingecko_pipeline_tests.databases import on_sqlite

STARTED, CANCELING = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING
NOBODY: frozenset[str] = frozenset()


def begin(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus = STARTED, *, has_lock: bool = True
) -> dg.DagsterRun:
    """A run that has begun, as far as the instance knows."""
    run: dg.DagsterRun = create_run_for_test(instance, job_name="daily_market_job", status=status)
    if has_lock:
        instance.add_run_tags(run.run_id, {LOCK_TAG: f"run {run.run_id}"})
    return run


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_run_without_its_lock_is_ended_when_it_is_found_so_twice(
    instance: dg.DagsterInstance, database: Database
) -> None:
    run = begin(instance)
    suspected = end_lost_runs(instance, database, NOBODY)
    assert suspected == {run.run_id}
    assert status_of(instance, run) == STARTED
    assert end_lost_runs(instance, database, suspected) == NOBODY
    assert status_of(instance, run) == dg.DagsterRunStatus.FAILURE


def test_a_run_at_work_is_left_alone(instance: dg.DagsterInstance, database: Database) -> None:
    run = begin(instance)
    with holding(database, f"run {run.run_id}"):
        assert end_lost_runs(instance, database, {run.run_id}) == NOBODY
    assert status_of(instance, run) == STARTED


def test_a_run_that_was_told_to_end_and_is_gone_is_canceled(instance: dg.DagsterInstance, database: Database) -> None:
    run = begin(instance, CANCELING)
    end_lost_runs(instance, database, {run.run_id})
    assert status_of(instance, run) == dg.DagsterRunStatus.CANCELED


@on_sqlite
def test_a_run_that_has_no_lock_yet_is_left_to_dagsters_own_limits(
    instance: dg.DagsterInstance, database: Database
) -> None:
    run = begin(instance, has_lock=False)
    end_lost_runs(instance, database, {run.run_id})
    assert status_of(instance, run) == STARTED


@on_sqlite
def test_a_run_that_is_tried_again_is_not_taken_for_the_one_before(
    instance: dg.DagsterInstance, database: Database
) -> None:
    run = begin(instance, has_lock=False)
    instance.add_run_tags(run.run_id, {LOCK_TAG: "run of-before"})
    end_lost_runs(instance, database, {run.run_id})
    assert status_of(instance, run) == STARTED


@on_sqlite
def test_a_command_looks_twice_before_it_begins_its_own_run(instance: dg.DagsterInstance, database: Database) -> None:
    run, pauses = begin(instance), list[float]()
    end_runs_of_the_dead(instance, database, pauses.append, 5.0)
    assert pauses == [5.0]
    assert status_of(instance, run) == dg.DagsterRunStatus.FAILURE
    end_runs_of_the_dead(instance, database, pauses.append, 5.0)
    assert pauses == [5.0]


def test_a_run_holds_its_lock_while_it_works(instance: dg.DagsterInstance, database: Database) -> None:
    run = begin(instance, has_lock=False)
    with run_lock(database, instance, run.run_id):
        end_lost_runs(instance, database, {run.run_id})
        assert status_of(instance, run) == STARTED
    end_lost_runs(instance, database, {run.run_id})
    assert status_of(instance, run) == dg.DagsterRunStatus.FAILURE


@on_sqlite
def test_a_run_that_is_told_to_end_interrupts_itself_whoever_launched_it(
    instance: dg.DagsterInstance, database: Database
) -> None:
    run = begin(instance, has_lock=False)
    interrupted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    try:
        with run_lock(database, instance, run.run_id, beat_seconds=0.05):
            instance.report_run_canceling(run)
            assert interrupted.wait(60)
    finally:
        signal.signal(signal.SIGINT, before)


@on_sqlite
def test_the_sensor_ends_what_two_ticks_found_lost(instance: dg.DagsterInstance, database: Database) -> None:
    run = begin(instance)
    cursor: str | None = None
    for told, status in (("1 run(s) without a process", STARTED), ("at work", dg.DagsterRunStatus.FAILURE)):
        context = dg.build_sensor_context(instance=instance, cursor=cursor, resources={"warehouse": database})
        tick = lost_runs_sensor(context)
        assert isinstance(tick, dg.SkipReason)
        assert told in (tick.skip_message or "")
        assert status_of(instance, run) == status
        cursor = context.cursor


@on_sqlite
def test_a_run_is_refused_where_the_command_that_asked_for_it_has_another_database(
    instance: dg.DagsterInstance, database: Database
) -> None:
    meant = create_run_for_test(instance, job_name="daily_market_job", tags=dict(database_tags(database)))
    assert_same_database(meant, database)
    assert_same_database(begin(instance), database)
    with pytest.raises(AnotherDatabase, match="another DAGSTER_HOME"):
        assert_same_database(meant, Database("mysql+pymysql://who:secret@elsewhere/coingecko"))


def test_the_tag_of_a_database_holds_no_user_and_no_password() -> None:
    (place,) = database_tags(Database("mysql+pymysql://who:secret@elsewhere/coingecko?charset=utf8mb4")).values()
    assert place == "mysql+pymysql://elsewhere/coingecko"
