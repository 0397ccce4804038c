"""Partitions of two dimensions: a date and a plain key, each in a column of its own."""

from datetime import date
from typing import Any, cast

import dagster as dg
import pandas as pd
import pytest
from sqlalchemy import Column, Date, Enum, Integer, MetaData, Table

from coingecko_pipeline.warehouse import Database, ExactText, InvalidFrameError, MySQLIOManager
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.partition_slice import partition_slice, value_counts
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.warehouse.materializing import failure_of, metadata_of, partitions_of
from coingecko_pipeline_tests.warehouse.shop import stored

pytestmark = [
    pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`"),
    pytest.mark.filterwarnings("ignore:Class `MultiToSingleDimensionPartitionMapping`"),
]

FAIRS = MetaData()
STALLS = Table(
    "stalls",
    FAIRS,
    Column("day", Date, primary_key=True),
    Column("region", ExactText(9), primary_key=True),
    Column("stall", Integer, primary_key=True),
    Column("kind", Enum("food", "toys"), nullable=False),
)
DAYS = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-02-01")
BOTH = dg.MultiPartitionsDefinition({"date": DAYS, "place": dg.StaticPartitionsDefinition(["north", "South", "south"])})
EXPRESSION = {"date": "day", "place": "region"}


def stalls_of(keys: list[dg.MultiPartitionKey], first: int = 1, count: int = 2) -> pd.DataFrame:
    rows = [
        (date.fromisoformat(key.keys_by_dimension["date"]), key.keys_by_dimension["place"], first + n, "food")
        for key in keys
        for n in range(count)
    ]
    return pd.DataFrame(rows, columns=STALLS.columns.keys())


def stalls(first: int = 1, change: Any = None, **metadata: Any) -> dg.AssetsDefinition:
    @dg.asset(
        name="stalls",
        partitions_def=BOTH,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"partition_expr": EXPRESSION, **metadata},
    )
    def asset(context: dg.AssetExecutionContext) -> pd.DataFrame:
        keys = [BOTH.get_partition_key_from_str(key) for key in context.partition_keys]
        frame = stalls_of(keys, first)
        return frame if change is None else change(frame)

    return asset


class Fair:
    def __init__(self, database: Database, instance: dg.DagsterInstance) -> None:
        self.database, self._instance = database, instance
        self._manager = MySQLIOManager(database, FAIRS)

    def __call__(
        self, *assets: dg.AssetsDefinition, only: dg.AssetsDefinition | None = None, **chosen: Any
    ) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            assets,
            selection=None if only is None else dg.AssetSelection.assets(only),
            resources={"io_manager": self._manager},
            instance=self._instance,
            raise_on_error=False,
            **chosen,
        )

    def cells(self) -> list[tuple[int, str, int]]:
        return [(day.day, region, stall) for day, region, stall, _ in stored(self.database, STALLS)]


@pytest.fixture
def fair(empty_database: Database, instance: dg.DagsterInstance) -> Fair:
    FAIRS.create_all(empty_database.engine)
    return Fair(empty_database, instance)


def test_one_cell_is_replaced_and_the_others_stay(fair: Fair) -> None:
    for key in ("2025-01-01|north", "2025-01-01|South", "2025-01-01|south", "2025-01-02|north"):
        assert metadata_of(fair(stalls(), partition_key=key))["dagster/partition_row_count"] == 2
    assert fair(stalls(first=7), partition_key="2025-01-01|south").success
    assert fair.cells() == [
        (1, "South", 1),
        (1, "South", 2),
        (1, "north", 1),
        (1, "north", 2),
        (1, "south", 7),
        (1, "south", 8),
        (2, "north", 1),
        (2, "north", 2),
    ]


def ranged(first: str, last: str) -> dict[str, Any]:
    return {"tags": {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}}


def test_a_range_replaces_its_cells_and_records_the_rows_of_each(fair: Fair) -> None:
    for key in ("2025-01-01|north", "2025-01-02|north", "2025-01-02|south", "2025-01-03|north"):
        assert fair(stalls(), partition_key=key).success
    result = fair(stalls(first=5), **ranged("2025-01-01|north", "2025-01-02|north"))
    given = {"dagster/partition_row_count": 2, "rows_written": 2}
    assert partitions_of(result) == {"2025-01-01|north": given, "2025-01-02|north": given}
    assert (2, "south", 1) in fair.cells()
    assert (3, "north", 1) in fair.cells()
    assert [cell for cell in fair.cells() if cell[1] == "north" and cell[2] < 5] == [(3, "north", 1), (3, "north", 2)]


def test_an_upsert_counts_the_rows_of_each_cell(fair: Fair) -> None:
    assert fair(stalls(), partition_key="2025-01-01|north").success
    result = fair(stalls(first=2, write_mode="upsert"), **ranged("2025-01-01|north", "2025-01-02|north"))
    assert {key: found["dagster/partition_row_count"] for key, found in partitions_of(result).items()} == {
        "2025-01-01|north": 3,
        "2025-01-02|north": 2,
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.assign(region="North"),
        lambda frame: frame.assign(day=date(2025, 1, 3)),
        lambda frame: frame.assign(region=["north", "south"]),
    ],
)
def test_a_row_outside_of_the_cell_is_refused(fair: Fair, change: Any) -> None:
    told = failure_of(fair(stalls(change=change), partition_key="2025-01-01|north"))
    assert "rows for table 'stalls' are outside of partition 2025-01-01|north: day is 2025-01-0" in told
    assert fair.cells() == []


class Asked:
    """A run of some cells that are no product of days and places."""

    asset_partition_keys = ("2025-01-01|north", "2025-01-02|north", "2025-01-02|south", "2025-01-04|north")


def test_only_the_cells_of_the_run_are_in_its_slice(fair: Fair) -> None:
    cells = partition_slice(cast("dg.OutputContext", Asked()), BOTH, STALLS, EXPRESSION)
    keys = [BOTH.get_partition_key_from_str(key) for key in Asked.asset_partition_keys]
    rows = to_arrow(STALLS, stalls_of(keys))
    cells.check(rows)
    assert cells.count_by_key(value_counts(rows, cells.columns)) == dict.fromkeys(Asked.asset_partition_keys, 2)
    for corner in ("2025-01-01|south", "2025-01-03|north", "2025-01-04|south", "2025-01-01|South"):
        with pytest.raises(InvalidFrameError, match=r"2 of 2 rows .* outside of the 4 partitions"):
            cells.check(to_arrow(STALLS, stalls_of([BOTH.get_partition_key_from_str(corner)])))
    for key in (*keys, BOTH.get_partition_key_from_str("2025-01-01|south")):
        assert fair(stalls(), partition_key=key).success
    assert sum(cells.stored_by_key(fair.database).values()) == 8
    TableWriter(fair.database, STALLS).replace([], [cells.condition])
    assert fair.cells() == [(1, "south", 1), (1, "south", 2)]


def reading(found: list[pd.DataFrame], partitions: Any, mapping: Any = None) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=partitions,
        backfill_policy=None if partitions is None else dg.BackfillPolicy.single_run(),
        ins={"given": dg.AssetIn("stalls", partition_mapping=mapping)},
    )
    def report(given: pd.DataFrame) -> None:
        found.append(given)

    return report


def test_an_input_is_a_cell_all_places_of_a_day_or_the_whole(fair: Fair) -> None:
    source = stalls()
    for key in ("2025-01-01|north", "2025-01-01|south", "2025-01-02|south"):
        assert fair(source, partition_key=key).success
    found: list[pd.DataFrame] = []
    same = reading(found, BOTH)
    assert fair(source, same, only=same, partition_key="2025-01-01|south").success
    by_day = reading(found, DAYS, dg.MultiToSingleDimensionPartitionMapping("date"))
    assert fair(source, by_day, only=by_day, partition_key="2025-01-01").success
    whole = reading(found, None)
    assert fair(source, whole, only=whole).success
    assert [sorted(set(zip(frame["day"].dt.day, frame["region"], strict=True))) for frame in found] == [
        [(1, "south")],
        [(1, "north"), (1, "south")],
        [(1, "north"), (1, "south"), (2, "south")],
    ]


def test_the_asset_of_another_code_location_is_read_by_the_same_columns(fair: Fair) -> None:
    assert fair(stalls(), partition_key="2025-01-01|north").success
    spec = dg.AssetSpec("stalls", partitions_def=BOTH, metadata={"partition_expr": EXPRESSION})
    found: list[pd.DataFrame] = []
    report = reading(found, DAYS, dg.MultiToSingleDimensionPartitionMapping("date"))
    assert fair(spec, report, partition_key="2025-01-01").success  # type: ignore[arg-type]
    assert found[0]["region"].tolist() == ["north", "north"]


@on_sqlite
@pytest.mark.parametrize(
    "expression", ["region", {"date": "day"}, {"date": "day", "place": "town"}, {"day": "day", "region": "region"}]
)
def test_each_dimension_needs_its_column(fair: Fair, expression: Any) -> None:
    told = failure_of(fair(stalls(partition_expr=expression), partition_key="2025-01-01|north"))
    assert "must name a column for each of the dimensions date, place in metadata partition_expr" in told


def test_a_dimension_may_be_a_column_of_chosen_words(fair: Fair) -> None:
    kinds = dg.StaticPartitionsDefinition(["food", "toys"])

    @dg.asset(name="stalls", partitions_def=kinds, metadata={"partition_expr": "kind"})
    def asset(context: dg.AssetExecutionContext) -> pd.DataFrame:
        kind = context.partition_key
        return pd.DataFrame({"day": [date(2025, 1, 1)], "region": [kind], "stall": [1], "kind": [kind]})

    for key in ("food", "toys", "toys"):
        assert metadata_of(fair(asset, partition_key=key))["dagster/partition_row_count"] == 1
    assert [kind for *_, kind in stored(fair.database, STALLS)] == ["food", "toys"]
