"""A small market to report on, whose names try to break out of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.tables import claim_origin
from coingecko_pipeline.warehouse import Database

LAST = date(2026, 3, 9)
NOW = datetime(2026, 3, 9, 1, 30, tzinfo=UTC)

BREAKOUT = '</script><script>document.title = "broken"</script>'
QUOTES = "Quo\"te & <b>Bold</b> 'single' `tick`"
EMOJI = "To the moon \N{ROCKET}"


def back(days: int) -> date:
    """The date so many days before the last."""
    return LAST - timedelta(days=days)


@dataclass(frozen=True)
class Listed:
    """A coin of the market.

    Attributes:
        asset_id: Its id.
        name: Its name.
        symbol: Its symbol.
        prices: Its price by days before the last date; None for a row without one.
        supply: Its market cap is the price times this; None for no market cap.
        source: Of its rows.
        left_on: When it left the list.
    """

    asset_id: str
    name: str = ""
    symbol: str = "sym"
    prices: Mapping[int, float | None] | None = None
    supply: float | None = 1e9
    source: str = tables.CHART
    left_on: date | None = None


def wave(base: float, days: Sequence[int], beat: int = 7) -> dict[int, float | None]:
    """Prices that go up and down around a base."""
    return {day: base * (1 + 0.02 * (day * beat % 11)) for day in days}


def odd_coins() -> list[Listed]:
    """Coins whose names hold markup, quotes and more, each with a year of prices."""
    year = range(365)
    return [
        Listed("bitcoin", "Bitcoin", "btc", wave(60_000, year)),
        Listed("breakout", BREAKOUT, "</td>", wave(3.21, year, 3)),
        Listed("quotes", QUOTES, 'q"t', wave(2.5, year, 5)),
        Listed("moon", EMOJI, "\N{ROCKET}", wave(1.5, year, 4)),
        Listed("a b/\u00fc?#&'\"<", "Odd id", "odd", wave(1.2, year, 2)),
        Listed("dust", "Dust", "dust", wave(1.5e-9, year), supply=1e15),
    ]


def put_on(database: Database, coins: Sequence[Listed], origin: bool = True) -> None:
    """Store coins and their rows; the market is the sandbox's where it has an origin."""
    known = [
        {
            "asset_id": coin.asset_id,
            "symbol": coin.symbol,
            "name": coin.name or coin.asset_id,
            "first_seen_on": back(400),
            "last_seen_on": coin.left_on or LAST,
            "is_active": coin.left_on is None,
        }
        for coin in coins
    ]
    rows = [
        {
            "date": back(days),
            "asset_id": coin.asset_id,
            "price_usd": price,
            "volume_24h_usd": None if price is None else price * 1e7,
            "market_cap_usd": None if price is None or coin.supply is None else price * coin.supply,
            "source": coin.source,
            "observed_at": NOW,
        }
        for coin in coins
        for days, price in (coin.prices or {}).items()
    ]
    with database.transaction() as connection:
        connection.execute(insert(tables.assets), known)
        if rows:
            connection.execute(insert(tables.daily_market), rows)
    if origin:
        claim_origin(database, "sandbox")
