"""What status tells, in words and as JSON."""

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.completeness import Completeness
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.dagster_storage import LastRun, read_last_runs
from coingecko_pipeline.cli.status import show_status
from coingecko_pipeline.cli.stored_status import Due, Status, read_status
from coingecko_pipeline.market.check_results import StoredCheck, store_checks
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cookbook_market import DAYS, SUPPLY, day, fill, has_row
from coingecko_pipeline_tests.databases import on_sqlite

ASSET = "coingecko/market_changes"
AT = datetime(2026, 3, 9, 0, 12, tzinfo=UTC)
COVERS, TIMELY, SIGNS = "the_day_covers_the_active_assets", "the_snapshot_was_timely", "no_value_is_negative"
NOW = datetime.combine(day(DAYS - 1), datetime.min.time(), UTC) + timedelta(hours=2)


@pytest.fixture
def checked(database: Database) -> Database:
    found = [
        StoredCheck(ASSET, TIMELY, False, False, "minutes_after_midnight 45", AT),
        StoredCheck(ASSET, COVERS, False, True, "share 0.25", AT),
        StoredCheck(ASSET, SIGNS, True, True, "negative_rows 0", AT),
    ]
    store_checks(database, ASSET, [COVERS, TIMELY, SIGNS], found)
    return database


@on_sqlite
def test_the_checks_that_do_not_hold_are_told_errors_first(
    checked: Database, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    show_status(read_status(checked, PLANS["demo"], tmp_path))
    error, warning = (line for line in capsys.readouterr().out.splitlines() if line.startswith("Check "))
    assert error == f"Check failed: {ASSET}: {COVERS} (share 0.25), on 2026-03-09 00:12 UTC."
    assert warning == f"Check warns: {ASSET}: {TIMELY} (minutes_after_midnight 45), on 2026-03-09 00:12 UTC."


@on_sqlite
def test_the_json_has_them_too(checked: Database, tmp_path: Path) -> None:
    told = json.loads(json.dumps(dataclasses.asdict(read_status(checked, PLANS["demo"], tmp_path)), default=str))
    assert [check["check_name"] for check in told["failed_checks"]] == [COVERS, TIMELY]


@pytest.fixture
def filled(database: Database) -> Database:
    fill(database)
    return database


def test_rows_of_charts_and_of_snapshots_are_counted_apart_and_no_share_is_above_all(
    filled: Database, tmp_path: Path
) -> None:
    status = read_status(filled, PLANS["demo"], tmp_path, NOW)
    assert status.rows == sum(has_row(coin, number) for coin in SUPPLY for number in range(DAYS))
    assert status.snapshot_rows == 3 * 13
    assert status.chart_rows + status.snapshot_rows == status.rows
    assert status.latest_coverage == 1.0
    # A coin that has a row and left the list meanwhile is none of the active ones.
    with filled.transaction() as connection:
        connection.execute(tables.assets.update().where(tables.assets.c.asset_id == "pepe").values(is_active=False))
    assert read_status(filled, PLANS["demo"], tmp_path, NOW).latest_coverage == 1.0


@on_sqlite
def test_what_is_due_next_is_told(filled: Database, tmp_path: Path) -> None:
    due = read_status(filled, PLANS["demo"], tmp_path, NOW).due
    assert due is not None
    assert due.snapshot_of == NOW.date() + timedelta(days=1)
    assert due.history_calls == len(SUPPLY) - 1
    assert "daily_returns" in due.derived
    a_day_later = read_status(filled, PLANS["demo"], tmp_path, NOW + timedelta(days=1)).due
    assert a_day_later is not None
    assert a_day_later.snapshot_of == NOW.date() + timedelta(days=1)


def test_the_latest_runs_are_read_from_dagsters_own_database(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    @dg.op
    def work() -> None:
        """Nothing."""

    @dg.op
    def fail() -> None:
        raise dg.Failure("No.")

    @dg.job
    def good() -> None:
        work()

    @dg.job
    def bad() -> None:
        fail()

    assert read_last_runs(tmp_path) == []
    good.execute_in_process(instance=instance)
    bad.execute_in_process(instance=instance, raise_on_error=False)
    last, before = read_last_runs(tmp_path)
    assert (last.job, last.status) == ("bad", "failure")
    assert (before.job, before.status) == ("good", "success")
    assert before.began_at <= last.began_at
    assert before.seconds is not None
    assert before.seconds >= 0


def test_where_dagster_keeps_its_runs_unknown_there_are_none(tmp_path: Path) -> None:
    assert read_last_runs(tmp_path) == []
    (tmp_path / "dagster.yaml").write_text("storage:\n  postgres: {}\n")
    assert read_last_runs(tmp_path) == []


@on_sqlite
def test_it_is_told_in_words(filled: Database, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    years = [
        Completeness(DateRange(date(2026, 1, 1), date(2026, 11, 7)), 0.5),
        Completeness(DateRange(date(2025, 1, 1), date(2025, 12, 31)), 0.25),
        Completeness(DateRange(date(2024, 5, 1), date(2024, 12, 31)), 0.25),
    ]
    status: Status = dataclasses.replace(
        read_status(filled, PLANS["demo"], tmp_path, NOW),
        years=years,
        due=Due(date(2026, 11, 9), 261, "", ["daily_returns", "market_report", "source_agreement"]),
        last_runs=[
            LastRun("daily_market_job", "success", AT, 82.4),
            LastRun("measures_job", "started", AT, None),
        ],
        bytes_of={"market": 1_500_000, "coinpaprika": 200_000},
        dagster_bytes=2_000_000,
    )
    show_status(status)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    for line in (
        "  last 365 days           0.0%",
        "  2026                    50.0%",
        "  2024 to 2025            25.0%, from 2024-05-01",
        "  history complete        by 2026-11-08 at this pace",
        "  2026-03-09 00:12 UTC    daily_market_job succeeded after 82 s",
        "  2026-03-09 00:12 UTC    measures_job is at work",
        "  market                  1.5 MB",
        "  Dagster's own           2.0 MB",
        "  lags behind             daily_returns: coingecko-pipeline measures",
        "  lags behind             market_report: coingecko-pipeline report",
        "  lags behind             source_agreement: coingecko-pipeline agreement",
    ):
        assert line in lines, line
