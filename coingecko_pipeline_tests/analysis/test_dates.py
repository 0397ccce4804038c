"""The market at one date."""

import pytest

from coingecko_pipeline import market as api
from coingecko_pipeline.analysis import NoRate, NothingStored
from coingecko_pipeline.warehouse import Database


def test_the_market_at_a_date_has_every_coin_the_largest_first(market: Database) -> None:
    found = api.at("2026-11-01", database=market)
    assert list(found.index[:3]) == ["bitcoin", "ethereum", "tether"]
    assert found.loc["bitcoin", ["price", "source"]].tolist() == [131_000.0, "chart"]
    assert found.index[-1] == "unpriced"
    assert api.at("2026-11-01", currency="eur", database=market).loc["bitcoin", "price"] == 131_000.0 / 1.25


def test_the_universe_of_a_date_has_the_coins_that_are_gone_since(market: Database) -> None:
    found = api.universe("2026-10-15", database=market)
    assert [coin for coin, is_gone in found["is_gone"].items() if is_gone] == ["terra-luna"]
    assert str(found.loc["terra-luna", "last_seen_on"].date()) == "2026-10-25"
    assert "newborn" not in found.index


def test_a_coin_that_stands_for_others_takes_no_rank_while_it_does(market: Database) -> None:
    before, after = (api.universe(day, database=market) for day in ("2026-11-04", "2026-11-05"))
    for found, wrapped, own in ((before, "solana", "dogecoin"), (after, "dogecoin", "solana")):
        assert bool(found.loc[wrapped, "is_rehypothecated"])
        assert found.loc[[wrapped], "rank"].isna().all()
        assert found.loc[own, "rank"] == 4
        assert {found.loc[coin, "rank_with_rehypothecated"] for coin in (wrapped, own)} == {4, 5}


def test_a_coin_without_a_market_cap_has_no_rank(market: Database) -> None:
    found = api.universe("2026-11-01", arrow=True, database=market).to_pylist()[-1]
    assert (found["asset_id"], found["rank"], found["rank_with_rehypothecated"]) == ("unpriced", None, None)


def test_a_date_without_rows_or_without_a_rate_is_told(market: Database) -> None:
    with pytest.raises(NothingStored, match="no row of 2026-12-01; it has rows from 2026-10-01 to 2026-11-08"):
        api.universe("2026-12-01", database=market)
    with pytest.raises(NoRate, match="no rate of eur on 2026-10-31"):
        api.at("2026-10-31", currency="eur", database=market)
