"""The body of /exchange_rates, whatever it holds."""

from typing import Any

import pytest

from coingecko_pipeline.sources.coingecko.rates import read_exchange_rates
from coingecko_pipeline.sources.errors import BrokenAnswer


def entry(value: Any) -> dict[str, Any]:
    return {"name": "x", "unit": "x", "value": value, "type": "fiat"}


def test_a_unit_costs_what_a_bitcoin_costs_in_dollars_by_what_it_costs_in_the_currency() -> None:
    rates = read_exchange_rates({"rates": {"btc": entry(1.0), "usd": entry(100_000), "eur": entry(80_000.0)}})
    assert rates.usd_per_unit == {"btc": 100_000.0, "usd": 1.0, "eur": 1.25}
    assert rates.left_out == 0


@pytest.mark.parametrize("value", [None, True, "1", 0, -1, float("inf"), float("nan"), 10**400, 5e-324, [], {}])
def test_what_is_no_number_above_0_is_left_out_and_the_others_are_kept(value: Any) -> None:
    body = {"rates": {"usd": entry(100_000.0), "eur": entry(80_000.0), "odd": entry(value), "UP!": entry(1), "x": 7}}
    rates = read_exchange_rates(body)
    assert set(rates.usd_per_unit) == {"usd", "eur"}
    assert rates.left_out == 3


@pytest.mark.parametrize("body", [None, [], {}, {"rates": []}, {"rates": {}}, {"rates": {"eur": entry(1)}}])
def test_an_answer_without_the_dollar_is_broken(body: Any) -> None:
    with pytest.raises(BrokenAnswer):
        read_exchange_rates(body)
