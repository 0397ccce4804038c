"""Values in another currency: names, values, units, and dates without a rate."""

from datetime import date

import pyarrow as pa
import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.export import Conversion
from coingecko_pipeline.warehouse.paging import arrow_schema

DAYS = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)]


def rows() -> pa.RecordBatch:
    values = {
        "date": DAYS,
        "asset_id": ["a", "a", "a"],
        "price_usd": [3.0, None, 3.0],
        "volume_24h_usd": [1.0, 2.0, 3.0],
        "market_cap_usd": [0.0, 1e21, 1.0],
        "source": ["chart"] * 3,
        "observed_at": [None] * 3,
    }
    schema = arrow_schema(tables.daily_market)
    return pa.RecordBatch.from_arrays([pa.array(values[each.name], each.type) for each in schema], schema=schema)


def test_each_value_is_divided_by_the_rate_of_its_date_and_named_for_the_currency() -> None:
    conversion = Conversion("eur", {DAYS[0]: 1.25, DAYS[1]: 1.5, DAYS[2]: 0.75})
    converted = conversion.converted(rows())
    assert converted.column("price_eur").to_pylist() == [2.4, None, 4.0]
    assert converted.column("volume_24h_eur").to_pylist() == [0.8, 2.0 / 1.5, 4.0]
    assert converted.column("market_cap_eur").to_pylist() == [0.0, 1e21 / 1.5, 1 / 0.75]
    assert converted.column("asset_id").to_pylist() == ["a"] * 3
    assert converted.schema == conversion.schema(rows().schema)
    assert converted.schema.field("price_eur").metadata == {b"comment": b"price of one coin (eur)"}
    assert converted.schema.metadata == rows().schema.metadata
    assert conversion.lacking == set()


def test_the_values_of_a_date_without_a_rate_are_empty_and_the_date_is_told() -> None:
    conversion = Conversion("eur", {DAYS[0]: 1.25})
    converted = conversion.converted(rows())
    assert converted.column("price_eur").to_pylist() == [2.4, None, None]
    assert converted.column("volume_24h_eur").null_count == 2
    assert conversion.lacking == {DAYS[1], DAYS[2]}


@pytest.mark.parametrize("name", ["date", "source"])
def test_what_is_no_money_stays(name: str) -> None:
    assert Conversion("eur", {}).converted(rows()).column(name).equals(rows().column(name))
