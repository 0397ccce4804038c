from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coingecko_pipeline.sources.answer import Answer
from coingecko_pipeline.sources.coingecko.responses import MARKET_FIELDS, market_page
from coingecko_pipeline.sources.market_page import VALUES
from coingecko_pipeline_tests.recordings import load

CAPTURED_ON = datetime(2025, 2, 14, tzinfo=UTC)
NUMBERS = list(VALUES)


def recorded_at(moment: datetime) -> Answer:
    return Answer(b"", moment, moment)


def test_the_recorded_market_rows_keep_their_doubles_and_times() -> None:
    rows = [row for page in range(1, 13) for row in load(f"coins_markets/2025-02-14/page_{page:02}.json.gz")]
    page = market_page(rows, recorded_at(CAPTURED_ON))
    assert page.frame["asset_id"].tolist() == [row["id"] for row in rows]
    for column in NUMBERS:
        expected = np.array([row[MARKET_FIELDS[column].path] for row in rows], dtype=np.float64)
        assert page.frame[column].to_numpy().tobytes() == expected.tobytes()
    assert page.frame["observed_at"].tolist() == [pd.Timestamp(row["last_updated"]) for row in rows]
    assert page.set_aside == Counter()


@pytest.mark.parametrize("name", ["market__0", "market_with_ids__0", "market_with_ids__1"])
def test_the_rows_of_a_cassette_are_all_taken(name: str) -> None:
    rows: list[dict[str, Any]] = load(f"cassettes/test_coins_test_get_{name}.json.gz")
    page = market_page(rows, recorded_at(CAPTURED_ON))
    assert page.frame["asset_id"].tolist() == [row["id"] for row in rows]
    assert page.frame["price_usd"].tolist() == [float(row["current_price"]) for row in rows]
    assert page.set_aside == Counter()


def test_a_market_row_without_values_has_nulls() -> None:
    page = market_page([{"id": "x", "current_price": None, "last_updated": None}], recorded_at(CAPTURED_ON))
    assert page.frame[[*NUMBERS, "observed_at"]].isna().all(axis=None)
    assert page.set_aside == Counter()


def test_what_cannot_be_taken_is_counted_by_coingeckos_name_of_it() -> None:
    row = {"id": "x", "current_price": "12.5", "total_volume": -1, "market_cap": True, "last_updated": "N/A"}
    page = market_page([row, {}], recorded_at(CAPTURED_ON))
    assert page.set_aside == {"id": 1, "current_price": 1, "total_volume": 1, "market_cap": 1, "last_updated": 1}
