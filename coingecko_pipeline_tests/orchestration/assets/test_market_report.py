import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.assets import MarketReportConfig, market_report
from coingecko_pipeline.orchestration.assets.market_report import AFTER_EACH_CHANGE
from coingecko_pipeline.partitions import DAILY
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.report.stocked import LAST, NOW, odd_coins, put_on
from coingecko_pipeline_tests.running import metadata_of

MARKET, REPORT = (dg.AssetKey(["coingecko", name]) for name in ("daily_market", "market_report"))


@pytest.fixture
def resources(database: Database, tmp_path: Path) -> Mapping[str, Any]:
    return {
        "warehouse": database,
        "plan": PLANS["demo"],
        "now": lambda: NOW,
        "report_path": tmp_path / "report" / "index.html",
    }


def make(resources: Mapping[str, Any], config: MarketReportConfig | None = None) -> dg.ExecuteInProcessResult:
    hardcoded = {name: dg.ResourceDefinition.hardcoded_resource(value) for name, value in resources.items()}
    with dg.DagsterInstance.ephemeral() as instance:
        return (
            build_definitions(hardcoded)
            .resolve_job_def("market_report_job")
            .execute_in_process(
                instance=instance,
                run_config=dg.RunConfig({"coingecko__market_report": config} if config else {}),
                raise_on_error=False,
            )
        )


def test_the_report_is_written_where_the_settings_say_and_tells_its_figures(
    database: Database, resources: Mapping[str, Any]
) -> None:
    put_on(database, odd_coins()[:2])
    result = make(resources)
    assert result.success
    path = resources["report_path"]
    facts = metadata_of(result, "market_report")
    assert facts.pop("seconds") >= 0
    assert facts == {
        "path": str(path),
        "bytes": path.stat().st_size,
        "latest_date": str(LAST),
        "coins": 2,
        "rows": 730,
    }
    assert "Crypto market on 2026-03-09" in path.read_text(encoding="utf-8")


def test_the_config_may_name_another_file(database: Database, resources: Mapping[str, Any], tmp_path: Path) -> None:
    put_on(database, odd_coins()[:1])
    assert make(resources, MarketReportConfig(output=str(tmp_path / "other.html"))).success
    assert [path.name for path in tmp_path.iterdir()] == ["other.html"]


def test_without_rows_it_fails_once_and_says_what_to_do_first(resources: Mapping[str, Any]) -> None:
    result = make(resources)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    data = failure.step_failure_data.user_failure_data
    assert data is not None
    assert "materialize coingecko/daily_market first" in (data.description or "")
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


def requested(definitions: dg.Definitions, instance: dg.DagsterInstance, cursor: Any) -> tuple[int, Any]:
    with warnings.catch_warnings():
        # The tester itself uses what is beta in Dagster 1.13.
        warnings.simplefilter("ignore", dg.BetaWarning)
        evaluated = dg.evaluate_automation_conditions(definitions, instance=instance, cursor=cursor)
    return evaluated.total_requested, evaluated.cursor


def test_it_is_made_again_once_after_each_change_of_the_market_and_not_before_the_first() -> None:
    @dg.asset(key=MARKET, partitions_def=DAILY)
    def changed() -> None:
        """A date of the market."""

    @dg.asset(key=REPORT, deps=[MARKET], automation_condition=AFTER_EACH_CHANGE)
    def made() -> None:
        """The report."""

    assert market_report.automation_conditions_by_key[REPORT] == AFTER_EACH_CHANGE
    sensor = build_definitions().resolve_sensor_def("report_sensor")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    definitions = dg.Definitions(assets=[changed, made])
    with dg.DagsterInstance.ephemeral() as instance:
        count, cursor = requested(definitions, instance, None)
        assert count == 0
        for day in ("2026-03-08", "2026-03-09", "2026-03-08"):
            dg.materialize([changed], instance=instance, partition_key=day)
            count, cursor = requested(definitions, instance, cursor)
            assert count == 1
            dg.materialize([changed, made], selection=[REPORT], instance=instance)
            count, cursor = requested(definitions, instance, cursor)
            assert count == 0
