"""Frames of candles."""

import pandas as pd
import pytest

from coingecko_pipeline import market as api
from coingecko_pipeline.analysis import NothingStored
from coingecko_pipeline.warehouse import Database


def test_candles_are_a_frame_by_date_and_coin(market: Database) -> None:
    found = api.candles(["ethereum", "bitcoin"], "2026-11-01", "2026-11-30", database=market)
    assert list(found.index) == [(pd.Timestamp("2026-11-01"), coin) for coin in ("bitcoin", "ethereum")]
    assert found.iloc[0].to_dict() == {"open": 100.0, "high": 125.0, "low": 75.0, "close": 110.0, "quality": "inside"}


def test_candles_in_another_currency_keep_their_shape(market: Database) -> None:
    found = api.candles("bitcoin", currency="eur", database=market)
    assert found.iloc[0].tolist() == [80.0, 100.0, 60.0, 88.0, "inside"]


def test_candles_as_an_arrow_table_have_dates(market: Database) -> None:
    (row,) = api.candles("bitcoin", arrow=True, database=market).to_pylist()
    assert (row["date"].isoformat(), row["asset_id"], row["high"]) == ("2026-11-01", "bitcoin", 125.0)


def test_days_without_a_candle_are_told(market: Database) -> None:
    with pytest.raises(NothingStored, match="a candle is made from the snapshot at the midnight that ends its day"):
        api.candles("bitcoin", "2026-10-01", "2026-10-31", database=market)
