from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.market.changes import followed_number
from coingecko_pipeline.orchestration.assets import MarketReportConfig
from coingecko_pipeline.report.place import is_report
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.instances import empty_instance
from coingecko_pipeline_tests.measures.deriving import changed, log
from coingecko_pipeline_tests.report.stocked import LAST, NOW, odd_coins, put_on
from coingecko_pipeline_tests.running import failure_of, metadata_of


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
    with empty_instance() as instance:
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
        "followed_coingecko": "to 0",
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


def test_a_file_that_is_no_report_is_kept_until_the_config_says_otherwise(
    database: Database, resources: Mapping[str, Any]
) -> None:
    put_on(database, odd_coins()[:1])
    path: Path = resources["report_path"]
    path.parent.mkdir()
    path.write_text("<p>Mine.</p>", encoding="utf-8")
    assert f"{path} exists already and is no report" in failure_of(make(resources))
    assert path.read_text(encoding="utf-8") == "<p>Mine.</p>"
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert make(resources, MarketReportConfig(overwrite=True)).success
    assert is_report(path)


def test_an_earlier_report_is_replaced(database: Database, resources: Mapping[str, Any]) -> None:
    put_on(database, odd_coins()[:1])
    assert make(resources).success
    first = resources["report_path"].stat().st_ino
    assert make(resources).success
    assert resources["report_path"].stat().st_ino != first


def test_without_rows_it_fails_once_and_says_what_to_do_first(resources: Mapping[str, Any]) -> None:
    result = make(resources)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    data = failure.step_failure_data.user_failure_data
    assert data is not None
    assert "materialize coingecko/daily_market first" in (data.description or "")
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


def test_a_report_in_its_place_has_followed_the_market_and_one_elsewhere_has_not(
    database: Database, resources: Mapping[str, Any], tmp_path: Path
) -> None:
    put_on(database, odd_coins()[:1])
    log(database, changed(LAST))
    assert make(resources, MarketReportConfig(output=str(tmp_path / "other.html"))).success
    assert followed_number(database, "market_report", "coingecko") is None
    assert make(resources).success
    assert followed_number(database, "market_report", "coingecko") == 1
