"""The assets of candles and flags: the thresholds are those of the settings."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from sqlalchemy import func, select

from coingecko_pipeline import tables
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.assets import daily_candles, market_flags
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.measures.snapshots import market_row, put, snapshot_row
from coingecko_pipeline_tests.running import QUIET, metadata_of

FIRST = date(2026, 3, 9)


@on_sqlite
@pytest.mark.parametrize(("factor", "spikes"), [(None, 0), ("3", 1)])
def test_a_run_makes_candles_and_flags_with_the_users_thresholds(
    database: Database, monkeypatch: pytest.MonkeyPatch, factor: str | None, spikes: int
) -> None:
    if factor is not None:
        monkeypatch.setenv("FLAG_SPIKE_FACTOR", factor)
    days = [FIRST + timedelta(days=number) for number in range(5)]
    put(
        database,
        [market_row(day, "coin", 4.0 if day == days[2] else 1.0) for day in days],
        [snapshot_row(day, "coin", 0.5, 4.0) for day in days],
    )
    job = build_definitions(
        {
            "warehouse": dg.ResourceDefinition.hardcoded_resource(database),
            "now": dg.ResourceDefinition.hardcoded_resource(lambda: datetime(2026, 3, 14, tzinfo=UTC)),
        }
    ).resolve_job_def("derived_tables_job")
    result = job.execute_in_process(run_config=QUIET, asset_selection=[daily_candles.key, market_flags.key])
    assert result.success
    assert metadata_of(result, "daily_candles")["rows_written"] == 5
    assert metadata_of(result, "market_flags")["rows_written"] == spikes
    with database.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.market_flags)) == spikes
