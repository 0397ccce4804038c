"""What an input is loaded as, from where, and under which name: annotations, schemas, outputs that are no asset's."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Column, Integer, MetaData, Table

from coingecko_pipeline.warehouse import Database, ExactText, Guard, MySQLIOManager, read_frame
from coingecko_pipeline_tests.databases import MakeDatabase, on_servers, on_sqlite
from coingecko_pipeline_tests.warehouse.materializing import (
    DAYS,
    FIRST,
    SECOND,
    Runner,
    daily_sales,
    failure_of,
    metadata_of,
)
from coingecko_pipeline_tests.warehouse.shop import ITEMS, SALES, SHOP, VISITS, sales, stored

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")


ONE_RUN = dg.BackfillPolicy.single_run()


class Columnar:
    """Someone else's frame, which is made of an Arrow table and gives one, as polars' does."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


def test_an_input_is_an_arrow_table_where_its_annotation_says_so(run: Runner) -> None:
    source = daily_sales(sales)
    assert run(source, span=("2025-01-01", "2025-01-02")).success
    found: list[pa.Table] = []

    @dg.asset(ins={"given": dg.AssetIn(["shop", "sales"], metadata={"columns": ["day", "item"]})}, partitions_def=DAYS)
    def report(given: pa.Table) -> None:
        found.append(given)

    assert run(source, report, only=report, key="2025-01-02").success
    assert found[0].to_pydict() == {"day": [SECOND, SECOND], "item": ["ink", "pen"]}


def test_moments_of_an_arrow_table_are_in_utc_and_nothing_is_there_with_its_types(shop: Database, run: Runner) -> None:
    @dg.asset(key_prefix="shop")
    def visits() -> pa.Table:
        hour = pa.array([datetime(2025, 1, 1, tzinfo=UTC)], pa.timestamp("ms", "UTC"))
        return pa.table({"hour": hour, "visitors": [1]})

    found: list[pa.Table] = []

    @dg.asset(ins={"given": dg.AssetIn(["shop", "visits"])})
    def report(given: pa.Table) -> None:
        found.append(given)

    assert run(visits, report).success
    with shop.transaction() as connection:
        connection.execute(VISITS.delete())
    assert run(visits, report, only=report).success
    assert found[0].schema.field("hour").type == pa.timestamp("us", "UTC")
    assert found[0]["hour"].to_pylist() == [datetime(2025, 1, 1, tzinfo=UTC)]
    assert found[1].schema == found[0].schema
    assert len(found[1]) == 0


def test_a_class_that_speaks_arrow_goes_in_and_out(shop: Database, run: Runner) -> None:
    @dg.asset(key_prefix="shop", name="items")
    def made() -> Columnar:
        return Columnar(pa.table({"item": pa.array(["pen", "ink"], pa.string_view()), "colour": ["red", None]}))

    found: list[Columnar] = []

    @dg.asset(ins={"given": dg.AssetIn(["shop", "items"])})
    def report(given: Columnar) -> None:
        found.append(given)

    assert run(made, report).success
    assert found[0].rows.to_pydict() == {"item": ["ink", "pen"], "colour": [None, "red"]}
    assert len(stored(shop, ITEMS)) == 2


def test_polars_frames_go_in_and_out(run: Runner) -> None:
    polars = pytest.importorskip("polars")

    def returned(days: list[date]) -> Any:
        return polars.DataFrame({"day": days, "item": ["pen"], "amount": [1.5], "version": [1]})

    found: list[Any] = []

    def report(given: Any) -> None:
        found.append(given)

    report.__annotations__["given"] = polars.DataFrame
    asset = dg.asset(ins={"given": dg.AssetIn(["shop", "sales"])}, partitions_def=DAYS, backfill_policy=ONE_RUN)(report)
    source = daily_sales(returned)
    assert run(source, asset, key="2025-01-01").success
    assert found[0].rows() == [(FIRST, "pen", 1.5, 1)]
    assert isinstance(found[0], polars.DataFrame)


@on_sqlite
def test_an_output_that_is_no_frame_is_refused(run: Runner) -> None:
    @dg.asset(name="items", key_prefix="shop")
    def asset() -> int:
        return 1

    assert "must return a DataFrame, an Arrow table" in failure_of(run(asset))


def test_the_outputs_of_ops_are_stored_by_their_names(shop: Database) -> None:
    found: list[pd.DataFrame] = []

    @dg.op(out={"items": dg.Out(metadata={"write_mode": "upsert"})})
    def make() -> pd.DataFrame:
        return pd.DataFrame({"item": ["pen"], "colour": ["red"]})

    @dg.op
    def look(given: pd.DataFrame) -> None:
        found.append(given)

    @dg.job(resource_defs={"io_manager": dg.IOManagerDefinition.hardcoded_io_manager(MySQLIOManager(shop, SHOP))})
    def job() -> None:
        look(make())

    for _ in range(2):
        assert job.execute_in_process().success
    assert found[1].to_dict("records") == [{"item": "pen", "colour": "red"}]
    assert len(stored(shop, ITEMS)) == 1


@on_sqlite
def test_an_output_of_an_op_without_a_name_is_told_what_is_declared(shop: Database) -> None:
    @dg.op
    def make() -> pd.DataFrame:
        return pd.DataFrame()

    @dg.job(resource_defs={"io_manager": dg.IOManagerDefinition.hardcoded_io_manager(MySQLIOManager(shop, SHOP))})
    def job() -> None:
        make()

    assert "no table 'result' is declared" in failure_of(job.execute_in_process(raise_on_error=False))


def test_a_partition_that_maps_to_none_is_an_empty_frame_with_its_columns(shop: Database, run: Runner) -> None:
    found: list[pd.DataFrame] = []
    before = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)

    @dg.asset(
        key_prefix="shop",
        name="sales",
        partitions_def=DAYS,
        metadata={"partition_expr": "day"},
        ins={"yesterday": dg.AssetIn(["shop", "sales"], partition_mapping=before)},
    )
    def running_total(context: dg.AssetExecutionContext, yesterday: pd.DataFrame) -> pd.DataFrame:
        found.append(yesterday)
        day = date.fromisoformat(context.partition_key)
        return sales([day], ["pen"], amount=yesterday["amount"].sum() + 1.0)

    for key in ("2025-01-01", "2025-01-02", "2025-01-02"):
        assert run(running_total, key=key).success
    assert [len(frame) for frame in found] == [0, 1, 1]
    assert list(found[0].columns) == ["day", "item", "amount", "version"]
    assert str(found[0]["amount"].dtype) == "float64"
    assert [amount for _, _, amount, _ in stored(shop, SALES)] == [1.0, 2.0]


def test_plain_keys_that_map_to_none_are_an_empty_frame(run: Runner) -> None:
    up, down = dg.StaticPartitionsDefinition(["a"]), dg.StaticPartitionsDefinition(["x", "y"])

    @dg.asset(key_prefix="shop", partitions_def=up, metadata={"partition_expr": "region"})
    def branches(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return pd.DataFrame({"region": [context.partition_key], "town": ["t"]})

    found: list[pd.DataFrame] = []
    mapping = dg.StaticPartitionMapping({"a": "x"})

    @dg.asset(partitions_def=down, ins={"given": dg.AssetIn(["shop", "branches"], partition_mapping=mapping)})
    def report(given: pd.DataFrame) -> None:
        found.append(given)

    assert run(branches, key="a").success
    for key in ("x", "y"):
        assert run(branches, report, only=report, key=key).success
    assert [frame["region"].tolist() for frame in found] == [["a"], []]


def in_schema(name: str, metadata: MetaData) -> Table:
    return Table(
        "stock",
        metadata,
        Column("item", ExactText(9), primary_key=True),
        Column("pieces", Integer),
        info={"guard": Guard("pieces")},
        schema=name,
    )


@pytest.fixture
def beside(empty_database: Database, make_database: MakeDatabase, tmp_path: Path) -> Iterator[tuple[Database, str]]:
    """A database, and the name of another one that its tables can be declared in."""
    if not empty_database.is_sqlite:
        yield empty_database, str(make_database().url.database)
        return
    attached = {"beside": str(tmp_path / "beside.db")}
    database = Database(empty_database.url.render_as_string(hide_password=False), attached=attached)
    yield database, "beside"
    database.dispose()


def stock_of(pieces: int, mode: str) -> dg.AssetsDefinition:
    @dg.asset(metadata={"write_mode": mode})
    def stock() -> pd.DataFrame:
        return pd.DataFrame({"item": ["pen"], "pieces": [pieces]})

    return stock


@pytest.mark.parametrize("mode", ["replace_table", "upsert"])
def test_a_table_may_be_declared_in_a_schema(
    beside: tuple[Database, str], instance: dg.DagsterInstance, mode: str
) -> None:
    database, schema = beside
    tables = MetaData()
    stock = in_schema(schema, tables)
    tables.create_all(database.engine)
    manager = MySQLIOManager(database, tables)
    for pieces in (2, 1):
        result = dg.materialize(
            [stock_of(pieces, mode)], resources={"io_manager": manager}, instance=instance, raise_on_error=False
        )
        assert metadata_of(result)["dagster/table_name"] == f"{schema}.stock"
    assert read_frame(database, stock)["pieces"].tolist() == [2 if mode == "upsert" else 1]


def test_of_two_schemas_the_part_of_the_key_before_the_name_chooses(
    beside: tuple[Database, str], instance: dg.DagsterInstance
) -> None:
    database, schema = beside
    tables = MetaData()
    there, here = in_schema(schema, tables), Table("stock", tables, Column("item", ExactText(9), primary_key=True))
    tables.create_all(database.engine)

    @dg.asset(name="stock", key_prefix=["warehouse", schema])
    def asset() -> pd.DataFrame:
        return pd.DataFrame({"item": ["pen"], "pieces": [1]})

    manager = MySQLIOManager(database, tables)
    assert dg.materialize([asset], resources={"io_manager": manager}, instance=instance).success
    assert (len(read_frame(database, there)), len(read_frame(database, here))) == (1, 0)
    assert manager.table("stock") is here


@on_servers
def test_a_table_in_a_schema_that_is_not_as_declared_is_refused(beside: tuple[Database, str]) -> None:
    database, schema = beside
    tables = MetaData()
    in_schema(schema, tables)
    with database.transaction() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {schema}.stock (item VARCHAR(9), pieces INT)")

    @dg.asset(name="stock")
    def asset() -> pd.DataFrame:
        return pd.DataFrame({"item": ["pen"], "pieces": [1]})

    result = dg.materialize([asset], resources={"io_manager": MySQLIOManager(database, tables)}, raise_on_error=False)
    assert f"table '{schema}.stock' is not in the database as it is declared" in failure_of(result)
