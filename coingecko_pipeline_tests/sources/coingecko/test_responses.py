import csv
import gzip
import io
import json
from datetime import date
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from coingecko_pipeline.sources.coingecko.responses import check_market_chart, market_rows, midnight_points
from coingecko_pipeline_tests.recordings import load, recordings_dir

DAY = 86_400_000


def chart(prices: list[Any], caps: list[Any] | None = None, volumes: list[Any] | None = None) -> dict[str, Any]:
    return {
        "prices": prices,
        "market_caps": prices if caps is None else caps,
        "total_volumes": prices if volumes is None else volumes,
    }


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", frame.to_dict("records"))


def rows_of(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [
        (record["date"].date(), *(None if np.isnan(value) else value for value in list(record.values())[1:]))
        for record in records_of(frame)
    ]


def test_only_points_at_midnight_become_rows() -> None:
    frame = midnight_points(chart([[0, 1], [DAY, 2], [DAY + 1, 3], [2 * DAY - 300_000, 4], [2 * DAY, 5]]))
    assert frame["price_usd"].tolist() == [1.0, 2.0, 5.0]
    assert frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["1970-01-01", "1970-01-02", "1970-01-03"]


def test_a_null_and_a_missing_point_are_nulls_and_never_zero() -> None:
    frame = midnight_points(chart([[0, 1], [DAY, None]], caps=[[DAY, 7]], volumes=[[0, 0], [DAY, 8]]))
    assert rows_of(frame) == [
        (date(1970, 1, 1), 1.0, 0.0, None),
        (date(1970, 1, 2), None, 8.0, 7.0),
    ]


def test_points_out_of_order_and_twice_become_one_ascending_row_each() -> None:
    frame = midnight_points(chart([[DAY, 1], [0, 2], [DAY, 3]]))
    assert frame["price_usd"].tolist() == [2.0, 3.0]


def test_an_empty_chart_has_no_rows() -> None:
    assert midnight_points(chart([])).empty
    assert list(midnight_points(chart([])).columns) == ["date", "price_usd", "volume_24h_usd", "market_cap_usd"]


def test_integers_above_64_bits_become_the_nearest_double() -> None:
    assert midnight_points(chart([[0, 2**70 + 1]]))["price_usd"].tolist() == [float(2**70 + 1)]


IN_DOLLARS = ("binancecoin", "cardano", "ripple", "stellar", "tether")
IN_EUROS = ("bitcoin", "dogecoin", "litecoin", "polkadot")
DAILY_CHARTS = [
    f"market_chart/{folder}/{coin}.json.gz"
    for folder, coins in (
        ("2023-08-15", IN_DOLLARS),
        ("2023-10-25", IN_DOLLARS),
        ("2026-07-09a", IN_EUROS),
        ("2026-07-09b", IN_EUROS),
    )
    for coin in coins
]


@pytest.mark.parametrize("name", DAILY_CHARTS)
def test_a_recorded_chart_becomes_exactly_its_midnight_points(name: str) -> None:
    body: Any = check_market_chart(load(name))
    frame = midnight_points(body)
    for column, series in (
        ("price_usd", "prices"),
        ("market_cap_usd", "market_caps"),
        ("volume_24h_usd", "total_volumes"),
    ):
        expected = {stamp: value for stamp, value in body[series] if stamp % DAY == 0}
        stamps = frame["date"].astype("datetime64[ms]").astype("int64")
        assert dict(zip(stamps, frame[column], strict=True)) == expected
    assert len(frame) == len(body["prices"]) - 1


@pytest.mark.parametrize(
    ("coin", "export"), [("cardano", "ada"), ("ripple", "xrp"), ("stellar", "xlm"), ("binancecoin", "bnb")]
)
def test_a_recorded_chart_equals_the_sites_own_export_bit_for_bit(coin: str, export: str) -> None:
    text = gzip.decompress((recordings_dir() / "csv_export" / "2021-10-17" / f"{export}-usd-max.csv.gz").read_bytes())
    exported = {
        row["snapped_at"].removesuffix(" 00:00:00 UTC"): row for row in csv.DictReader(io.StringIO(text.decode()))
    }
    compared = 0
    for point in records_of(midnight_points(load(f"market_chart/2023-08-15/{coin}.json.gz"))):
        row = exported.get(f"{point['date']:%Y-%m-%d}")
        if row is None:
            continue
        assert (point["price_usd"], point["market_cap_usd"], point["volume_24h_usd"]) == (
            float(row["price"]),
            float(row["market_cap"]),
            float(row["total_volume"]),
        )
        compared += 1
    assert compared == 1159


def test_the_recorded_market_rows_keep_their_doubles_and_times() -> None:
    rows = [row for page in range(1, 13) for row in load(f"coins_markets/2025-02-14/page_{page:02}.json.gz")]
    frame = market_rows(rows)
    assert len(frame) == 3000
    for column, field in (("price_usd", "current_price"), ("volume_24h_usd", "total_volume")):
        assert frame[column].tolist() == [float(row[field]) for row in rows]
    assert frame["observed_at"].tolist() == [pd.Timestamp(row["last_updated"]) for row in rows]


def test_a_market_row_without_values_has_nulls() -> None:
    frame = market_rows([{"id": "x", "current_price": None, "last_updated": None}])
    assert frame[["price_usd", "volume_24h_usd", "market_cap_usd", "observed_at"]].isna().all(axis=None)


def test_numbers_are_the_doubles_that_json_says() -> None:
    rows = json.loads(
        '[{"id":"a","current_price":8.69e-05},{"id":"b","current_price":2.2e-17},{"id":"c","current_price":4}]'
    )
    assert market_rows(rows)["price_usd"].tolist() == [8.69e-05, 2.2e-17, 4.0]
