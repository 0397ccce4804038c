"""Partitions and ranges of them: which rows they are, and what a run records of each."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from sqlalchemy import Column, Enum, Integer, MetaData, String, Table

from coingecko_pipeline.warehouse import Database, Frames, MySQLIOManager, column_schema, read_frame
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.reading import Windows
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.warehouse.materializing import (
    DAYS,
    FIRST,
    SECOND,
    THIRD,
    Runner,
    daily_sales,
    failure_of,
    metadata_of,
    metadata_of_range,
    partitions_of,
)
from coingecko_pipeline_tests.warehouse.shop import BRANCHES, SALES, VISITS, sales, stored

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")


def test_one_partition_is_replaced_and_the_others_stay(shop: Database, run: Runner) -> None:
    assert run(daily_sales(sales), span=("2025-01-01", "2025-01-03")).success
    result = run(daily_sales(lambda days: sales(days, ["cup"], 2.0)), key="2025-01-02")
    assert metadata_of(result)["dagster/partition_row_count"] == 1
    assert [row[:3] for row in stored(shop, SALES)] == [
        (FIRST, "ink", 1.0),
        (FIRST, "pen", 1.0),
        (SECOND, "cup", 2.0),
        (THIRD, "ink", 1.0),
        (THIRD, "pen", 1.0),
    ]


def test_a_range_records_the_rows_of_each_partition(run: Runner) -> None:
    def two_on_the_first(days: list[date]) -> pd.DataFrame:
        return pd.concat([sales(days, ["pen"]), sales(days[:1], ["ink"])])

    result = run(daily_sales(two_on_the_first), span=("2025-01-01", "2025-01-03"))
    assert partitions_of(result) == {
        "2025-01-01": {"dagster/partition_row_count": 2, "rows_written": 2},
        "2025-01-02": {"dagster/partition_row_count": 1, "rows_written": 1},
        "2025-01-03": {"dagster/partition_row_count": 1, "rows_written": 1},
    }


def test_what_holds_for_the_whole_range_is_told_once(run: Runner) -> None:
    def with_calls(days: list[date]) -> Frames:
        return Frames([sales(days)], lambda: {"calls": 3})

    found = metadata_of_range(run(daily_sales(with_calls), span=("2025-01-01", "2025-01-03")))
    assert (found["rows_written"], found["partitions_written"], found["calls"]) == (6, 3, 3)
    assert found["preview"].startswith("| day | item | amount | version |")
    assert found["write_mode"] == "replace_partition"
    assert "dagster/partition_row_count" not in found


def test_the_declared_columns_are_not_repeated_where_the_assets_definition_has_them(run: Runner) -> None:
    told = {"dagster/column_schema": column_schema(SALES)}
    assert "dagster/column_schema" not in metadata_of(run(daily_sales(sales, **told), key="2025-01-01"))
    assert "dagster/column_schema" in metadata_of(run(daily_sales(sales), key="2025-01-01"))


def test_the_event_of_a_partition_is_small(run: Runner, instance: dg.DagsterInstance) -> None:
    result = run(daily_sales(sales), span=("2025-01-01", "2025-01-31"))
    events = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert len(events) == 31
    # Some 1,800 bytes of each are Dagster's own; with what holds for the run they were 5,000.
    assert max(len(dg.serialize_value(event)) for event in events) < 2_200


def test_a_graph_of_ops_records_the_rows_of_each_partition_too(run: Runner) -> None:
    @dg.op
    def all_days() -> pd.DataFrame:
        return sales([FIRST, SECOND])

    @dg.graph_asset(
        key=["shop", "sales"],
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"partition_expr": "day"},
    )
    def graph() -> Any:
        return all_days()

    found = partitions_of(run(graph, span=("2025-01-01", "2025-01-02")))
    assert found["2025-01-02"] == {"dagster/partition_row_count": 2, "rows_written": 2}


def test_an_upsert_keeps_the_other_rows_and_counts_them_in_the_partition(shop: Database, run: Runner) -> None:
    assert run(daily_sales(sales, write_mode="upsert"), span=("2025-01-01", "2025-01-02")).success
    again = daily_sales(lambda days: sales(days[:1], ["cup", "ink"], 5.0, 2), write_mode="upsert")
    result = run(again, span=("2025-01-01", "2025-01-02"))
    assert metadata_of_range(result)["rows_written"] == 2
    assert partitions_of(result) == {
        "2025-01-01": {"dagster/partition_row_count": 3, "rows_written": 2},
        "2025-01-02": {"dagster/partition_row_count": 2, "rows_written": 0},
    }
    assert [row[1:3] for row in stored(shop, SALES)] == [
        ("cup", 5.0),
        ("ink", 5.0),
        ("pen", 1.0),
        ("ink", 1.0),
        ("pen", 1.0),
    ]


def test_hours_are_partitions_of_a_moment_column(shop: Database, run: Runner) -> None:
    @dg.asset(
        key_prefix="shop",
        partitions_def=dg.HourlyPartitionsDefinition("2025-01-01-00:00", timezone="Europe/Berlin"),
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"partition_expr": "hour"},
    )
    def visits(context: dg.AssetExecutionContext) -> pd.DataFrame:
        window = context.partition_time_window
        hours = pd.date_range(window.start, window.end, freq="h", inclusive="left")
        return pd.DataFrame({"hour": hours, "visitors": range(len(hours))})

    assert run(visits, span=("2025-01-01-00:00", "2025-01-01-02:00")).success
    assert stored(shop, VISITS)[0] == (datetime(2024, 12, 31, 23, tzinfo=UTC), 0)
    assert run(visits, key="2025-01-01-01:00").success
    assert [visitors for _, visitors in stored(shop, VISITS)] == [0, 0, 2]


def test_plain_keys_are_partitions_of_a_text_column(shop: Database, run: Runner) -> None:
    @dg.asset(
        key_prefix="shop",
        partitions_def=dg.StaticPartitionsDefinition(["north", "it's \\ south"]),
        metadata={"partition_expr": "region"},
    )
    def branches(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return pd.DataFrame({"region": [context.partition_key], "town": ["x"]})

    assert metadata_of(run(branches, key="north"))["dagster/partition_row_count"] == 1
    for _ in range(2):
        assert run(branches, key="it's \\ south").success
    assert stored(shop, BRANCHES) == [("it's \\ south", "x"), ("north", "x")]


WORKDAYS = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-02-01", exclusions=["0 0 * * 6,0"])
FRIDAY, SATURDAY, MONDAY = (date(2025, 1, n) for n in (3, 4, 6))


def on_workdays(returned: Any, **metadata: Any) -> dg.AssetsDefinition:
    """The asset `shop/sales`, whose partitions leave out the weekends."""

    @dg.asset(
        name="sales",
        key_prefix="shop",
        partitions_def=WORKDAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"partition_expr": "day", **metadata},
    )
    def asset(context: dg.AssetExecutionContext) -> Any:
        return returned([date.fromisoformat(key) for key in context.partition_keys])

    return asset


def test_rows_of_a_date_that_the_partitions_leave_out_are_nobodys(shop: Database, run: Runner) -> None:
    assert run(daily_sales(lambda days: sales(days, ["old"])), span=("2025-01-03", "2025-01-06")).success
    span = ("2025-01-03", "2025-01-06")
    result = run(on_workdays(lambda days: sales(days, ["new"])), span=span)
    assert [(day, item) for day, item, *_ in stored(shop, SALES)] == [
        (FRIDAY, "new"),
        (SATURDAY, "old"),
        (date(2025, 1, 5), "old"),
        (MONDAY, "new"),
    ]
    assert set(partitions_of(result)) == {"2025-01-03", "2025-01-06"}
    found: list[pd.DataFrame] = []

    @dg.asset(
        ins={"given": dg.AssetIn(["shop", "sales"])},
        partitions_def=WORKDAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def report(given: pd.DataFrame) -> None:
        found.append(given)

    source = on_workdays(sales)
    assert run(source, report, only=report, span=span).success
    assert found[0]["item"].tolist() == ["new", "new"]
    for mode in ("replace_partition", "upsert"):
        outside = on_workdays(lambda days: sales([*days, SATURDAY]), write_mode=mode)
        told = failure_of(run(outside, span=span))
        assert "2 of 6 rows for table 'sales' are outside of the 2 partitions 2025-01-03 to 2025-01-06" in told
        assert "day is 2025-01-04" in told


def test_thousands_of_windows_with_gaps_are_one_condition(shop: Database) -> None:
    every_other = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=2 * n) for n in range(3_000)]
    windows = Windows("hour", tuple((hour, hour + timedelta(hours=1)) for hour in every_other))
    hours = [every_other[0], every_other[0] + timedelta(hours=1), every_other[-1]]
    rows = to_arrow(VISITS, pd.DataFrame({"hour": hours, "visitors": [1, 2, 3]}))
    writer = TableWriter(shop, VISITS)
    writer.replace([rows])
    assert read_frame(shop, VISITS, conditions=[windows])["visitors"].tolist() == [1, 3]
    writer.replace([], [windows])
    assert [visitors for _, visitors in stored(shop, VISITS)] == [2]


@pytest.mark.parametrize("column", [String(20), Enum("US", "us", native_enum=False)])
def test_a_partition_column_that_is_not_compared_byte_for_byte_is_refused(
    empty_database: Database, instance: dg.DagsterInstance, column: String
) -> None:
    tables = MetaData()
    countries = Table("countries", tables, Column("id", Integer, primary_key=True), Column("country", column))

    @dg.asset(
        partitions_def=dg.StaticPartitionsDefinition(["US", "us"]),
        metadata={"partition_expr": "country"},
        name=countries.name,
    )
    def asset() -> pd.DataFrame:
        return pd.DataFrame({"id": [1], "country": ["us"]})

    @dg.asset(partitions_def=asset.partitions_def, ins={"given": dg.AssetIn("countries")})
    def report(given: pd.DataFrame) -> None: ...

    manager = MySQLIOManager(empty_database, tables)
    for selected in (asset, report):
        result = dg.materialize(
            [asset, report],
            selection=dg.AssetSelection.assets(selected),
            resources={"io_manager": manager},
            instance=instance,
            partition_key="us",
            raise_on_error=False,
        )
        assert "column countries.country holds partitions" in failure_of(result)


def test_partitions_that_differ_in_case_or_accents_are_different(shop: Database, run: Runner) -> None:
    regions = ["US", "us", "u", "ü", "us "]

    @dg.asset(
        key_prefix="shop",
        partitions_def=dg.StaticPartitionsDefinition(regions),
        metadata={"partition_expr": "region"},
    )
    def branches(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return pd.DataFrame({"region": [context.partition_key], "town": ["x"]})

    for region in regions:
        assert run(branches, key=region).success
    assert sorted(region for region, _ in stored(shop, BRANCHES)) == sorted(regions)


def test_partitions_that_are_added_later_are_partitions_too(
    shop: Database, run: Runner, instance: dg.DagsterInstance
) -> None:
    fruits = dg.DynamicPartitionsDefinition(name="fruits")

    @dg.asset(key_prefix="shop", partitions_def=fruits, metadata={"partition_expr": "region"})
    def branches(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return pd.DataFrame({"region": [context.partition_key], "town": [context.run.run_id[:20]]})

    for fruit in ("apple", "orange", "apple"):
        instance.add_dynamic_partitions("fruits", [fruit])
        assert run(branches, key=fruit).success
    assert [region for region, _ in stored(shop, BRANCHES)] == ["apple", "orange"]
