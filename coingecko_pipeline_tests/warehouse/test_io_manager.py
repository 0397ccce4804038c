"""The IO manager, through real assets on an ephemeral Dagster instance."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from coingecko_pipeline.warehouse import Database, Frames, MySQLIOManager
from coingecko_pipeline_tests.databases import MakeDatabase, on_servers, on_sqlite
from coingecko_pipeline_tests.warehouse.shop import BRANCHES, ITEMS, SALES, SHOP, VISITS, sales, stored

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")

DAYS = dg.DailyPartitionsDefinition("2025-01-01", end_date="2025-02-01")
FIRST, SECOND, THIRD = (date(2025, 1, n) for n in (1, 2, 3))


@pytest.fixture(scope="module")
def shop_with_tables(make_database: MakeDatabase) -> Database:
    database = make_database()
    SHOP.create_all(database.engine)
    return database


@pytest.fixture
def shop(shop_with_tables: Database) -> Database:
    """The shop's tables, all of them empty."""
    with shop_with_tables.transaction() as connection:
        for table in SHOP.sorted_tables:
            connection.execute(table.delete())
    return shop_with_tables


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def daily_sales(returned: Callable[[list[date]], Any], **metadata: Any) -> dg.AssetsDefinition:
    """The partitioned asset `shop/sales`, whose rows are made by a function from its days."""

    @dg.asset(
        name="sales",
        key_prefix="shop",
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"partition_expr": "day", **metadata},
        retry_policy=dg.RetryPolicy(max_retries=1),
    )
    def asset(context: dg.AssetExecutionContext) -> Any:
        window = context.partition_time_window
        days = (window.end - window.start).days
        return returned([window.start.date() + timedelta(days=n) for n in range(days)])

    return asset


def items(returned: Callable[[], Any], **metadata: Any) -> dg.AssetsDefinition:
    """The asset `shop/items`, without partitions."""

    @dg.asset(name="items", key_prefix="shop", metadata=metadata)
    def asset() -> Any:
        return returned()

    return asset


class Runner:
    """Materializes assets on one instance with one IO manager."""

    def __init__(self, database: Database, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        ticks = iter(range(1_000_000))
        self.manager = MySQLIOManager(database, SHOP, clock=lambda: float(next(ticks)))

    def __call__(
        self,
        *assets: dg.AssetsDefinition,
        key: str | None = None,
        span: tuple[str, str] | None = None,
        only: dg.AssetsDefinition | None = None,
    ) -> dg.ExecuteInProcessResult:
        tags = {}
        if span is not None:
            tags = {"dagster/asset_partition_range_start": span[0], "dagster/asset_partition_range_end": span[1]}
        return dg.materialize(
            assets,
            resources={"io_manager": self.manager},
            instance=self._instance,
            partition_key=key,
            tags=tags,
            selection=None if only is None else dg.AssetSelection.assets(only),
            raise_on_error=False,
        )

    def observations(self) -> dict[str, dict[str, Any]]:
        records = self._instance.fetch_observations(dg.AssetKey(["shop", "sales"]), limit=100).records
        return {
            str(record.partition_key): {name: value.value for name, value in record.asset_observation.metadata.items()}
            for record in reversed(records)  # the newest come first, and count
            if record.asset_observation is not None
        }


@pytest.fixture
def run(shop: Database, instance: dg.DagsterInstance) -> Runner:
    return Runner(shop, instance)


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    assert result.success
    (materialization, *_) = result.get_asset_materialization_events()
    found = materialization.materialization.metadata
    return {name: value.value for name, value in found.items()}


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """What the step failed with; it failed at the first try, as a Failure of its own."""
    assert not result.success
    assert not [event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]
    (failed,) = (event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_FAILURE)
    error = failed.step_failure_data.error
    assert error is not None
    assert error.cls_name == "Failure"
    return error.message


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
    found = metadata_of(result)
    assert (found["rows_written"], found["partitions_written"]) == (4, 3)
    assert "dagster/partition_row_count" not in found
    assert run.observations() == {
        "2025-01-01": {"dagster/partition_row_count": 2, "rows_written": 2},
        "2025-01-02": {"dagster/partition_row_count": 1, "rows_written": 1},
        "2025-01-03": {"dagster/partition_row_count": 1, "rows_written": 1},
    }


def test_an_upsert_keeps_the_other_rows_and_counts_them_in_the_partition(shop: Database, run: Runner) -> None:
    assert run(daily_sales(sales, write_mode="upsert"), span=("2025-01-01", "2025-01-02")).success
    again = daily_sales(lambda days: sales(days[:1], ["cup", "ink"], 5.0, 2), write_mode="upsert")
    found = metadata_of(run(again, span=("2025-01-01", "2025-01-02")))
    assert found["rows_written"] == 2
    assert run.observations() == {
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


def test_each_frame_of_an_upsert_is_committed_before_the_next_is_asked_for(shop: Database, run: Runner) -> None:
    seen: list[int] = []

    def one_by_one(days: list[date]) -> Frames:
        def frames() -> Iterator[pd.DataFrame]:
            for item in ("a", "b", "c"):
                seen.append(len(stored(shop, SALES)))
                yield sales(days, [item])

        return Frames(frames(), lambda: {"calls": len(seen), "write_mode": "mine"})

    found = metadata_of(run(daily_sales(one_by_one, write_mode="upsert"), key="2025-01-01"))
    assert seen == [0, 1, 2]
    assert found["calls"] == 3, "the producer is asked after its last frame"
    assert found["write_mode"] == "mine"
    assert found["dagster/partition_row_count"] == 3


def test_a_replacement_touches_nothing_before_its_last_frame(shop: Database, run: Runner) -> None:
    assert run(daily_sales(sales), key="2025-01-01").success
    seen: list[int] = []

    def frames(days: list[date]) -> Iterator[pd.DataFrame]:
        for item in ("a", "b", "c"):
            seen.append(len(stored(shop, SALES)))
            yield sales(days, [item])

    assert run(daily_sales(lambda days: Frames(frames(days))), key="2025-01-01").success
    assert seen == [2, 2, 2]
    assert [item for _, item, *_ in stored(shop, SALES)] == ["a", "b", "c"]


def frames_that_fail(error: Exception) -> Callable[[list[date]], Frames]:
    def frames(days: list[date]) -> Iterator[pd.DataFrame]:
        yield sales(days, ["new"])
        raise error

    return lambda days: Frames(frames(days))


def test_a_failure_of_the_producer_comes_through_as_itself_and_is_not_retried(shop: Database, run: Runner) -> None:
    stop = dg.Failure("the month's credits are spent", metadata={"left": 3}, allow_retries=False)
    result = run(daily_sales(frames_that_fail(stop), write_mode="upsert"), key="2025-01-01")
    assert "the month's credits are spent" in failure_of(result)
    (failed,) = (event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_FAILURE)
    data = failed.step_failure_data.user_failure_data
    assert data is not None
    assert data.metadata["left"].value == 3
    assert [item for _, item, *_ in stored(shop, SALES)] == ["new"], "the first frame was committed"


def test_a_replacement_whose_producer_fails_leaves_the_stored_rows(shop: Database, run: Runner) -> None:
    assert run(daily_sales(sales), key="2025-01-01").success
    run(daily_sales(frames_that_fail(dg.Failure("no", allow_retries=False))), key="2025-01-01")
    assert [item for _, item, *_ in stored(shop, SALES)] == ["ink", "pen"]


def test_another_error_of_the_producer_is_left_to_the_retry_policy(run: Runner) -> None:
    result = run(daily_sales(frames_that_fail(TimeoutError("slow"))), key="2025-01-01")
    assert not result.success
    assert [event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]


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
        (None, "must return a DataFrame, an iterator of them, or Frames, not NoneType"),
        ("rows", "must return a DataFrame, an iterator of them, or Frames, not str"),
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


def test_keys_that_repeat_in_two_frames_of_a_replacement_leave_the_stored_rows(shop: Database, run: Runner) -> None:
    assert run(daily_sales(lambda days: sales(days, ["old"])), key="2025-01-01").success
    result = run(daily_sales(lambda days: iter([sales(days, ["a"]), sales(days, ["a"])])), key="2025-01-01")
    assert "table 'sales'" in failure_of(result)
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

    assert "no table 'orders' is declared" in failure_of(run(orders))


def reader(found: list[pd.DataFrame], partitioned: bool = True, **metadata: Any) -> dg.AssetsDefinition:
    """An asset that keeps what it was given of `shop/sales`."""

    @dg.asset(
        ins={"given": dg.AssetIn(["shop", "sales"], metadata=metadata)},
        partitions_def=DAYS if partitioned else None,
        backfill_policy=dg.BackfillPolicy.single_run() if partitioned else None,
    )
    def report(given: pd.DataFrame) -> None:
        found.append(given)

    return report


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


def test_several_dimensions_of_partitions_are_refused(run: Runner) -> None:
    both = dg.MultiPartitionsDefinition({"day": DAYS, "region": dg.StaticPartitionsDefinition(["north"])})

    @dg.asset(key_prefix="shop", partitions_def=both, metadata={"partition_expr": "region"})
    def branches() -> pd.DataFrame:
        return pd.DataFrame()

    result = run(branches, key="2025-01-01|north")
    assert "the partitions are MultiPartitionsDefinition" in failure_of(result)


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


@on_servers
def test_a_lost_connection_does_not_lose_a_frame(shop: Database, run: Runner) -> None:
    def frames(days: list[date]) -> Iterator[pd.DataFrame]:
        for item in ("a", "b"):
            with shop.connect() as connection:
                mine = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
                others = connection.exec_driver_sql(
                    "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> %s", (mine,)
                ).scalars()
                for other in others.all():
                    connection.exec_driver_sql(f"KILL CONNECTION {other}")
            yield sales(days, [item])

    assert run(daily_sales(lambda days: Frames(frames(days)), write_mode="upsert"), key="2025-01-01").success
    assert [item for _, item, *_ in stored(shop, SALES)] == ["a", "b"]
