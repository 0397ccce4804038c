"""Rows from a page's entries, whatever these hold."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coingecko_pipeline import tables
from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.asset_ids import ASSET_ID_LENGTH, is_asset_id
from coingecko_pipeline.sources.market_page import Field, Kind, MarketPage, read_market_page

ASKED_AT = datetime(2026, 3, 9, 0, 2, tzinfo=UTC)
ANSWER = Answer(b"", ASKED_AT, ASKED_AT + timedelta(seconds=2))
FIELDS = {
    "price_usd": Field("price"),
    "volume_24h_usd": Field("quotes.USD.volume"),
    "market_cap_usd": Field("quotes.USD.cap"),
    "last_updated_at": Field("at", Kind.UPDATE),
}


def page_of(*entries: Any, **options: Any) -> MarketPage:
    return read_market_page(entries, ANSWER, FIELDS, "the markets", **options)


def coin(
    price: Any = 1, volume: Any = 2, cap: Any = 3, at: Any = "2026-03-09T00:01:00Z", **more: Any
) -> dict[str, Any]:
    return {"id": "bitcoin", "price": price, "quotes": {"USD": {"volume": volume, "cap": cap}}, "at": at, **more}


def test_a_page_is_rows_with_the_moments_of_its_answer() -> None:
    page = page_of(coin(), coin(id="ether", price=8.69e-05))
    assert list(page.frame.columns) == ["asset_id", "price_usd", "volume_24h_usd", "market_cap_usd", "observed_at"]
    assert [str(kind) for kind in page.frame.dtypes[1:]] == ["float64"] * 3 + ["datetime64[us, UTC]"]
    assert page.frame["asset_id"].tolist() == ["bitcoin", "ether"]
    assert page.frame["price_usd"].tolist() == [1.0, 8.69e-05]
    assert page.frame["observed_at"][0] == pd.Timestamp("2026-03-09T00:01:00Z")
    assert (page.asked_at, page.answered_at) == (ANSWER.asked_at, ANSWER.answered_at)
    assert page.set_aside == {}


@pytest.mark.parametrize(
    "value",
    [True, False, "12.5", "", "N/A", {}, {"usd": 1}, [], [1], math.inf, -math.inf, math.nan, 10**400, -(10**400)],
)
def test_what_is_no_number_is_null_and_counted(value: Any) -> None:
    page = page_of(coin(), coin(id="ether", price=value, volume=value))
    assert page.set_aside == {"price": 1, "quotes.USD.volume": 1}
    assert page.frame["price_usd"].isna().tolist() == [False, True]
    assert page.frame["volume_24h_usd"].isna().tolist() == [False, True]
    assert page.frame["market_cap_usd"].tolist() == [3.0, 3.0]


@pytest.mark.parametrize("value", [-1, -1e-300, -(2**70)])
def test_a_negative_price_volume_or_cap_is_null_and_counted(value: float) -> None:
    page = page_of(coin(price=value, volume=value, cap=value))
    assert page.frame[["price_usd", "volume_24h_usd", "market_cap_usd"]].isna().all(axis=None)
    assert page.set_aside == {"price": 1, "quotes.USD.volume": 1, "quotes.USD.cap": 1}


@pytest.mark.parametrize("value", [0, 0.0, 2.2e-17, 4.2e17, 2**70 + 1, 5e-324])
def test_every_other_number_is_its_double(value: float) -> None:
    assert page_of(coin(price=value)).frame["price_usd"].tolist() == [float(value)]


def test_a_missing_value_is_null_and_no_fault() -> None:
    page = page_of({"id": "bitcoin", "price": None, "quotes": {"USD": {}}, "at": None})
    assert page.frame.iloc[0, 1:].isna().all()
    assert page.set_aside == {}


def test_a_source_says_what_else_is_missing() -> None:
    page = page_of(coin(price="", at=""), missing=(None, ""))
    assert page.frame["price_usd"].isna().all()
    assert page.set_aside == {}


@pytest.mark.parametrize("quotes", [None, 5, "5", [], {}, {"USD": None}, {"USD": 7}])
def test_a_value_whose_parent_is_no_object_is_null_and_counted(quotes: Any) -> None:
    page = page_of(coin(quotes=quotes))
    assert page.frame["volume_24h_usd"].isna().all()
    assert page.set_aside == {"quotes.USD.volume": 1, "quotes.USD.cap": 1}


def test_a_column_that_a_source_does_not_give_is_null() -> None:
    page = read_market_page([coin()], ANSWER, {"price_usd": Field("price")}, "the markets")
    assert page.frame.iloc[0, 2:].isna().all()
    assert page.set_aside == {}


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "bitcoin",
        5,
        [],
        {},
        coin(id=None),
        coin(id=5),
        coin(id=""),
        coin(id=["bitcoin"]),
        coin(id="x" * (ASSET_ID_LENGTH + 1)),
        coin(id="half a pair \ud800"),
    ],
)
def test_an_entry_without_a_usable_id_is_set_aside_and_costs_the_others_nothing(entry: Any) -> None:
    page = page_of(coin(), entry, coin(id="ether"))
    assert page.frame["asset_id"].tolist() == ["bitcoin", "ether"]
    assert page.set_aside == {"id": 1}


def test_an_id_is_as_long_as_the_tables_take_it() -> None:
    assert ASSET_ID_LENGTH == tables.ASSET_ID_LENGTH
    assert is_asset_id("é" * ASSET_ID_LENGTH)
    assert is_asset_id("dps-doubloon ")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-09T00:01:00.5Z", "2026-03-09T00:01:00.500000Z"),
        ("2026-03-09T00:01:00.123456789Z", "2026-03-09T00:01:00.123456Z"),
        ("2026-03-09T01:01:00+01:00", "2026-03-09T00:01:00Z"),
        ("2026-03-09 00:01:00", "2026-03-09T00:01:00Z"),
        ("2023-01-01T00:00:00Z", "2023-01-01T00:00:00Z"),
        ("2026-03-10T00:02:02Z", "2026-03-10T00:02:02Z"),
    ],
)
def test_a_coins_last_update_is_read_to_the_microsecond(text: str, moment: str) -> None:
    page = page_of(coin(at=text))
    assert page.frame["observed_at"].tolist() == [pd.Timestamp(moment)]
    assert page.set_aside == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "today",
        "soon",
        1_700_000_000,
        True,
        {},
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "1970-01-01T00:00:00Z",
        "2026-03-10T00:02:03Z",
        "2026-13-01T00:00:00Z",
        "\ud800",
    ],
)
def test_a_last_update_that_is_unreadable_or_absurd_is_null_and_counted(text: Any) -> None:
    page = page_of(coin(), coin(id="ether", at=text))
    assert page.frame["observed_at"].isna().tolist() == [False, True]
    assert page.set_aside == {"at": 1}


def test_a_page_without_entries_has_the_columns_and_no_rows() -> None:
    page = page_of()
    assert page.frame.empty
    assert list(page.frame.dtypes) == list(page_of(coin()).frame.dtypes)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["12.5", "\ud800", 10**400, "2026-03-09T00:01:00Z", "0001-01-01T00:00:00+23:59"])
    | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["USD", "cap", "volume"]), inner),
    max_leaves=8,
)
ENTRY = JSON | st.fixed_dictionaries({}, optional={"id": JSON, "price": JSON, "quotes": JSON, "at": JSON})


@given(st.lists(ENTRY, max_size=5))
def test_any_json_in_any_field_gives_rows_that_can_be_stored(entries: list[Any]) -> None:
    # A round trip through JSON's text, since an answer can hold no more than that.
    page = page_of(*json.loads(json.dumps(entries)))
    assert len(page.frame) == len(entries) - page.set_aside["id"]
    assert page.frame["asset_id"].map(is_asset_id).all()
    numbers = page.frame[["price_usd", "volume_24h_usd", "market_cap_usd"]].to_numpy(dtype=np.float64)
    assert (np.isnan(numbers) | (np.isfinite(numbers) & (numbers >= 0))).all()
