"""What a coin cost at a date or a moment: the stored value that is nearest, within a tolerance."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.analysis.coins import Coin, find_coin
from coingecko_pipeline.analysis.currencies import is_dollar, no_rate, read_rates
from coingecko_pipeline.analysis.errors import InvalidQuestion, NoPrice
from coingecko_pipeline.analysis.moments import Day, to_moment
from coingecko_pipeline.analysis.opening import reading
from coingecko_pipeline.warehouse.database import Database

HOURLY = "hourly"
"""`Price.source` of a value of hourly_market."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Price:
    """A price and where it comes from.

    Attributes:
        asset_id: The coin.
        symbol: Its latest symbol.
        name: Its latest name.
        is_gone: Whether it has left the list since.
        currency: In which the value is.
        value: The price of one coin (units of the currency), as stored or by the rate of its date.
        date: The date of the row.
        time: What the row stands for: 00:00:00 UTC of its date, or the hour's own moment.
        source: Of the row: `chart`, `snapshot`, `stale` or `hourly`.
        observed_at: The moment of the value; None where it is not known.
        asked: The moment that was asked for: of a date its 00:00:00 UTC.
        usd_per_unit: The rate of the currency (US dollars by unit).
    """

    asset_id: str
    symbol: str
    name: str
    is_gone: bool
    currency: str
    value: float
    date: date
    time: datetime
    source: str
    observed_at: datetime | None
    asked: datetime
    usd_per_unit: float

    @property
    def distance(self) -> timedelta:
        """From what was asked to what the row stands for; negative where that is earlier."""
        return self.time - self.asked


@dataclass(frozen=True)
class _Row:
    time: datetime
    price_usd: float
    source: str
    observed_at: datetime | None


def price(
    coin: str,
    when: Day | None = None,
    *,
    currency: str = "usd",
    tolerance: int = 0,
    database: Database | str | None = None,
) -> Price:
    """What a coin cost: of the stored values the one nearest to a date or a moment.

    Of a date its own row answers, and with a tolerance the nearest row within so many days. A moment within a day lies
    between two rows, and the nearer one answers, or a nearer value of hourly_market. Of two that are equally near the
    earlier one answers.

    Args:
        coin: Its id; its chain and contract as `ethereum:0xdac1…`; or its symbol where only one coin ever had it.
        when: A date, or a moment in UTC; by default the latest value that is stored.
        currency: Another one than the dollar, by the rate of the value's date.
        tolerance: Days by which the row may be away.
        database: Another one than DATABASE_URL names.

    Raises:
        InvalidQuestion: The coin or the currency is unknown, or several coins are called so, or the date is none.
        NoPrice: There is no value near enough; `reason` tells why.
        NoRate: There is no rate of the currency at the value's date.
        WarehouseError: The database cannot be read.
    """
    if tolerance < 0:
        raise InvalidQuestion(f"a tolerance of {tolerance} days is none: it is 0 or more")
    asked = None if when is None else to_moment(when)
    with reading(database) as open_database:
        return open_database.run_reading(lambda connection: _price(connection, coin, asked, currency, tolerance))


def _price(connection: Connection, named: str, asked: datetime | None, currency: str, tolerance: int) -> Price:
    coin = find_coin(connection, named)
    row = _latest(connection, coin) if asked is None else _nearest(connection, coin, asked, timedelta(days=tolerance))
    day = row.time.date()
    rate = 1.0
    if not is_dollar(currency):
        stored = read_rates(connection, currency, day, day)
        if day not in stored:
            raise no_rate(currency, day, day)
        rate = stored[day]
    return Price(
        asset_id=coin.asset_id,
        symbol=coin.symbol,
        name=coin.name,
        is_gone=not coin.is_active,
        currency=currency.lower(),
        value=row.price_usd / rate,
        date=day,
        time=row.time,
        source=row.source,
        observed_at=row.observed_at,
        asked=asked or row.time,
        usd_per_unit=rate,
    )


def _latest(connection: Connection, coin: Coin) -> _Row:
    day = _edge(connection, coin, func.max)
    if day is None:
        raise _no_price(connection, coin, datetime.now(UTC))
    return next(_daily(connection, coin, day, day))


def _nearest(connection: Connection, coin: Coin, asked: datetime, tolerance: timedelta) -> _Row:
    first = asked.date()
    last = first if asked.time() == time() else first + DAY
    rows = list(_daily(connection, coin, first - tolerance, last + tolerance))
    if first != last:
        rows += _hourly(connection, coin, asked)
    if not rows:
        raise _no_price(connection, coin, asked)
    return min(rows, key=lambda row: (abs(row.time - asked), row.time))


def _daily(connection: Connection, coin: Coin, first: date, last: date) -> Iterator[_Row]:
    market = tables.daily_market.c
    query = (
        select(market.date, market.price_usd, market.source, market.observed_at)
        .where(market.asset_id == coin.asset_id, market.date.between(first, last), market.price_usd.is_not(None))
        .order_by(market.date)
    )
    for day, usd, source, observed_at in connection.execute(query):
        yield _Row(datetime.combine(day, time(), UTC), usd, source, observed_at)


def _hourly(connection: Connection, coin: Coin, asked: datetime) -> Iterator[_Row]:
    market = tables.hourly_market.c
    near = market.hour_at.between(asked - DAY / 2, asked + DAY / 2)
    query = select(market.hour_at, market.price_usd, market.observed_at).where(
        market.asset_id == coin.asset_id, near, market.price_usd.is_not(None)
    )
    for hour_at, usd, observed_at in connection.execute(query):
        yield _Row(observed_at or hour_at, usd, HOURLY, observed_at)


def _no_price(connection: Connection, coin: Coin, asked: datetime) -> NoPrice:
    """Why there is none."""
    day = asked.date()
    market = tables.daily_market.c
    before = _edge(connection, coin, func.max, market.date < day)
    after = _edge(connection, coin, func.min, market.date > day)
    what = f"{coin.asset_id} has no price on {day}"
    if before is None and after is None:
        reason, why = (
            "never_stored",
            ("no price of it is stored at all: coingecko-pipeline backfill asks for its chart"),
        )
    elif connection.scalar(select(market.date).where(market.asset_id == coin.asset_id, market.date == day)):
        reason, why = "null", f"CoinGecko gave none on that date; {_nearest_dates(before, after, day)}"
    elif before is None:
        reason, why = "before_the_coin", f"its first is of {after}"
    elif after is not None:
        reason, why = "hole", f"the date is a hole; {_nearest_dates(before, after, day)}"
    elif coin.is_active:
        reason, why = "after_the_data", f"its latest is of {before}"
    else:
        reason, why = "gone", f"it was last listed on {coin.last_seen_on}, and its last price is of {before}"
    return NoPrice(f"{what}: {why}", reason, before, after)


def _edge(connection: Connection, coin: Coin, which: Any, *conditions: Any) -> date | None:
    market = tables.daily_market.c
    query = select(which(market.date)).where(
        market.asset_id == coin.asset_id, market.price_usd.is_not(None), *conditions
    )
    found: date | None = connection.scalar(query)
    return found


def _nearest_dates(before: date | None, after: date | None, day: date) -> str:
    dates = [found for found in (before, after) if found]
    days = min(abs((found - day).days) for found in dates)
    return f"prices are of {' and '.join(map(str, dates))}, and a tolerance of {days} days reaches one"
