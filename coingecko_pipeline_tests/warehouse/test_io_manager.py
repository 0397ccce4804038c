"""The IO manager, through real assets on an ephemeral Dagster instance."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from coingecko_pipeline.warehouse import Database, Frames, MySQLIOManager
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.warehouse.materializing import (
    FIRST,
    SECOND,
    Runner,
    daily_sales,
    failure_of,
    items,
    metadata_of,
)
from coingecko_pipeline_tests.warehouse.shop import ITEMS, SALES, SHOP, sales, stored

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")


def test_what_is_shown_of_the_rows_is_no_markdown(run: Runner) -> None:
    frame = pd.DataFrame({"item": ["[f](https://evil.x)", "<img src=x>"], "colour": ["a|b", None]})
    shown = metadata_of(run(items(lambda: frame)))["preview"]
    assert shown.splitlines()[2:] == [
        "| \\[f\\](https\u200b://evil.x) | a\\|b |",
        "| \\<img src=x\\> |  |",
    ]


def test_a_table_without_partitions_is_replaced(shop: Database, run: Runner) -> None:
    first = pd.DataFrame({"item": ["pen", "ink"], "colour": ["red", None]})
    result = run(items(lambda: first))
    found = metadata_of(result)
    assert found["dagster/row_count"] == found["rows_written"] == 2
    assert found["dagster/table_name"] == ("items" if shop.is_sqlite else f"{shop.url.database}.items")
    assert found["storage_kind"] == shop.kind
    assert found["write_mode"] == "replace_table"
    assert found["rows_per_second"] == 2.0, "the clock ticks one second for each look at it"
    assert found["bytes_per_second"] > 0
    assert found["preview"] == "| item | colour |\n| --- | --- |\n| pen | red |\n| ink |  |"
    assert run(items(lambda: first.assign(item=["cup", "ink"]))).success
    assert [item for item, _ in stored(shop, ITEMS)] == ["cup", "ink"]


def test_the_column_schema_comes_from_the_declared_table(run: Runner) -> None:
    schema = metadata_of(run(daily_sales(sales), key="2025-01-01"))["dagster/column_schema"]
    day, item, amount, version = schema.columns
    assert (day.name, day.type, day.description) == ("day", "date", "day of the sale (UTC)")
    assert day.constraints.other == item.constraints.other == ["part of the primary key"]
    assert (item.type, item.constraints.nullable) == ("varchar(20)", False)
    assert (amount.type, amount.constraints.nullable, version.constraints.nullable) == ("double", True, False)


def rows_of(version: int) -> Callable[[list[date]], pd.DataFrame]:
    return lambda days: sales(days, ["pen"], float(version), version)


def test_the_guard_of_the_table_holds_for_the_asset(shop: Database, run: Runner) -> None:
    for version in (2, 1):
        assert run(daily_sales(rows_of(version), write_mode="upsert"), key="2025-01-01").success
    assert stored(shop, SALES) == [(FIRST, "pen", 2.0, 2)]


def test_an_upsert_without_partitions_counts_the_whole_table(run: Runner) -> None:
    assert run(items(lambda: pd.DataFrame({"item": ["a"], "colour": ["x"]}), write_mode="upsert")).success
    result = run(items(lambda: pd.DataFrame({"item": ["b"], "colour": ["y"]}), write_mode="upsert"))
    assert metadata_of(result)["dagster/row_count"] == 2


@pytest.mark.parametrize("mode", ["replace_partition", "upsert"])
@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (
            sales([FIRST, SECOND]),
            "2 of 4 rows for table 'sales' are outside of partition 2025-01-01: day is 2025-01-02",
        ),
        (pd.concat([sales([FIRST]), sales([FIRST])]), "2 rows of the frame repeat a key of table 'sales'"),
        (sales([]), "returned no rows for sales, partition 2025-01-01"),
        (sales([FIRST]).drop(columns="amount"), "missing: amount"),
        (sales([FIRST]).assign(colour="red"), "unknown: colour"),
        (None, "must return a DataFrame, an Arrow table, an iterator of them, or Frames, not NoneType"),
        ("rows", "must return a DataFrame, an Arrow table, an iterator of them, or Frames, not str"),
    ],
    ids=["outside", "duplicates", "empty", "missing", "unknown", "none", "text"],
)
def test_what_does_not_fit_fails_without_retries_and_leaves_the_stored_rows(
    shop: Database, run: Runner, mode: str, frame: Any, told: str
) -> None:
    assert run(daily_sales(lambda days: sales(days, ["old"])), key="2025-01-01").success
    result = run(daily_sales(lambda _: frame, write_mode=mode), key="2025-01-01")
    assert told in failure_of(result)
    assert [item for _, item, *_ in stored(shop, SALES)] == ["old"]


def test_no_rows_are_stored_as_none_where_the_asset_allows_it(shop: Database, run: Runner) -> None:
    assert run(daily_sales(sales), span=("2025-01-01", "2025-01-02")).success
    result = run(daily_sales(lambda _: iter(()), allow_empty=True), key="2025-01-01")
    assert metadata_of(result)["dagster/partition_row_count"] == 0
    assert {day for day, *_ in stored(shop, SALES)} == {SECOND}


@on_sqlite
@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"write_mode": "append"}, "write_mode 'append' of table 'sales' is none of replace_table, replace_partition"),
        ({"write_mode": "replace_table"}, "would delete every other partition"),
        ({"partition_expr": "date"}, "(given: 'date'; columns: day, item, amount, version)"),
        ({"partition_expr": "amount"}, "column sales.amount is double"),
        ({"allow_empty": "yes"}, "must be true or false"),
    ],
)
def test_a_wrong_declaration_is_told_before_anything_is_asked_for(
    run: Runner, metadata: dict[str, Any], told: str
) -> None:
    asked: list[pd.DataFrame] = []

    def frames() -> Iterator[pd.DataFrame]:
        asked.append(sales([FIRST]))
        yield asked[0]

    assert told in failure_of(run(daily_sales(lambda _: Frames(frames()), **metadata), key="2025-01-01"))
    assert asked == []


def test_an_asset_without_partitions_cannot_replace_one(run: Runner) -> None:
    result = run(items(lambda: pd.DataFrame(), write_mode="replace_partition"))
    assert "needs a partitioned asset" in failure_of(result)


def test_an_asset_without_a_declared_table_is_told_which_are_declared(run: Runner) -> None:
    @dg.asset(key_prefix="shop")
    def orders() -> pd.DataFrame:
        return pd.DataFrame()

    assert "no table 'orders' is declared for shop/orders" in failure_of(run(orders))


def test_the_url_may_come_from_a_variable_that_is_read_at_first_use(
    shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = MySQLIOManager(dg.EnvVar("SHOP_DATABASE_URL"), [SALES, ITEMS])
    assert repr(manager) == "MySQLIOManager(EnvVar('SHOP_DATABASE_URL'), tables=['items', 'sales'])"
    monkeypatch.setenv("SHOP_DATABASE_URL", shop.url.render_as_string(hide_password=False))
    assert manager.database.url == shop.url
    manager.database.dispose()


def test_the_database_is_prepared_once_before_its_first_use(shop: Database) -> None:
    prepared: list[Database] = []
    manager = MySQLIOManager(shop, SHOP, prepare=prepared.append)
    assert prepared == []
    assert manager.database is manager.database is shop
    assert prepared == [shop]


def test_neither_the_definitions_nor_the_manager_show_the_password() -> None:
    manager = MySQLIOManager("mysql+pymysql://user:hush@host/name", SHOP)
    assert "hush" not in repr(manager)
    definitions = dg.Definitions(assets=[items(pd.DataFrame)], resources={"io_manager": manager})
    repository = definitions.get_repository_def()
    resources = repository.get_top_level_resources()
    assert "hush" not in str({name: vars(resource) for name, resource in resources.items()})
