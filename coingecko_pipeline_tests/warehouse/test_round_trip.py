"""What goes in comes back byte for byte and bit for bit, on all three databases, also from real recordings."""

import json
import struct
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Double, Integer, MetaData, Table

from coingecko_pipeline.tables import daily_market, raw_asset_list
from coingecko_pipeline.warehouse import Database, ExactText, OneOf, UtcDateTime, read_frame
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.databases import MakeDatabase
from coingecko_pipeline_tests.recordings import load, recordings_dir
from coingecko_pipeline_tests.warehouse.values import without_nan

TRIP = Table(
    "trip",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("words", ExactText(200)),
    Column("long_words", ExactText()),
    Column("number", Double),
    Column("moment", UtcDateTime),
)
NOW = pd.Timestamp("2026-02-03T00:00:01Z")
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
# 1000 is the first year that MySQL's DATETIME supports.
MOMENTS = st.none() | st.datetimes(
    min_value=pd.Timestamp("1000-01-01").to_pydatetime(), max_value=pd.Timestamp("9999-12-30").to_pydatetime()
)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, NUMBERS, MOMENTS), min_size=1, max_size=30)


@pytest.fixture(scope="module", params=["bulk", "executemany"])
def trip(request: pytest.FixtureRequest, make_database: MakeDatabase, kind: str) -> Database:
    if request.param == "bulk" and kind == "sqlite":
        pytest.skip("SQLite has one way of writing")
    database = make_database()
    TRIP.metadata.create_all(database.engine)
    return Database(database.url.render_as_string(hide_password=False), local_infile=request.param == "bulk")


def bits(value: Any) -> bytes | None:
    return None if value is None or value != value else struct.pack(">d", value)


def as_kept(value: float | None, database: Database) -> float | None:
    """The value itself; only the sign of minus zero is forgotten by SQLite and by MariaDB."""
    return value if value is None or database.kind == "mysql" else value + 0.0


@example(
    rows=[("", "\\N", -0.0, None), ("NULL", "\0\x1a\r\n\t", 5e-324, None), ("a ", "", 1.7976931348623157e308, None)]
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=ROWS)
def test_any_text_double_and_moment_comes_back_the_same(trip: Database, rows: list[tuple[Any, ...]]) -> None:
    words, long_words, numbers, moments = (list(values) for values in zip(*rows, strict=True))
    frame = pd.DataFrame(
        {
            "id": range(len(rows)),
            "words": pd.Series(words, dtype=object),
            "long_words": pd.Series(long_words, dtype=object),
            "number": pd.Series(numbers, dtype=object),
            "moment": pd.Series(moments, dtype="datetime64[us]").dt.tz_localize("UTC"),
        }
    )
    writer = TableWriter(trip, TRIP)
    for mode in ("replace", "upsert"):
        rows_in = to_arrow(TRIP, frame)
        writer.replace([rows_in]) if mode == "replace" else writer.upsert(rows_in)
        found = read_frame(trip, TRIP)
        assert without_nan(found["words"]) == words
        assert without_nan(found["long_words"]) == long_words
        assert [bits(value) for value in found["number"]] == [bits(as_kept(value, trip)) for value in numbers]
        assert found["moment"].equals(frame["moment"])


def test_ids_that_differ_in_case_accents_or_a_trailing_space_are_different(database: Database) -> None:
    ids = [
        "a",
        "A",
        "á",
        "a ",
        "a  ",
        "\uff41",
        "ß",
        "ss",
        "bitCNY",
        "bitcny",
        "dps-doubloon ",
        "dps-doubloon",
        "ﬁ",
        "fi",
    ]
    frame = pd.DataFrame({"asset_id": ids, "symbol": "s", "name": "n", "platforms": None, "fetched_at": NOW})
    TableWriter(database, raw_asset_list).upsert(to_arrow(raw_asset_list, frame))
    assert sorted(read_frame(database, raw_asset_list)["asset_id"]) == sorted(ids)
    for id_ in ids:
        assert read_frame(database, raw_asset_list, conditions=[OneOf("asset_id", (id_,))])["asset_id"].tolist() == [
            id_
        ]


def recorded_lists() -> list[str]:
    return sorted(path.name for path in (recordings_dir() / "coins_list").glob("*.json.gz"))


def test_each_recorded_coin_list_goes_in_and_comes_back_byte_for_byte(database: Database) -> None:
    names = recorded_lists()
    assert len(names) >= 11
    for name in names:
        coins = load(f"coins_list/{name}")
        frame = pd.DataFrame(
            {
                "asset_id": [coin["id"] for coin in coins],
                "symbol": [coin["symbol"] for coin in coins],
                "name": [coin["name"] for coin in coins],
                "platforms": [json.dumps(coin["platforms"]) if "platforms" in coin else None for coin in coins],
                "fetched_at": NOW,
            }
        )
        TableWriter(database, raw_asset_list).replace([to_arrow(raw_asset_list, frame)])
        found = read_frame(database, raw_asset_list).set_index("asset_id")
        expected = frame.set_index("asset_id")
        assert len(found) == len(coins) == len(expected), name
        assert set(found.index) == set(expected.index), name
        for column in ("symbol", "name", "platforms"):
            left, right = found[column].loc[expected.index], expected[column]
            assert without_nan(left) == without_nan(right), (name, column)


def test_the_recorded_market_rows_come_back_as_the_same_doubles_and_nulls_as_null(database: Database) -> None:
    rows = [row for page in range(1, 13) for row in load(f"coins_markets/2025-02-14/page_{page:02}.json.gz")]
    assert len(rows) == 3000
    rows[0] = {**rows[0], "market_cap": None, "total_volume": None}
    frame = pd.DataFrame(
        {
            "date": date(2025, 2, 14),
            "asset_id": [row["id"] for row in rows],
            "price_usd": pd.Series([row["current_price"] for row in rows], dtype=object),
            "volume_24h_usd": pd.Series([row["total_volume"] for row in rows], dtype=object),
            "market_cap_usd": pd.Series([row["market_cap"] for row in rows], dtype=object),
            "source": "snapshot",
            "observed_at": pd.to_datetime([row["last_updated"] for row in rows], utc=True, format="ISO8601"),
        }
    )
    TableWriter(database, daily_market).upsert(to_arrow(daily_market, frame))
    found = read_frame(database, daily_market).set_index("asset_id").loc[frame["asset_id"]]
    for column, field in (
        ("price_usd", "current_price"),
        ("volume_24h_usd", "total_volume"),
        ("market_cap_usd", "market_cap"),
    ):
        given_values = [None if row[field] is None else float(row[field]) for row in rows]
        assert [bits(value) for value in found[column]] == [bits(value) for value in given_values]
    assert found["observed_at"].tolist() == frame["observed_at"].tolist()
