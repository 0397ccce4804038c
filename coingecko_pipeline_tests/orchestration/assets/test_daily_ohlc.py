"""The bars of a day from its hours: what they are, and when they are made."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import numpy as np
import pandas as pd
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.cli.runs import QUIET
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.partitions import hour_key_of, key_of, range_tags
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.running import metadata_of, rows_of

DAY = date(2026, 3, 9)
HOURLY_MARKET, DAILY_OHLC = (dg.AssetKey(["coingecko", name]) for name in ("hourly_market", "daily_ohlc"))

Hour = tuple[datetime, str, float | None]


def at(hour: int, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def fill(database: Database, hours: Iterable[Hour]) -> None:
    with database.transaction() as connection:
        connection.execute(
            insert(tables.hourly_market),
            [{"hour_at": hour, "asset_id": coin, "price_usd": price} for hour, coin, price in hours],
        )


def make(database: Database, first: date = DAY, last: date | None = None) -> dg.ExecuteInProcessResult:
    """Materialize a day, or a range of days in one run."""
    job = dg.define_asset_job("one_asset", selection=dg.AssetSelection.assets(DAILY_OHLC))
    definitions = build_definitions({"warehouse": dg.ResourceDefinition.hardcoded_resource(database)})
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
            .resolve_job_def("one_asset")
            .execute_in_process(instance=instance, run_config=QUIET, tags=range_tags(first, last or first))
        )
    assert result.success
    return result


def bars_of(database: Database) -> list[tuple[object, ...]]:
    return [
        (str(row[0]), *row[1:])
        for row in rows_of(
            database,
            "SELECT date, asset_id, open_usd, high_usd, low_usd, close_usd, observations FROM daily_ohlc "
            "ORDER BY date, asset_id",
        )
    ]


def test_a_bar_has_the_first_the_highest_the_lowest_and_the_last_price_of_its_hours(database: Database) -> None:
    fill(
        database,
        [
            (at(0), "a", 5.0), (at(1), "a", 9.0), (at(2), "a", 1e-18), (at(23), "a", 6.0),
            # Neither the last hour of the day before nor the first one of the next is the day's.
            (at(23, DAY - timedelta(days=1)), "a", 99.0), (at(0, DAY + timedelta(days=1)), "a", 0.0),
            (at(7), "b", 3.0),
        ],
    )  # fmt: skip
    make(database)
    assert bars_of(database) == [
        ("2026-03-09", "a", 5.0, 9.0, 1e-18, 6.0, 4),
        ("2026-03-09", "b", 3.0, 3.0, 3.0, 3.0, 1),
    ]


def test_an_hour_without_a_price_is_no_observation_and_no_price_at_all_is_no_bar(database: Database) -> None:
    fill(
        database,
        [(at(0), "a", None), (at(1), "a", 2.0), (at(2), "a", 4.0), (at(3), "a", None), (at(1), "nothing", None)],
    )
    make(database)
    assert bars_of(database) == [("2026-03-09", "a", 2.0, 4.0, 2.0, 4.0, 2)]


def test_a_day_made_again_is_replaced_and_its_neighbours_are_left_alone(database: Database) -> None:
    days = [DAY + timedelta(days=number) for number in range(3)]
    fill(database, [(at(hour, day), coin, float(hour)) for day in days for coin in "ab" for hour in (3, 4)])
    make(database, days[0], days[-1])
    with database.transaction() as connection:
        hours = tables.hourly_market
        connection.execute(hours.delete().where(hours.c.asset_id == "b"))
        connection.execute(hours.update().values(price_usd=7.0))
    make(database, days[1])
    assert [(day, coin, high) for day, coin, _, high, *_ in bars_of(database)] == [
        (str(days[0]), "a", 4.0),
        (str(days[0]), "b", 4.0),
        (str(days[1]), "a", 7.0),
        (str(days[2]), "a", 4.0),
        (str(days[2]), "b", 4.0),
    ]


def test_any_range_in_one_run_gives_what_pandas_gives(database: Database) -> None:
    random = np.random.default_rng(20260309)
    last = DAY + timedelta(days=4)
    hours = [
        (at(0) + timedelta(hours=hour), f"coin-{coin}", float(random.lognormal(sigma=9)))
        for hour in range(-24, 24 * 6)
        for coin in range(9)
        if random.random() < 0.3
    ]
    fill(database, hours)
    make(database, DAY, last)
    frame = pd.DataFrame(hours, columns=["hour", "coin", "price"]).assign(day=[hour.date() for hour, *_ in hours])
    bars = frame[frame["day"].between(DAY, last)].groupby(["day", "coin"])["price"]
    expected = bars.agg(["first", "max", "min", "last", "count"]).reset_index().astype({"day": str})
    assert bars_of(database) == list(expected.itertuples(index=False, name=None))
    assert len(expected) > 40


def test_each_day_of_a_range_has_its_own_row_count(database: Database) -> None:
    last = DAY + timedelta(days=2)
    fill(database, [(at(1), "a", 1.0), (at(1), "b", 1.0), (at(1, last), "a", 1.0)])
    assert metadata_of(make(database), "daily_ohlc")["dagster/partition_row_count"] == 2
    counts = {
        observation.partition: observation.metadata["dagster/partition_row_count"].value
        for event in make(database, DAY, last).all_events
        if event.event_type == dg.DagsterEventType.ASSET_OBSERVATION
        for observation in [event.asset_observation_data.asset_observation]
    }
    assert counts == {key_of(DAY): 2, key_of(DAY + timedelta(days=1)): 0, key_of(last): 1}


def test_a_day_that_is_not_over_is_no_partition() -> None:
    days = build_definitions().resolve_assets_def(DAILY_OHLC).partitions_def
    assert days is not None
    before, after = (at(23) + timedelta(minutes=minutes) for minutes in (59, 60))
    with dg.partition_loading_context(before):
        assert days.get_last_partition_key() == key_of(DAY - timedelta(days=1))
    with dg.partition_loading_context(after):
        assert days.get_last_partition_key() == key_of(DAY)


class Automation:
    """The days that the automation of daily_ohlc asks for, evaluated one moment after another."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._definitions = build_definitions()
        self._last: dg.EvaluateAutomationConditionsResult | None = None

    def came(self, asset: dg.AssetKey, partition: str) -> None:
        self._instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=partition))

    def asked_at(self, moment: datetime) -> list[str | None]:
        self._last = dg.evaluate_automation_conditions(
            self._definitions,
            self._instance,
            dg.AssetSelection.assets(DAILY_OHLC),
            evaluation_time=moment,
            cursor=self._last.cursor if self._last else None,
        )
        return list(self._last.get_requested_partitions(DAILY_OHLC))


def test_a_day_is_asked_for_once_when_it_is_over_and_again_where_one_of_its_hours_came_later() -> None:
    next_day = DAY + timedelta(days=1)
    midnight = at(0, next_day)
    with dg.DagsterInstance.ephemeral() as instance:
        automation = Automation(instance)
        assert automation.asked_at(at(0)) == []
        # Hours of the running day ask for nothing, and those between these were missed.
        for hour in (0, 11, 22):
            automation.came(HOURLY_MARKET, hour_key_of(at(hour)))
            assert automation.asked_at(at(hour) + timedelta(minutes=6)) == []
        assert automation.asked_at(midnight + timedelta(minutes=1)) == [key_of(DAY)]
        automation.came(DAILY_OHLC, key_of(DAY))
        assert automation.asked_at(midnight + timedelta(minutes=2)) == []
        automation.came(HOURLY_MARKET, hour_key_of(midnight))
        assert automation.asked_at(midnight + timedelta(minutes=6)) == []
        # The run of the last hour ended after midnight.
        automation.came(HOURLY_MARKET, hour_key_of(at(23)))
        assert automation.asked_at(midnight + timedelta(minutes=7)) == [key_of(DAY)]
        automation.came(DAILY_OHLC, key_of(DAY))
        # The machine slept: of the days that are over by then only the one that has an hour is asked for.
        assert automation.asked_at(midnight + timedelta(days=3, hours=9)) == [key_of(next_day)]
        assert automation.asked_at(midnight + timedelta(days=3, hours=10)) == []


def test_the_sensor_that_asks_for_the_measures_asks_for_it_too() -> None:
    definitions = build_definitions()
    sensor = definitions.resolve_sensor_def("measures_sensor")
    assert isinstance(sensor, dg.AutomationConditionSensorDefinition)
    assert DAILY_OHLC in sensor.asset_selection.resolve(definitions.resolve_asset_graph())
    assert HOURLY_MARKET not in sensor.asset_selection.resolve(definitions.resolve_asset_graph())
