"""What an asset's inputs are: partitions, chosen columns, chosen rows, of exact types."""

from typing import Any

import dagster as dg
import pandas as pd
import pytest

from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.warehouse.materializing import FIRST, SECOND, Runner, daily_sales, reader
from coingecko_pipeline_tests.warehouse.shop import sales

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")


def test_a_partition_a_range_and_the_whole_table_are_loaded(run: Runner) -> None:
    source = daily_sales(sales)
    assert run(source, span=("2025-01-01", "2025-01-04")).success
    found: list[pd.DataFrame] = []
    report = reader(found)
    assert run(source, report, only=report, key="2025-01-02").success
    assert run(source, report, only=report, span=("2025-01-02", "2025-01-03")).success
    whole = reader(found, partitioned=False)
    assert run(source, whole, only=whole).success
    assert [len(frame) for frame in found] == [2, 4, 8]
    assert found[0]["day"].tolist() == [pd.Timestamp(SECOND)] * 2
    assert found[0]["item"].tolist() == ["ink", "pen"], "in the order of the key"
    assert {name: str(kind) for name, kind in found[0].dtypes.items()} == {
        "day": "datetime64[us]",
        "item": "str",
        "amount": "float64",
        "version": "int64",
    }


def test_chosen_columns_and_chosen_rows_are_loaded(run: Runner) -> None:
    source = daily_sales(lambda days: sales(days, ["pen", "ink", "50% \\' OR 1=1 -- "]))
    assert run(source, span=("2025-01-01", "2025-01-02")).success
    found: list[pd.DataFrame] = []
    odd = reader(found, columns=["amount", "item"], where={"item": ["50% \\' OR 1=1 -- "]})
    assert run(source, odd, only=odd, key="2025-01-01").success
    one = reader(found, partitioned=False, columns=["day"], where={"item": "pen"})
    assert run(source, one, only=one).success
    assert found[0].to_dict("records") == [{"amount": 1.0, "item": "50% \\' OR 1=1 -- "}]
    assert found[1].to_dict("list") == {"day": [pd.Timestamp(FIRST), pd.Timestamp(SECOND)]}


@on_sqlite
@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"columns": ["colour"]}, "no column 'colour'"),
        ({"columns": "amount"}, "must be a list of column names"),
        ({"where": {"colour": "red"}}, "no column 'colour'"),
        ({"where": "item = 'pen'"}, "must map columns to values"),
    ],
)
def test_an_input_that_asks_for_what_is_not_there_is_told(run: Runner, metadata: dict[str, Any], told: str) -> None:
    source = daily_sales(sales)
    report = reader([], **metadata)
    assert run(source, key="2025-01-01").success
    result = run(source, report, only=report, key="2025-01-01")
    assert not result.success
    (failed,) = (event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_FAILURE)
    assert told in str(failed.step_failure_data.error)


def test_an_empty_partition_is_loaded_with_its_types(run: Runner) -> None:
    found: list[pd.DataFrame] = []
    source, report = daily_sales(sales), reader(found)
    assert run(source, report, only=report, key="2025-01-05").success
    assert found[0].empty
    assert [str(kind) for kind in found[0].dtypes] == ["datetime64[us]", "str", "float64", "int64"]
