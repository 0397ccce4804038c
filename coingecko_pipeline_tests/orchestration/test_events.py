"""What Dagster keeps of runs: work is recorded in its own unit, and no record stays planned."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import FakeClock, FakeMarket, daily_chart, market_row
from coingecko_pipeline_tests.instances import stored_instance
from coingecko_pipeline_tests.orchestration.assets.conftest import COINS, stock
from coingecko_pipeline_tests.running import Runner, checks_of

TODAY = date(2026, 3, 9)
EARLY = datetime(2026, 3, 9, 0, 12, tzinfo=UTC)
YEAR = DateRange(TODAY - timedelta(days=364), TODAY)

pytestmark = on_sqlite


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance on SQLite files, as `dagster dev` has it."""
    with stored_instance() as found:
        yield found


@pytest.fixture
def market() -> FakeMarket:
    """Three coins with a chart of a year, the smallest of which begins ten days ago."""
    year = [float(number) for number in range(1, 366)]
    return FakeMarket(
        charts={
            "big": daily_chart(YEAR.first, year),
            "middle": daily_chart(YEAR.first, year),
            "small": daily_chart(TODAY - timedelta(days=9), year[-10:]),
        },
        rows=[market_row(coin, 365.0, 1e6, "2026-03-09T00:03:00Z") for coin in COINS],
    )


@pytest.fixture
def runner(database: Database, market: FakeMarket, instance: dg.DagsterInstance) -> Runner:
    stock(database, COINS)
    clock = FakeClock(EARLY)
    client = CoinGecko(PLANS["demo"], clock=clock, now=clock.now, adapter=market.server)
    return Runner(database, client, instance=instance)


def check_records(instance: dg.DagsterInstance) -> dict[str, int]:
    """How many checks are recorded as planned, succeeded and failed."""
    storage: Any = instance.event_log_storage
    query = text("SELECT execution_status, COUNT(*) FROM asset_check_executions GROUP BY 1")
    with storage.index_connection() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def stored_bytes(instance: dg.DagsterInstance, run_id: str) -> int:
    return sum(len(dg.serialize_value(entry)) for entry in instance.all_logs(run_id))


def numbers(entries: Sequence[dg.DagsterEvent]) -> dict[str | None, dict[str, Any]]:
    """The metadata of each partition's materialization."""
    found = {}
    for event in entries:
        materialization = event.step_materialization_data.materialization
        found[materialization.partition] = {name: value.value for name, value in materialization.metadata.items()}
    return found


def test_a_backfill_of_a_year_tells_of_each_date_its_own_numbers_and_of_the_run_what_holds_for_all(
    runner: Runner, instance: dg.DagsterInstance
) -> None:
    result = runner.materialize(["daily_market"], YEAR)
    assert result.success
    of_dates = numbers(result.get_asset_materialization_events())
    assert list(of_dates) == [str(day) for day in YEAR]
    # The check of the coverage asks how many coins today was asked for.
    today = of_dates.pop(str(TODAY))
    assert today == {"dagster/partition_row_count": 3, "chart_rows": 3, "coins_asked": 3}
    assert all(set(found) == {"dagster/partition_row_count", "chart_rows"} for found in of_dates.values())
    assert [found["chart_rows"] for found in of_dates.values()] == [2] * 355 + [3] * 9
    (observation,) = result.get_asset_observation_events()
    told = observation.asset_observation_data.asset_observation
    assert told.partition is None
    assert (told.metadata["calls"].value, told.metadata["rows_written"].value) == (3, 365 * 2 + 10)
    assert check_records(instance) == {}
    assert stored_bytes(instance, result.run_id) < 1_500_000


def test_a_date_without_a_row_says_so(runner: Runner, market: FakeMarket) -> None:
    for chart in market.charts.values():
        for series in chart.values():
            del series[-4]
    dates = DateRange(TODAY - timedelta(days=3), TODAY)
    of_dates = numbers(runner.materialize(["daily_market"], dates).get_asset_materialization_events())
    assert [found["dagster/partition_row_count"] for found in of_dates.values()] == [3, 0, 3, 3]


def test_a_backfill_of_one_date_is_one_event(runner: Runner, instance: dg.DagsterInstance) -> None:
    result = runner.materialize(["daily_market"], TODAY - timedelta(days=5))
    ((day, facts),) = numbers(result.get_asset_materialization_events()).items()
    assert (day, facts["dagster/partition_row_count"], facts["calls"]) == (str(TODAY - timedelta(days=5)), 3, 3)
    assert check_records(instance) == {}


def test_a_day_and_its_checks_leave_nothing_planned(runner: Runner, instance: dg.DagsterInstance) -> None:
    day = runner.run("daily_market_job", TODAY)
    assert day.success
    assert checks_of(day) == {}
    assert check_records(instance) == {}
    checks = runner.run("market_checks_job")
    assert checks.success
    assert all(check.passed for check in checks_of(checks).values())
    evaluated = len(checks.get_asset_check_evaluations())
    assert evaluated > 10
    assert check_records(instance) == {"SUCCEEDED": evaluated}


def test_a_source_that_nobody_asked_for_is_not_checked(runner: Runner, tmp_path: Path) -> None:
    alone = Database(f"sqlite:///{tmp_path / 'market.db'}")
    migrate(alone)
    stock(alone, COINS)
    runner = replace(runner, database=alone)
    assert runner.run("daily_market_job", TODAY).success
    checks = runner.run("market_checks_job")
    assert {check.asset_key.path[0] for check in checks.get_asset_check_evaluations()} == {"coingecko"}
    assert not Path(str(alone.schema("coinpaprika").url.database)).exists()
    alone.dispose()


def test_a_completion_of_many_coins_is_one_event(
    runner: Runner, instance: dg.DagsterInstance, market: FakeMarket, database: Database
) -> None:
    coins = tuple(f"coin-{number:03}" for number in range(261))
    stock(database, coins)
    market.charts |= {coin: daily_chart(TODAY - timedelta(days=4), range(1, 6)) for coin in coins}
    config = {"coingecko__market_charts": {"complete_history": True}}
    result = runner.run("market_charts_job", config=config)
    assert result.success
    (event,) = result.get_asset_materialization_events()
    assert event.step_materialization_data.materialization.partition is None
    assert event.step_materialization_data.materialization.metadata["calls"].value == 264
    assert not result.get_asset_observation_events()
    assert check_records(instance) == {}
    assert stored_bytes(instance, result.run_id) < 60_000


def test_each_check_can_be_executed_alone_and_is_right(runner: Runner, database: Database) -> None:
    assert runner.materialize(["daily_market"], TODAY).success
    names = list(runner.check())
    assert len(names) == 10
    for name in names:
        assert set(runner.check(name)) == {name}
        assert runner.check(name)[name].passed, name
    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM daily_market WHERE asset_id <> 'big'")
    assert not runner.check("the_day_covers_the_active_assets")["the_day_covers_the_active_assets"].passed
