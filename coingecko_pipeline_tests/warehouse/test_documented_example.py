"""The example of docs/mysql-io-manager.md: its Python blocks, run in order as someone's Dagster project."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.instances import empty_instance
from coingecko_pipeline_tests.warehouse.documented_example import PAGE, documented_example

FIRST, SECOND, THIRD = (date(2026, 1, n) for n in (1, 2, 3))

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")


class Project:
    """What the page's blocks declare, on one database and one Dagster instance."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.names: dict[str, Any] = {"__name__": "documented_example"}
        self._instance = instance
        # The page calls the folder as its wheel does.
        example = documented_example().replace("dagster_mysql_io_manager", "coingecko_pipeline.warehouse")
        exec(compile(example, str(PAGE), "exec"), self.names)  # noqa: S102

    def run(self, *assets: str, first: date = FIRST, last: date = FIRST) -> dg.ExecuteInProcessResult:
        """One run of some assets, or of all, over a range of days."""
        job = self.names["definitions"].resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            asset_selection=[dg.AssetKey(name) for name in assets] or None,
            tags={
                "dagster/asset_partition_range_start": first.isoformat(),
                "dagster/asset_partition_range_end": last.isoformat(),
            },
            instance=self._instance,
            raise_on_error=False,
        )
        assert isinstance(result, dg.ExecuteInProcessResult)
        return result

    def stored(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """A table's rows in the order of its key, dates as dates."""
        frame = self.names["read_frame"](self.names["io_manager"].database, self.names[table], columns=columns)
        if "day" in frame:
            frame["day"] = frame["day"].dt.date
        return list(frame.itertuples(index=False, name=None))


@pytest.fixture
def project(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with empty_instance() as instance:
        documented = Project(instance)
        monkeypatch.setenv("DATABASE_URL", empty_database.url.render_as_string(hide_password=False))
        yield documented
        documented.names["io_manager"].database.dispose()


def metadata_of(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, dict[str, Any]]:
    """The metadata of an asset's materializations by their partition, and of what was observed of it as `range`."""
    assert result.success
    found = {
        str(event.partition): event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(asset)
    }
    for event in result.get_asset_observation_events():
        if event.asset_key == dg.AssetKey(asset):
            found["range"] = event.asset_observation_data.asset_observation.metadata
    return {key: {name: value.value for name, value in metadata.items()} for key, metadata in found.items()}


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    (failed,) = (event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_FAILURE)
    error = failed.step_failure_data.error
    assert error is not None
    assert error.cls_name == "Failure"
    return error.message


def test_one_run_fills_every_table(project: Project) -> None:
    result = project.run(last=SECOND)
    assert result.success
    assert project.stored("STATIONS", "station", "height_m") == [("coast", 4), ("peak", 2962)]
    assert project.stored("RAIN", "day", "station", "rain_mm") == [(FIRST, "coast", 1.5), (SECOND, "coast", 1.5)]
    assert project.stored("TEMPERATURES", "day", "station", "mean_c", "quality") == [
        (FIRST, "coast", 11.0, "checked"),
        (FIRST, "peak", -4.0, "checked"),
        (SECOND, "coast", 11.0, "checked"),
        (SECOND, "peak", -4.0, "checked"),
    ]
    assert project.stored("WARM_DAYS", "day", "stations") == [(FIRST, 1), (SECOND, 1)]


def test_the_run_records_what_the_page_lists(project: Project) -> None:
    result = project.run(last=SECOND)
    common = {
        "dagster/table_name",
        "dagster/column_schema",
        "storage_kind",
        "write_mode",
        "rows_written",
        "rows_per_second",
        "bytes_per_second",
        "preview",
    }
    assert set(metadata_of(result, "stations")["None"]) == common | {"dagster/row_count"}
    counts = {"dagster/partition_row_count": 2, "rows_written": 2}
    found = metadata_of(result, "temperatures")
    assert (found["2026-01-01"], found["2026-01-02"]) == (counts, counts)
    assert set(found["range"]) == common | {"partitions_written", "stations_stored"}
    assert [found["range"][name] for name in ("rows_written", "partitions_written", "stations_stored")] == [4, 2, 2]
    assert metadata_of(project.run("rain"), "rain")["2026-01-01"]["dagster/partition_row_count"] == 1


def test_a_provisional_value_does_not_replace_a_checked_one_and_a_checked_one_does(project: Project) -> None:
    assert project.run("stations", "temperatures").success
    measure = project.names["measure"]
    for quality, degrees in (("provisional", 99.0), ("checked", 12.0)):
        project.names["measure"] = lambda *asked, new=(quality, degrees): measure(*asked).assign(
            quality=new[0], mean_c=new[1]
        )
        found = metadata_of(project.run("temperatures"), "temperatures")["2026-01-01"]
        assert found["rows_written"] == 2, "the rows that were given, also those that the guard held back"
        kept = 12.0 if quality == "checked" else 11.0
        assert project.stored("TEMPERATURES", "mean_c", "quality")[0] == (kept, "checked")


def test_only_the_chosen_rows_are_loaded_downstream(project: Project) -> None:
    measure = project.names["measure"]
    project.names["measure"] = lambda *asked: measure(*asked).assign(quality="provisional")
    assert project.run("stations", "temperatures", "warm_days").success
    assert len(project.stored("TEMPERATURES", "day")) == 2
    assert project.stored("WARM_DAYS", "day") == [], "no checked row, and allow_empty"


def test_a_row_outside_of_the_partition_is_refused_and_the_frames_before_it_stay(project: Project) -> None:
    assert project.run("stations").success
    measure = project.names["measure"]

    def with_another_day(station: str, days: pd.DatetimeIndex) -> pd.DataFrame:
        rows: pd.DataFrame = measure(station, days)
        return rows if station == "coast" else rows.assign(day=pd.Timestamp(THIRD))

    project.names["measure"] = with_another_day
    assert "are outside of partition 2026-01-01" in failure_of(project.run("temperatures"))
    assert project.stored("TEMPERATURES", "day", "station") == [(FIRST, "coast")]


def test_the_page_reads_a_range_without_its_end(project: Project) -> None:
    assert project.run("rain", last=THIRD).success
    frame = project.names["rain_between"](FIRST, THIRD)
    assert list(frame.columns) == ["day", "rain_mm"]
    assert [day.date() for day in frame["day"]] == [FIRST, SECOND]
