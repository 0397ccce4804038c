"""Every query of docs/sql-cookbook.md gives the right rows, on each database that its page says it runs on."""

import math
import statistics
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from coingecko_pipeline.measures import DAILY_RETURNS, GLOBAL_MARKET_DAILY, WEEKLY_MARKET
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cookbook_market import (
    DAYS,
    NOVEMBER,
    STANDS_FOR_ANOTHER,
    SUPPLY,
    day,
    fill,
    has_row,
    price,
    volume,
)
from coingecko_pipeline_tests.cookbook_page import PAGE, recipes
from coingecko_pipeline_tests.databases import MakeDatabase
from coingecko_pipeline_tests.measures.deriving import build

LAST = DAYS - 1


def cap(coin: str, number: int) -> float:
    usd = price(coin, number)
    assert usd is not None
    return usd * SUPPLY[coin]


def usd(coin: str, number: int) -> float:
    found = price(coin, number)
    assert found is not None
    return found


def bitcoin_and_ethereum() -> list[tuple[Any, ...]]:
    returns = {
        coin: [usd(coin, number) / usd(coin, number - 1) - 1 for number in range(1, DAYS)]
        for coin in ("bitcoin", "ethereum")
    }
    return [(DAYS - 1, statistics.correlation(returns["bitcoin"], returns["ethereum"]))]


def dominance_of_bitcoin() -> list[tuple[Any, ...]]:
    rows = []
    for number in range(NOVEMBER, DAYS):
        there = [coin for coin in SUPPLY if has_row(coin, number) and price(coin, number) is not None]
        rows.append((str(day(number)), cap("bitcoin", number) / sum(cap(coin, number) for coin in there)))
    return rows


def volatilities() -> list[tuple[Any, ...]]:
    """Of the coins with a price on each of the last 31 days."""
    found = []
    for coin in ("bitcoin", "dogwifcoin", "ethereum", "minnow", "pepe", "plankton", "quietcoin", "solana", "tether"):
        returns = [math.log(usd(coin, number) / usd(coin, number - 1)) for number in range(LAST - 29, DAYS)]
        found.append((coin, statistics.stdev(returns) * math.sqrt(365)))
    return sorted(found, key=lambda row: -row[1])


def candles_of_bitcoin() -> list[tuple[Any, ...]]:
    """Its price rises every day, so it opens lowest and closes highest; the week that has not ended has no row."""
    return [
        (f"2026-{monday}", opening, opening + 7_000, opening, opening + 7_000, 3e10, 7)
        for monday, opening in (("10-05", 104_000), ("10-12", 111_000), ("10-19", 118_000), ("10-26", 125_000))
    ]


def index_of_the_largest() -> list[tuple[Any, ...]]:
    """Of eleven coins with a price on the first day the smallest, plankton, is no member."""
    largest = ("bitcoin", "ethereum", "tether", "terra-luna", "solana")
    members = (*largest, "dogecoin", "pepe", "dogwifcoin", "quietcoin", "minnow")
    rows = []
    for number in range(DAYS):
        there = [coin for coin in members if has_row(coin, number)]
        worth = sum(cap(coin, 0) * usd(coin, number) / usd(coin, 0) for coin in there)
        rows.append((str(day(number)), len(there), 100 * worth / sum(cap(coin, 0) for coin in there)))
    return rows


def largest_of_a_date() -> list[tuple[Any, ...]]:
    """Of the fifteenth of October; the coin that stands for another takes no place, the one that died has its own."""
    ids = [row[0] for row in ANSWERS[3]()]
    coins = [coin for coin in ids if coin != STANDS_FOR_ANOTHER]
    return [(place, coin, cap(coin, 14), int(coin == "terra-luna")) for place, coin in enumerate(coins, 1)]


def index_chosen_each_month() -> list[tuple[Any, ...]]:
    """The one that died in October counts with its last price."""
    rows: list[tuple[Any, ...]] = []
    value = 100.0
    for first, last in ((0, NOVEMBER), (NOVEMBER, LAST)):
        coins = [
            coin
            for coin in SUPPLY
            if has_row(coin, first)
            and price(coin, first) is not None
            and (coin != STANDS_FOR_ANOTHER or first >= NOVEMBER)
        ]
        ends = {coin: max(n for n in range(first, last + 1) if has_row(coin, n)) for coin in coins}
        growth = sum(cap(coin, ends[coin]) for coin in coins) / sum(cap(coin, first) for coin in coins)
        value *= growth
        rows.append((str(day(first)), str(day(last)), len(coins), growth - 1, value))
    return rows


def rows_by_source() -> list[tuple[Any, ...]]:
    return [
        ("2026-11-01", 13, 0),
        ("2026-11-02", 13, 0),
        ("2026-11-03", 12, 0),
        ("2026-11-04", 13, 0),
        ("2026-11-05", 14, 0),
        ("2026-11-06", 1, 13),
        ("2026-11-07", 1, 13),
        ("2026-11-08", 1, 13),
    ]


def sizes() -> list[tuple[Any, ...]]:
    groups = {
        "1: from 10 billion": ("bitcoin", "ethereum", "tether", "solana", "dogecoin"),
        "2: from 1 billion": ("pepe",),
        "3: from 100 million": ("dogwifcoin", "freshcoin", "quietcoin"),
        "4: below 100 million": ("latecoin", "minnow", "plankton", "newborn"),
    }
    known: list[tuple[Any, ...]] = [
        (size, len(coins), sum(cap(c, LAST) for c in coins), sum(volume(c, LAST) or 0 for c in coins))
        for size, coins in groups.items()
    ]
    return [*known, ("5: unknown", 1, None, None)]


ANSWERS: dict[int, Callable[[], Sequence[tuple[Any, ...]]]] = {
    1: lambda: [("2026-11-01", 131_000, 132_000, "chart")],
    2: lambda: [
        ("solana", 100, 200, 1),
        ("freshcoin", 29 / 12, 3, 36 / 29 - 1),
        ("bitcoin", 131_000, 138_000, 7 / 131),
        ("dogecoin", 0.25, 0.2525, 0.01),
        ("tether", 1, 1.001, 0.001),
        ("pepe", 1e-8, 0.993e-8, -0.007),
        ("ethereum", 4_900, 4_200, -1 / 7),
        ("dogwifcoin", 2, 0.6, -0.7),
    ],
    3: lambda: [
        ("bitcoin", 2.28e12, 1, "2026-11-08"),
        ("ethereum", 6.48e11, 1, "2026-11-08"),
        ("tether", 1.8e11, 1, "2026-11-08"),
        ("solana", 5e10, 1, "2026-11-08"),
        ("dogecoin", 3.75e10, 1, "2026-11-08"),
        ("pepe", 4e9, 1, "2026-11-08"),
        ("dogwifcoin", 2e9, 1, "2026-11-08"),
        ("quietcoin", 5e8, 1, "2026-11-08"),
        ("freshcoin", 1e8, 1, "2026-11-08"),
        ("terra-luna", 80 / 2**14 * 1e9, 0, "2026-10-25"),
        ("minnow", 1e5, 1, "2026-11-08"),
        ("plankton", 1.2e4, 1, "2026-11-08"),
    ],
    4: bitcoin_and_ethereum,
    5: dominance_of_bitcoin,
    6: lambda: [("terra-luna", "2026-10-25", "2026-10-20", 80 / 2**19, 1 / 2**19 - 1)],
    7: lambda: [("pepe", 2e9, 1e8, 20)],
    8: lambda: [("2026-10-10", "2026-10-12", 3), ("2026-11-03", "2026-11-03", 1)],
    9: rows_by_source,
    10: lambda: [("2026-10-21", 6_000, "2026-11-08", 4_200, -0.3)],
    11: volatilities,
    12: index_of_the_largest,
    13: lambda: [(12, 0.0005)],
    14: lambda: [
        ("freshcoin", "2026-10-15", 1, "2026-11-08", 3, 2),
        ("latecoin", "2026-10-20", 5, "2026-11-08", 1, -0.8),
    ],
    15: lambda: [("2026-11-02", "pepe", "Pepe Coin", "Pepe"), ("2026-10-09", "dogwifcoin", "dwif", "wif")],
    16: lambda: [("tether", "usdt", "Tether")],
    17: lambda: [("2026-11-01", 71, 71, 71), ("2026-11-02", 250, 250, 321)],
    18: lambda: [
        (str(day(n)), 0.5 * usd("bitcoin", n) + 10 * usd("ethereum", n) + 20_000 * usd("dogecoin", n))
        for n in range(NOVEMBER, DAYS)
        if n != 33
    ],
    19: sizes,
    20: candles_of_bitcoin,
    22: largest_of_a_date,
    23: index_chosen_each_month,
    21: lambda: [("dogecoin", "2026-10-09", 0.25, "chart", -2)],
}


@pytest.fixture(scope="module")
def market(make_database: MakeDatabase) -> Database:
    """The small market with all that is derived from it."""
    database = make_database()
    migrate(database)
    fill(database)
    for derived in (WEEKLY_MARKET, DAILY_RETURNS, GLOBAL_MARKET_DAILY):
        build(database, derived)
    return database


def test_the_page_has_its_recipes_and_each_has_its_answer() -> None:
    assert list(recipes()) == list(range(1, 24))
    assert set(ANSWERS) == set(recipes())
    assert PAGE.read_text(encoding="utf-8").count("```sql") == 23


@pytest.mark.parametrize("number", ANSWERS)
def test_the_query_gives_the_right_rows(market: Database, kind: str, number: int) -> None:
    recipe = recipes()[number]
    assert "mysql" in recipe.runs_on
    if kind not in recipe.runs_on:
        pytest.skip(f"the page does not say that it runs on {kind}")
    with market.connect() as connection:
        found = [tuple(map(comparable, row)) for row in connection.exec_driver_sql(recipe.query.replace("%", "%%"))]
    expected = [tuple(row) for row in ANSWERS[number]()]
    assert len(found) == len(expected), found
    for row, right in zip(found, expected, strict=True):
        assert len(row) == len(right)
        for cell, known in zip(row, right, strict=True):
            if isinstance(known, str) or known is None:
                assert cell == known, (row, right)
            else:
                assert cell == pytest.approx(known, rel=1e-9, abs=1e-15), (row, right)


def comparable(cell: Any) -> Any:
    """Dates as text, which SQLite has anyway, and decimals as doubles."""
    if isinstance(cell, date):
        return cell.isoformat()
    return float(cell) if isinstance(cell, Decimal) else cell
