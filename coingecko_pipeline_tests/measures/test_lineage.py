"""From which columns each column of the computed tables is made."""

import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.measures import MEASURES, measure_inputs

INPUTS = measure_inputs()


def inputs_of(column: str) -> set[str]:
    table, name = column.split(".")
    return {str(each) for each in INPUTS[tables.metadata.tables[table]][name]}


@pytest.mark.parametrize("name", [derived.name for derived in MEASURES])
def test_every_column_of_a_measure_is_computed_from_something(name: str) -> None:
    table = tables.metadata.tables[name]
    assert INPUTS[table].keys() == set(table.columns.keys())
    assert all(INPUTS[table].values())


def test_every_input_is_a_column_that_is_stored() -> None:
    stored = {column for table in tables.metadata.tables.values() for column in table.columns}
    assert all(inputs <= stored for columns in INPUTS.values() for inputs in columns.values())


def test_every_database_computes_the_same_from_the_same() -> None:
    assert measure_inputs("mysql") == measure_inputs("mariadb") == INPUTS


@pytest.mark.parametrize(
    ("column", "inputs"),
    [
        ("daily_returns.return_7d", {"daily_market.price_usd"}),
        ("daily_returns.asset_id", {"daily_market.asset_id"}),
        ("weekly_market.week_start", {"daily_market.date"}),
        ("weekly_market.volume_24h_mean_usd", {"daily_market.volume_24h_usd"}),
        ("daily_ohlc.close_usd", {"hourly_market.price_usd"}),
        ("daily_candles.high_usd", {"market_snapshots.high_24h_usd"}),
        ("global_market_daily.all_market_cap_usd", {"daily_market.market_cap_usd", "daily_market.source"}),
    ],
)
def test_a_column_is_made_of_what_its_definition_names(column: str, inputs: set[str]) -> None:
    assert inputs_of(column) == inputs


def test_what_leaves_rehypothecated_coins_out_is_made_of_their_list_too() -> None:
    assert "rehypothecated_assets.asset_id" in inputs_of("global_market_daily.market_cap_usd")
    assert "rehypothecated_assets.asset_id" not in inputs_of("global_market_daily.all_market_cap_usd")


def test_a_flag_is_told_from_supplies_revisions_and_prices() -> None:
    columns = {"market_snapshots.circulating_supply", "market_revisions.date", "daily_market.price_usd"}
    assert columns <= inputs_of("market_flags.flag")
