"""A price at a date."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from coingecko_pipeline import market as api
from coingecko_pipeline.analysis import AmbiguousCoin, InvalidQuestion, NoPrice, NoRate, UnknownCoin
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.analysis.conftest import HOUR, SOLANA_MINT
from coingecko_pipeline_tests.cookbook_market import USDT_ON_ETHEREUM


def test_a_date_is_answered_by_its_own_row(market: Database) -> None:
    found = api.price("bitcoin", "2026-10-05", database=market)
    assert (found.value, found.date, found.source, found.distance) == (
        104_000.0,
        date(2026, 10, 5),
        "chart",
        timedelta(),
    )
    assert found.observed_at == datetime(2026, 10, 5, tzinfo=UTC)


def test_the_latest_value_answers_where_no_date_is_given(market: Database) -> None:
    assert api.price("bitcoin", database=market).date == date(2026, 11, 8)
    gone = api.price("terra-luna", database=market)
    assert (gone.date, gone.is_gone) == (date(2026, 10, 20), True)


def test_a_hole_is_bridged_by_the_nearest_row_and_of_two_by_the_earlier(market: Database) -> None:
    found = api.price("dogecoin", "2026-10-11", tolerance=5, database=market)
    assert (found.date, found.distance) == (date(2026, 10, 9), timedelta(days=-2))
    found = api.price("dogecoin", date(2026, 10, 12), tolerance=1, database=market)
    assert (found.date, found.distance) == (date(2026, 10, 13), timedelta(days=1))


def test_a_moment_is_answered_by_the_nearer_midnight_or_a_nearer_hour(market: Database) -> None:
    found = api.price("bitcoin", "2026-11-01T17:30:00Z", database=market)
    assert (found.date, found.distance) == (date(2026, 11, 2), timedelta(hours=6, minutes=30))
    found = api.price("ethereum", "2026-11-01T19:20:00+02:00", database=market)
    assert (found.value, found.source, found.time) == (5_000.0, "hourly", HOUR + timedelta(minutes=2))
    assert api.price("ethereum", datetime(2026, 11, 1), database=market).source == "chart"  # noqa: DTZ001 - as people write


def test_another_currency_is_by_the_rate_of_the_values_date(market: Database) -> None:
    found = api.price("bitcoin", "2026-10-01", currency="EUR", database=market)
    assert (found.value, found.currency, found.usd_per_unit) == (80_000.0, "eur", 1.25)
    with pytest.raises(NoRate, match="no rate of eur on 2026-10-31"):
        api.price("bitcoin", "2026-10-31", currency="eur", database=market)


@pytest.mark.parametrize(
    "named",
    [
        "tether",
        "TETH",
        f"ethereum:{USDT_ON_ETHEREUM}",
        f"ethereum:0x{USDT_ON_ETHEREUM[2:].upper()}",
        f"solana:{SOLANA_MINT}",
    ],
)
def test_a_coin_is_found_by_its_id_its_symbol_and_its_contract(market: Database, named: str) -> None:
    assert api.price(named, "2026-10-01", database=market).asset_id == "tether"


def test_of_several_coins_none_is_chosen_and_all_are_listed_by_size(market: Database) -> None:
    with pytest.raises(AmbiguousCoin, match="2 coins have the symbol two, ask by id: minnow") as told:
        api.price("two", database=market)
    assert [coin.asset_id for coin in told.value.candidates] == ["minnow", "plankton"]
    with pytest.raises(AmbiguousCoin, match="2 coins have the contract shared:0xabc, ask by id: pepe"):
        api.price("shared:0xabc", database=market)


def test_an_address_of_a_chain_that_tells_case_apart_is_not_found_in_lower_case(market: Database) -> None:
    with pytest.raises(UnknownCoin, match="no coin was ever listed as 'solana:es9v"):
        api.price(f"solana:{SOLANA_MINT.lower()}", database=market)


@pytest.mark.parametrize(
    ("coin", "day", "reason", "sentence"),
    [
        ("newborn", "2026-10-01", "before_the_coin", "newborn has no price on 2026-10-01: its first is of 2026-11-05"),
        ("bitcoin", "2026-12-01", "after_the_data", "bitcoin has no price on 2026-12-01: its latest is of 2026-11-08"),
        (
            "terra-luna",
            "2026-11-01",
            "gone",
            "it was last listed on 2026-10-25, and its last price is of 2026-10-20",
        ),
        (
            "dogecoin",
            "2026-10-11",
            "hole",
            "the date is a hole; prices are of 2026-10-09 and 2026-10-13, and a tolerance of 2 days reaches one",
        ),
        (
            "quietcoin",
            "2026-10-21",
            "null",
            "CoinGecko gave none on that date; prices are of 2026-10-20 and 2026-10-22",
        ),
        ("unpriced", "2026-10-21", "never_stored", "no price of it is stored at all: coingecko-pipeline backfill"),
    ],
)
def test_why_there_is_no_price_is_told(market: Database, coin: str, day: str, reason: str, sentence: str) -> None:
    with pytest.raises(NoPrice, match=re.escape(sentence)) as told:
        api.price(coin, day, database=market)
    assert told.value.reason == reason


def test_a_question_that_cannot_be_understood_is_told(market: Database) -> None:
    with pytest.raises(InvalidQuestion, match="'yesterday' is no date and no moment"):
        api.price("bitcoin", "yesterday", database=market)
    with pytest.raises(InvalidQuestion, match="a tolerance of -1 days is none"):
        api.price("bitcoin", tolerance=-1, database=market)
