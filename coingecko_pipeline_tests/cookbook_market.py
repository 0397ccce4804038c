"""A small market whose answers to the cookbook's questions are known: 39 days of coins with plain prices."""

from datetime import UTC, date, datetime, time, timedelta

from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.export.rows import store

FIRST = date(2026, 10, 1)
DAYS = 39
NOVEMBER = 31
"""The number of the day that is 2026-11-01; the last, 38, is 2026-11-08."""

SUPPLY = {
    "bitcoin": 2e7, "ethereum": 1.2e8, "tether": 1.8e11, "solana": 5e8, "dogecoin": 1.5e11, "dogwifcoin": 1e9,
    "pepe": 4e17, "terra-luna": 1e9, "quietcoin": 5e8, "freshcoin": 1e8, "latecoin": 1e6, "minnow": 5e4,
    "plankton": 4e3, "newborn": 1e3, "unpriced": 1.0,
}  # fmt: skip
VOLUME = {
    "bitcoin": 3e10, "ethereum": 1e10, "tether": 9e10, "solana": 2e9, "dogecoin": 1e9, "dogwifcoin": 1e8,
    "pepe": 1e8, "terra-luna": 1e7, "quietcoin": 1e3, "freshcoin": 2e6, "latecoin": 2e6, "minnow": 1e2,
    "plankton": 1e1, "newborn": 1e1, "unpriced": 0.0,
}  # fmt: skip

USDT_ON_ETHEREUM = "0xdac17f958d2ee523a2206206994597c13d831ec7"
STANDS_FOR_ANOTHER = "quietcoin"
"""A rehypothecated coin, until the end of October."""
DOGE_ON_A_CHAIN = "0xba2ae424d960c26247dd6c32edc70b295c744c43"


def day(number: int) -> date:
    """The date of a day's number."""
    return FIRST + timedelta(days=number)


def price(coin: str, number: int) -> float | None:
    """The price in US dollars of a coin on a day."""
    week = max(number - NOVEMBER, 0) / 7  # from 0 on the first of November to 1 on the eighth
    match coin:
        case "bitcoin":
            return 100_000.0 + 1_000 * number
        case "ethereum":  # highest on the 21st of October
            return 6_000.0 - 100 * abs(number - 20)
        case "tether":
            return 1.0 + 0.001 * (number == DAYS - 1)
        case "solana":
            return 100 * (1 + week)
        case "dogecoin":
            return 0.25 * (1 + 0.01 * week)
        case "dogwifcoin":
            return 2 - 1.4 * week
        case "pepe":
            return 1e-8 * (1 - 0.007 * week)
        case "terra-luna":
            return float(80 / 2**number)
        case "freshcoin":
            return 1 + (number - 14) / 12
        case "latecoin":
            return 5 - 4 * (number - 19) / 19
        case "quietcoin":
            return 1.0
        case "minnow":
            return 2 * (1 + 0.5 * week)
        case "plankton":
            return 3 * (1 - 0.2 * week)
        case "newborn":
            return 7.0
    return None


def has_row(coin: str, number: int) -> bool:
    """Whether a coin has a row on a day."""
    match coin:
        case "dogecoin":
            return number not in (9, 10, 11, 33)
        case "terra-luna":
            return number < 20
        case "freshcoin":
            return number >= 14
        case "latecoin":
            return number >= 19
        case "newborn":
            return number >= 35
    return True


def volume(coin: str, number: int) -> float | None:
    """The 24-hour volume in US dollars of a coin on a day."""
    if coin == "unpriced":
        return None
    if coin == "pepe":
        return VOLUME[coin] * (20 if number == DAYS - 1 else 0.5 + number % 2)
    return VOLUME[coin] * (100 if coin == "quietcoin" and number == DAYS - 1 else 1)


def fill(database: Database) -> None:
    """Store the market in the empty tables of a database."""
    rows = []
    for number in range(DAYS):
        for coin in sorted(SUPPLY):
            if has_row(coin, number):
                usd = price(coin, number)
                source = tables.SNAPSHOT if number >= 36 and coin != "bitcoin" else tables.CHART
                cap = None if usd is None else usd * SUPPLY[coin]
                moment = datetime.combine(day(number), time(), UTC)
                rows.append((day(number), coin, usd, volume(coin, number), cap, source, moment))
    store(database, tables.daily_market, rows)
    gone = {"terra-luna": date(2026, 10, 25)}
    store(
        database,
        tables.assets,
        [
            (coin, coin[:4], coin.title(), FIRST, gone.get(coin, day(DAYS - 1)), coin not in gone)
            for coin in sorted(SUPPLY)
        ],
    )
    store(
        database,
        tables.asset_changes,
        [
            ("dogwifcoin", date(2026, 10, 9), "symbol_changed", "dwif", "wif"),
            ("freshcoin", date(2026, 10, 15), "listed", None, None),
            ("latecoin", date(2026, 10, 20), "listed", None, None),
            ("newborn", date(2026, 11, 5), "listed", None, None),
            ("pepe", date(2026, 11, 2), "renamed", "Pepe Coin", "Pepe"),
            ("terra-luna", date(2026, 9, 30), "listed", None, None),
            ("terra-luna", date(2026, 10, 26), "delisted", None, None),
        ],
    )
    fetched_at = datetime(2026, 11, 8, 0, 0, 1, tzinfo=UTC)
    store(
        database,
        tables.raw_asset_list,
        [
            ("bitcoin", "btc", "Bitcoin", "{}", fetched_at),
            ("pepe", "pepe", "Pepe", '{"ethereum": "0x6982508145454ce325ddbe47a25d4ec3d2311933"}', fetched_at),
            (
                "tether",
                "usdt",
                "Tether",
                f'{{"avalanche": "0x9702230a8ea53601f5cd2dc00fdbc13d4df4a8c7", "ethereum": "{USDT_ON_ETHEREUM}"}}',
                fetched_at,
            ),
            ("tether-fake", "usdt", "Not Tether", f'{{"fakechain": "{USDT_ON_ETHEREUM}"}}', fetched_at),
        ],
    )
    store(
        database,
        tables.api_usage,
        [
            (date(2026, 10, 31), "demo", "coins/list", 1, 1),
            (date(2026, 11, 1), "demo", "coins/list", 1, 1),
            (date(2026, 11, 1), "demo", "coins/markets", 70, 70),
            (date(2026, 11, 2), "demo", "coins/market_chart", 250, 250),
        ],
    )
    store(
        database,
        tables.asset_contracts,
        [
            ("doge-chain", DOGE_ON_A_CHAIN, "dogecoin", FIRST, day(DAYS - 1), True),
            ("ethereum", USDT_ON_ETHEREUM, "tether", FIRST, day(DAYS - 1), True),
        ],
    )
    until = day(NOVEMBER - 1)
    store(database, tables.rehypothecated_assets, [(STANDS_FOR_ANOTHER, date(1970, 1, 1), until)])
