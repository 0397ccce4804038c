"""global_market_daily against pandas."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import Change, log_changes
from coingecko_pipeline.measures import GLOBAL_MARKET_DAILY, follow_market
from coingecko_pipeline.tables import global_market_daily
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.charts import assert_equal, planted, recorded_market, store, stored
from coingecko_pipeline_tests.measures.deriving import build

FIRST, LAST = date(2022, 6, 1), date(2023, 8, 15)


def test_the_sums_of_recorded_charts_are_those_of_pandas(database: Database) -> None:
    charts = recorded_market(FIRST, LAST)
    charts["ripple"].loc["2022-09-01":"2022-09-05"] = np.nan
    charts["stellar"].loc["2023-02-01":"2023-02-03", "market_cap_usd"] = np.nan
    store(database, charts)
    assert build(database, GLOBAL_MARKET_DAILY).rows_written == (LAST - FIRST).days + 1
    price, volume, cap = (
        pd.DataFrame({coin: chart[column] for coin, chart in charts.items()})
        for column in ("price_usd", "volume_24h_usd", "market_cap_usd")
    )
    total = cap.sum(axis=1)
    expected = pd.DataFrame(
        {
            "market_cap_usd": total,
            "volume_24h_usd": volume.sum(axis=1),
            "coins_with_price": price.notna().sum(axis=1),
            "share_of_largest": cap.max(axis=1) / total,
            "share_of_ten": total / total,
            "share_of_hundred": total / total,
            "coins_up": (price > price.shift(1)).sum(axis=1),
            "coins_down": (price < price.shift(1)).sum(axis=1),
            "coins": (price.notna() | cap.notna()).sum(axis=1),
            "coins_exact": (price.notna() | cap.notna()).sum(axis=1),
        }
    )
    # No coin is known to stand for another, so both sets are the same.
    everything = expected.rename(columns=lambda name: f"{tables.ALL}{name}")
    assert_equal(stored(database, global_market_daily), pd.concat([expected, everything], axis=1))


def test_the_shares_are_of_the_largest_one_ten_and_hundred(database: Database) -> None:
    day = date(2026, 1, 1)
    store(database, {f"coin-{number}": planted(day, [float(number)]) for number in range(1, 121)})
    build(database, GLOBAL_MARKET_DAILY)
    (row,) = stored(database, global_market_daily).to_dict("records")
    whole = 120 * 121 / 2
    assert row["market_cap_usd"] == whole * 1000
    assert np.isclose(row["share_of_largest"], 120 / whole)
    assert np.isclose(row["share_of_ten"], sum(range(111, 121)) / whole)
    assert np.isclose(row["share_of_hundred"], sum(range(21, 121)) / whole)


def test_where_no_coin_has_a_market_cap_there_is_no_sum_and_no_share(database: Database) -> None:
    day = date(2026, 1, 1)
    chart = planted(day, [1.0, 1.0]).assign(market_cap_usd=[np.nan, 0.0], volume_24h_usd=np.nan)
    store(database, {"coin": chart})
    build(database, GLOBAL_MARKET_DAILY)
    found = stored(database, global_market_daily)
    assert np.isnan(found["market_cap_usd"].iloc[0])
    assert found["market_cap_usd"].iloc[1] == 0
    assert found[["share_of_largest", "share_of_ten", "volume_24h_usd"]].isna().all(axis=None)
    assert list(found["coins_with_price"]) == [1, 1]
    assert list(found["coins_up"]) == [0, 0]


def test_a_stale_row_is_in_no_sum_no_share_and_no_count(database: Database) -> None:
    day = date(2026, 1, 1)
    store(database, {"fresh": planted(day, [1.0, 2.0]), "old": planted(day, [5.0, 6.0])})
    market = tables.daily_market
    with database.transaction() as connection:
        stale = market.update().where(market.c.asset_id == "old", market.c.date == day)
        connection.execute(stale.values(source=tables.STALE))
    build(database, GLOBAL_MARKET_DAILY)
    first, second = stored(database, global_market_daily).to_dict("records")
    assert (first["market_cap_usd"], first["volume_24h_usd"], first["coins_with_price"]) == (1000, 10, 1)
    assert first["share_of_largest"] == 1
    assert (second["market_cap_usd"], second["coins_with_price"]) == (8000, 2)
    assert (second["coins_up"], second["coins_down"]) == (1, 0)


def test_coins_that_stand_for_others_are_in_the_second_set_alone_on_the_dates_on_which_they_do(
    database: Database,
) -> None:
    day = date(2026, 1, 1)
    coins = {"bitcoin": [10.0, 11.0, 12.0], "wrapped": [10.0, 12.0, 11.0], "small": [1.0, 1.0, 2.0]}
    store(database, {coin: planted(day, prices) for coin, prices in coins.items()})
    build(database, GLOBAL_MARKET_DAILY)
    with database.transaction() as connection:
        connection.execute(
            insert(tables.rehypothecated_assets).values(
                asset_id="wrapped", first_on=date(1970, 1, 1), last_on=date(2026, 1, 2)
            )
        )
        log_changes(connection, [Change(tables.rehypothecated_assets.name, day, date(2026, 1, 2), "wrapped")])
    followed = follow_market(database, GLOBAL_MARKET_DAILY, datetime(2026, 1, 4, tzinfo=UTC))
    # The day after the changed ones compares with them.
    assert followed.rows_written == 3
    found = stored(database, global_market_daily)
    assert list(found["market_cap_usd"]) == [11_000.0, 12_000.0, 25_000.0]
    assert list(found["all_market_cap_usd"]) == [21_000.0, 24_000.0, 25_000.0]
    assert list(found["coins"]) == [2, 2, 3]
    assert list(found["all_coins"]) == [3, 3, 3]
    assert list(found["coins_up"]) == [0, 1, 2]
    assert list(found["all_coins_up"]) == [0, 2, 2]
    assert list(found["coins_down"]) == [0, 0, 1]
    assert np.allclose(found["share_of_largest"], [10 / 11, 11 / 12, 12 / 25])
    assert np.allclose(found["all_share_of_largest"], [10 / 21, 12 / 24, 12 / 25])


def test_the_hundred_largest_are_found_behind_any_number_of_coins_that_stand_for_others(database: Database) -> None:
    day = date(2026, 1, 1)
    wrapped = {f"wrapped-{number}": planted(day, [1000.0 + number]) for number in range(301)}
    store(database, {**wrapped, **{f"coin-{number}": planted(day, [float(number)]) for number in range(1, 121)}})
    rows = [{"asset_id": coin, "first_on": day, "last_on": day} for coin in wrapped]
    with database.transaction() as connection:
        connection.execute(insert(tables.rehypothecated_assets), rows)
    build(database, GLOBAL_MARKET_DAILY)
    (row,) = stored(database, global_market_daily).to_dict("records")
    assert np.isclose(row["share_of_hundred"], sum(range(21, 121)) / (120 * 121 / 2))
    assert np.isclose(row["share_of_largest"], 120 / (120 * 121 / 2))
    assert row["all_share_of_largest"] * row["all_market_cap_usd"] == 1_300_000.0


def test_a_date_of_coins_that_stand_for_others_alone_has_no_sum_but_the_second(database: Database) -> None:
    day = date(2026, 1, 1)
    store(database, {"wrapped": planted(day, [10.0])})
    with database.transaction() as connection:
        connection.execute(insert(tables.rehypothecated_assets).values(asset_id="wrapped", first_on=day, last_on=day))
    build(database, GLOBAL_MARKET_DAILY)
    (row,) = stored(database, global_market_daily).to_dict("records")
    assert np.isnan(row["market_cap_usd"])
    assert (row["coins"], row["all_coins"], row["all_market_cap_usd"]) == (0, 1, 10_000.0)
