"""Frames of dates by coins."""

import re
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from coingecko_pipeline import market as api
from coingecko_pipeline.analysis import InvalidQuestion, NoRate, NothingStored, UnknownCoin, UnknownCurrency
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cookbook_market import DAYS, SUPPLY, VOLUME, day, has_row, price


def test_prices_are_a_frame_of_dates_by_coins(market: Database) -> None:
    found = api.prices(["ethereum", "bitcoin"], "2026-10-02", date(2026, 10, 4), database=market)
    assert list(found.columns) == ["ethereum", "bitcoin"]
    assert found.index.equals(pd.date_range("2026-10-02", "2026-10-04", name="date"))
    assert found["bitcoin"].tolist() == [101_000.0, 102_000.0, 103_000.0]
    assert found["ethereum"].tolist() == [price("ethereum", number) for number in (1, 2, 3)]


def test_a_hole_is_a_date_without_a_value_and_not_a_date_that_is_left_out(market: Database) -> None:
    found = api.prices("dogecoin", database=market)["dogecoin"]
    assert len(found) == DAYS
    assert [number for number in range(DAYS) if np.isnan(found.iloc[number])] == [9, 10, 11, 33]


def test_a_coin_that_is_gone_is_there_until_it_went_and_one_that_came_late_from_then_on(market: Database) -> None:
    found = api.prices(["terra-luna", "newborn", "bitcoin"], database=market)
    for coin in found:
        assert [bool(there) for there in found[coin].notna()] == [has_row(coin, number) for number in range(DAYS)]


def test_volumes_caps_and_supply_are_made_alike(market: Database) -> None:
    dates = ("2026-11-01", "2026-11-01")
    assert api.volumes("ethereum", *dates, database=market).iloc[0, 0] == VOLUME["ethereum"]
    assert api.caps("ethereum", *dates, database=market).iloc[0, 0] == 4_900 * SUPPLY["ethereum"]
    supply = api.supply(["bitcoin", "ethereum"], database=market)
    assert supply["bitcoin"].iloc[[0, 1, 3]].tolist() == [1e6 + number for number in (30, 31, 33)]
    assert np.isnan(supply["bitcoin"].iloc[2])
    assert api.supply("bitcoin", kind="max", database=market).iloc[0, 0] == 3e6


def test_another_currency_is_by_the_rate_of_each_date(market: Database) -> None:
    found = api.prices("bitcoin", "2026-10-01", "2026-10-02", currency="EUR", database=market)
    assert found["bitcoin"].tolist() == [80_000.0, 80_800.0]


def test_a_date_without_a_rate_is_told_instead_of_left_empty(market: Database) -> None:
    with pytest.raises(NoRate, match=r"no rate of eur on 2026-10-31: coingecko-pipeline fx --currency eur --from 2026"):
        api.prices("bitcoin", "2026-10-30", "2026-11-01", currency="eur", database=market)


def test_arrow_is_a_column_of_dates_and_one_for_each_coin(market: Database) -> None:
    found = api.prices(["bitcoin", "dogecoin"], "2026-10-10", "2026-10-11", arrow=True, database=market)
    assert found.schema == pa.schema({"date": pa.date32(), "bitcoin": pa.float64(), "dogecoin": pa.float64()})
    assert found.to_pylist() == [
        {"date": day(9), "bitcoin": 109_000.0, "dogecoin": None},
        {"date": day(10), "bitcoin": 110_000.0, "dogecoin": None},
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (
            (["bitcoin", "bitcoi"],),
            UnknownCoin,
            "no coin was ever listed as 'bitcoi'; did you mean 'bitcoin' or",
        ),
        (
            ("two",),
            UnknownCoin,
            "'two' is no id; it is the symbol of minnow (Minnow, 150,000 usd), plankton (Plankton,",
        ),
        (([],), UnknownCoin, "no coin was named"),
        (("bitcoin", "1.10.2026"), InvalidQuestion, "'1.10.2026' is no date: write it as 2026-10-31"),
        (("bitcoin", "2026-10-02", "2026-10-01"), InvalidQuestion, "the last date, 2026-10-01, comes before the first"),
        (
            ("bitcoin", "2027-01-01"),
            NothingStored,
            "daily_market has no row of bitcoin from 2027-01-01; there are rows from 2026-10-01 to 2026-11-08",
        ),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    market: Database, arguments: tuple[str, ...], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=re.escape(sentence)):
        api.prices(*arguments, database=market)


def test_an_unknown_currency_or_kind_of_supply_is_told(market: Database) -> None:
    with pytest.raises(UnknownCurrency, match="no rate of 'eurr' was ever stored; did you mean 'eur'"):
        api.prices("bitcoin", currency="eurr", database=market)
    with pytest.raises(InvalidQuestion, match="there is no supply 'free'; there are circulating, total, max"):
        api.supply("bitcoin", kind="free", database=market)
