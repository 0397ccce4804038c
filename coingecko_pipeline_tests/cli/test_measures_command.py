"""The command that computes the roll-ups and measures where no daemon runs."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.cli.measures import periods_of
from coingecko_pipeline.partitions import MONTHLY, WEEKLY
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import run_program
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.measures.charts import planted, store
from coingecko_pipeline_tests.running import rows_of


@on_sqlite
def test_the_command_computes_what_the_dates_go_into_without_a_call(database: Database, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday() + 14)
    store(database, {"coin": planted(monday - timedelta(days=30), range(1, 60))})
    done = run_program(
        tmp_path,
        "measures",
        *("--from", str(monday - timedelta(days=3)), "--to", str(monday)),
        DATABASE_URL=database.url.render_as_string(hide_password=False),
        COINGECKO_BASE_URL="http://127.0.0.1:9/api/v3",
    )
    assert done.returncode == 0, done.stderr
    weeks = [(str(monday - timedelta(days=7)), 7), (str(monday), 7)]
    assert rows_of(database, "SELECT week_start, days_present FROM weekly_market") == weeks
    days = (today - monday).days + 4
    for table in ("daily_returns", "global_market_daily"):
        assert rows_of(database, f"SELECT MIN(date), MAX(date), COUNT(*) FROM {table}") == [
            (str(monday - timedelta(days=3)), str(today), days)
        ]
    assert f"Computed weekly_market from {weeks[0][0]}: 2 rows." in done.stdout


@pytest.mark.parametrize(
    ("first", "last", "weeks", "months"),
    [
        (date(2026, 1, 5), date(2026, 1, 5), (date(2025, 12, 29), date(2026, 1, 5)), (date(2026, 1, 1),) * 2),
        (date(2026, 1, 1), date(2026, 1, 4), (date(2025, 12, 29),) * 2, (date(2025, 12, 1), date(2026, 1, 1))),
        (date(2013, 4, 28), date(2013, 4, 28), None, None),
    ],
)
def test_dates_go_into_the_periods_that_they_open_fill_or_close(
    first: date, last: date, weeks: tuple[date, date] | None, months: tuple[date, date] | None
) -> None:
    dates = DateRange(first, last)
    assert periods_of(WEEKLY, dates) == (DateRange(*weeks) if weeks else None)
    assert periods_of(MONTHLY, dates) == (DateRange(*months) if months else None)
