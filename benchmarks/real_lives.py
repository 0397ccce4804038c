"""A market since 2013 whose coins have lives like the real ones, with what the archive's answers have spoken for.

The rows are made inside the server, date by date in the order of the key, so that 30 million of them take minutes. The
same arguments give the same rows. The bodies of the answers are left out: nothing that is measured on it reads one.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Boolean, Column, Connection, Date, Double, Integer, MetaData, Table, insert, inspect, text

from coingecko_pipeline.warehouse import Database, ExactText

FIRST = date(2013, 4, 28)
COINS = 17_400
MEAN_LIFE_DAYS = 1_724
"""Of today's coins; 17,400 such lives are 30 million rows."""
CYCLE_DAYS = 67
"""17,400 coins take so long at the demo plan's 261 charts a day: charts are at most so old."""
NEVER_ASKED_DAYS = 2
"""A coin that was listed so lately has no chart yet."""
GONE_SHARE, HOLED_SHARE, NO_CAP_SHARE = 0.03, 0.02, 0.2
HOLE_EVERY_DAYS = 97
SEED = 20_130_428

lives = Table(
    "bench_lives",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("asset_id", ExactText(191), nullable=False),
    Column("first_on", Date, nullable=False),
    Column("last_on", Date, nullable=False),
    Column("charted_to", Date, nullable=False),
    Column("has_holes", Boolean, nullable=False),
    Column("has_cap", Boolean, nullable=False),
    Column("base", Double, nullable=False),
    Column("swing", Double, nullable=False),
    Column("period", Double, nullable=False),
    Column("supply", Double, nullable=False),
    Column("turnover", Double, nullable=False),
    mysql_charset="utf8mb4",
)
"""What the rows are made from; dropped in the end."""

NOISE = "CRC32(CONCAT(number, ':', {day})) * 2.3283064365386963e-10"
IS_HOLE = f"has_holes AND charted_to >= '{{date}}' AND MOD({{day}} + number, {HOLE_EVERY_DAYS}) = 0"
ROWS = """
INSERT INTO daily_market (date, asset_id, price_usd, volume_24h_usd, market_cap_usd, source, observed_at)
SELECT '{date}', asset_id, price, price * supply * turnover * (0.5 + noise), IF(has_cap, price * supply, NULL),
    IF(charted_to < '{date}', 'snapshot', 'chart'), IF(charted_to < '{date}', '{date} 00:02:00', '{date}')
FROM (
    SELECT asset_id, supply, turnover, has_cap, charted_to, {noise} AS noise,
        base * EXP(swing * (SIN({day} / period + number) + 0.2 * ({noise} - 0.5))) AS price
    FROM bench_lives
    WHERE first_on <= '{date}' AND last_on >= '{date}' AND NOT ({is_hole})
) AS living
ORDER BY asset_id
"""


@dataclass(frozen=True)
class Life:
    """One coin.

    Attributes:
        number: Its rank by size, from 0.
        asset_id: Its id.
        first_on: The first date with a row.
        last_on: The last one.
        charted_to: The last date that its chart holds; the day before the first where it has none.
        has_holes: Whether its chart lacks a date now and then.
        is_active: Whether the list has it.
    """

    number: int
    asset_id: str
    first_on: date
    last_on: date
    charted_to: date
    has_holes: bool
    is_active: bool

    @property
    def is_charted(self) -> bool:
        """Whether its chart was asked for."""
        return self.charted_to >= self.first_on

    def points(self) -> list[list[str]]:
        """The dates that its chart has a value of, as pairs of first and last."""
        begins, pairs = self.first_on, []
        for day in self._holes():
            if begins < day:
                pairs.append([str(begins), str(day - timedelta(days=1))])
            begins = day + timedelta(days=1)
        if begins <= self.charted_to:
            pairs.append([str(begins), str(self.charted_to)])
        return pairs

    def _holes(self) -> Iterator[date]:
        if not self.has_holes:
            return
        number = self.first_on.toordinal()
        number += -(number + self.number) % HOLE_EVERY_DAYS
        while number <= self.charted_to.toordinal():
            yield date.fromordinal(number)
            number += HOLE_EVERY_DAYS


def lives_of(coins: int, last: date) -> list[Life]:
    """So many coins, the largest first: few are as old as the market, most are recent.

    Args:
        coins: How many.
        last: The last date.
    """
    rng = np.random.default_rng(SEED)
    span = (last - FIRST).days + 1
    # The mean of u to the power p is 1 / (1 + p).
    ages = 1 + np.floor((span - 1) * rng.uniform(size=coins) ** (span / MEAN_LIFE_DAYS - 1)).astype(int)
    # The larger a coin, the longer it is there, as a rule.
    ages = ages[np.argsort(-ages * rng.uniform(0.3, 1, coins))]
    chart_ages = rng.integers(0, CYCLE_DAYS, coins)
    holed, gone = rng.uniform(size=coins) < HOLED_SHARE, rng.uniform(size=coins) < GONE_SHARE
    left_after = rng.uniform(size=coins)
    made = []
    for number, age in enumerate(ages.tolist()):
        first = last - timedelta(days=age - 1)
        ends = first + timedelta(days=int(left_after[number] * (age - 1))) if gone[number] else last
        charted = min(ends, last - timedelta(days=int(chart_ages[number])))
        # A newly listed coin's chart is asked for at once, and then in the turn of the others.
        charted = first - timedelta(days=1) if age <= NEVER_ASKED_DAYS else max(charted, first)
        made.append(
            Life(number, f"coin-{number:05}", first, ends, charted, bool(holed[number]), is_active=not gone[number])
        )
    return made


def fill_lives(database: Database, coins: Sequence[Life], last: date, tell: Callable[[str], None]) -> int:
    """Fill the tables of a MySQL database with a market of some coins, and return the number of daily rows.

    Args:
        database: Migrated and empty, by this version or by the one before, whose archive has other tables.
        coins: The coins.
        last: The last date.
        tell: Told how far it is.
    """
    with database.transaction() as connection:
        _fill_coins(connection, coins, last)
        if inspect(connection).has_table("raw_market_charts"):
            connection.execute(text(OLD_CHARTS), [_old_chart(coin) for coin in coins if coin.is_charted])
        else:
            connection.execute(text(CHARTS), [_chart(coin) for coin in coins if coin.is_charted])
            connection.execute(text(COVERAGE), [_coverage(coin) for coin in coins if coin.is_charted])
        # Its name and its columns are those of the version that migrated.
        (by_coin,) = inspect(connection).get_indexes("daily_market")
        connection.exec_driver_sql(f"DROP INDEX {by_coin['name']} ON daily_market")
    rows, day = 0, FIRST
    while day <= last:
        rows += add_day(database, day)
        if day.day == 1 and day.month == 1:
            tell(f"{rows:,} rows before {day}")
        day += timedelta(days=1)
    with database.transaction() as connection:
        columns = ", ".join(str(column) for column in by_coin["column_names"])
        connection.exec_driver_sql(f"CREATE INDEX {by_coin['name']} ON daily_market ({columns})")
        connection.exec_driver_sql("ANALYZE TABLE daily_market, assets")
    return rows


def add_day(database: Database, day: date) -> int:
    """Write the rows of one date, and return how many there are."""
    number = day.toordinal()
    statement = ROWS.format(
        date=day, day=number, noise=NOISE.format(day=number), is_hole=IS_HOLE.format(date=day, day=number)
    )
    with database.transaction() as connection:
        return int(connection.exec_driver_sql(statement.replace("%", "%%")).rowcount)


def add_new_day(database: Database, day: date) -> int:
    """Write the date after the last one: a snapshot of every coin that is there, as the daily job logs it."""
    with database.transaction() as connection:
        before = day - timedelta(days=1)
        connection.execute(
            text("UPDATE bench_lives SET last_on = :day WHERE last_on = :before"), {"day": day, "before": before}
        )
    rows = add_day(database, day)
    with database.transaction() as connection:
        if inspect(connection).has_table("market_changes"):
            connection.exec_driver_sql("UPDATE market_change_counter SET number = number + 1")
            connection.exec_driver_sql(
                "INSERT INTO market_changes (number, table_name, asset_id, first_on, last_on, changed_at) "
                f"SELECT number, 'daily_market', NULL, '{day}', '{day}', UTC_TIMESTAMP(6) FROM market_change_counter"
            )
    return rows


def _fill_coins(connection: Connection, coins: Sequence[Life], last: date) -> None:
    rng = np.random.default_rng(SEED + 1)
    count = len(coins)
    rank = np.arange(1, count + 1)
    supply = 10.0 ** rng.uniform(5, 14, count)
    base = 2e12 / rank**1.5 / supply
    swing, period, turnover = rng.uniform(0.1, 1.5, count), rng.uniform(5, 200, count), rng.uniform(0.001, 0.2, count)
    has_cap = (rng.uniform(size=count) >= NO_CAP_SHARE) | (rank <= count * 0.01)
    lives.drop(connection, checkfirst=True)
    lives.create(connection)
    connection.execute(
        insert(lives),
        [
            {
                "number": coin.number,
                "asset_id": coin.asset_id,
                "first_on": coin.first_on,
                "last_on": coin.last_on,
                "charted_to": coin.charted_to,
                "has_holes": coin.has_holes,
                "has_cap": bool(has_cap[coin.number]),
                "base": float(base[coin.number]),
                "swing": float(swing[coin.number]),
                "period": float(period[coin.number]),
                "supply": float(supply[coin.number]),
                "turnover": float(turnover[coin.number]),
            }
            for coin in coins
        ],
    )
    connection.execute(
        text(
            "INSERT INTO assets (asset_id, symbol, name, first_seen_on, last_seen_on, is_active) VALUES "
            "(:asset_id, :asset_id, :asset_id, :first_on, :seen_on, :is_active)"
        ),
        [
            {
                "asset_id": coin.asset_id,
                "first_on": coin.first_on,
                "seen_on": last if coin.is_active else coin.last_on,
                "is_active": coin.is_active,
            }
            for coin in coins
        ],
    )


CHARTS = """
INSERT INTO market_charts
    (asset_id, answered_at, days, outcome, body, first_on, last_on, midnights, dates, is_written)
VALUES (:asset_id, :answered_at, :days, 'values', NULL, :first_on, :last_on, :midnights, :points, TRUE)
"""
COVERAGE = """
INSERT INTO chart_coverage
    (asset_id, covered, points, outcome, answered_at, misses, ask_again_on, snapshots_from, snapshots_to)
VALUES (:asset_id, :covered, :points, 'values', :answered_at, 0, NULL, :snapshots_from, :snapshots_to)
"""
OLD_CHARTS = """
INSERT INTO raw_market_charts
    (asset_id, body, fetched_at, covers_from, covers_to, points, midnights, first_on, last_on)
VALUES (:asset_id, '', :answered_at, :covers_from, :covers_to, :midnights, :midnights, :first_on, :last_on)
"""


def _answered_at(coin: Life) -> datetime:
    return datetime.combine(coin.charted_to, time(1), UTC).replace(tzinfo=None)


def _chart(coin: Life) -> dict[str, Any]:
    points = coin.points()
    return {
        "asset_id": coin.asset_id,
        "answered_at": _answered_at(coin),
        "days": (coin.charted_to - FIRST).days + 1,
        "first_on": points[0][0],
        "last_on": points[-1][1],
        "midnights": sum((date.fromisoformat(end) - date.fromisoformat(begin)).days + 1 for begin, end in points),
        "points": json.dumps(points),
    }


def _coverage(coin: Life) -> dict[str, Any]:
    snapshots = coin.charted_to < coin.last_on
    return {
        "asset_id": coin.asset_id,
        "covered": json.dumps([[str(FIRST), str(coin.charted_to)]]),
        "points": json.dumps(coin.points()),
        "answered_at": _answered_at(coin),
        "snapshots_from": coin.charted_to + timedelta(days=1) if snapshots else None,
        "snapshots_to": coin.last_on if snapshots else None,
    }


def _old_chart(coin: Life) -> dict[str, Any]:
    return {**_chart(coin), "covers_from": FIRST, "covers_to": coin.charted_to}
