"""A market that changes at random, so that whoever follows the log is tried by whatever can happen."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import Change
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.deriving import changed, log
from coingecko_pipeline_tests.measures.snapshots import snapshot_row

FIRST = date(2025, 1, 1)
COINS = [f"coin-{number}" for number in range(9)]


class Market:
    """A market that changes at random, each change logged as those who write the real one log theirs."""

    def __init__(self, database: Database, seed: int) -> None:
        self._database = database
        self._random = random.Random(seed)
        self.today = FIRST + timedelta(days=70)
        for coin in COINS[:5]:
            self.chart(coin, 60)

    def snapshot(self) -> None:
        """A date of most coins: a new one, today's again, or one that had been missed."""
        self.today += timedelta(days=self._random.choice((0, 1, 1, 1, 3)))
        day = self.today - timedelta(days=self._random.choice((0, 0, 0, 20)))
        taken = [coin for coin in COINS if self._random.random() < 0.8]
        for coin in taken:
            self._put(coin, day)
        self._put_whole(taken, day)
        log(self._database, changed(day))

    def chart(self, coin: str | None = None, days: int | None = None) -> None:
        """Some dates of a coin, with gaps."""
        coin = coin or self._random.choice(COINS)
        last = self.today - timedelta(days=self._random.choice((0, 1, 9)))
        first = last - timedelta(days=days or self._random.choice((0, 3, 40, 90)))
        for number in range((last - first).days + 1):
            if self._random.random() < 0.95:
                self._put(coin, first + timedelta(days=number))
        log(self._database, changed(first, last, coin))

    def loss(self) -> None:
        """Rows that are deleted: of one coin, or of all."""
        coin = self._random.choice((None, *COINS))
        last = self.today - timedelta(days=self._random.choice((0, 10, 30)))
        first = last - timedelta(days=self._random.choice((0, 2, 12)))
        market = tables.daily_market
        rows = market.delete().where(market.c.date.between(first, last))
        with self._database.transaction() as connection:
            connection.execute(rows if coin is None else rows.where(market.c.asset_id == coin))
        log(self._database, changed(first, last, coin))

    def hours(self) -> None:
        """Some hours of today and of yesterday."""
        day = self.today - timedelta(days=self._random.choice((0, 0, 1)))
        rows = [
            {
                "hour_at": datetime(day.year, day.month, day.day, hour, tzinfo=UTC),
                "asset_id": coin,
                "price_usd": self._random.choice((None, self._random.uniform(1, 9))),
            }
            for hour in self._random.sample(range(24), 3)
            for coin in COINS[:3]
        ]
        hourly = tables.hourly_market
        with self._database.transaction() as connection:
            for row in rows:
                same = (hourly.c.hour_at == row["hour_at"]) & (hourly.c.asset_id == row["asset_id"])
                connection.execute(hourly.delete().where(same))
            connection.execute(insert(hourly), rows)
        log(self._database, Change(hourly.name, day, day))

    def revision(self) -> None:
        """A value that is another one than before."""
        coin, day = self._random.choice(COINS), self.today - timedelta(days=self._random.choice((0, 1, 9)))
        revised = {"asset_id": coin, "date": day, "column_name": self._random.choice(("price_usd", "market_cap_usd"))}
        seen_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._random.randrange(10**6))
        with self._database.transaction() as connection:
            connection.execute(
                insert(tables.market_revisions), {**revised, "seen_at": seen_at, "old_value": 1.0, "new_value": 2.0}
            )
        self._put(coin, day)
        log(self._database, changed(day, day, coin))

    def change(self) -> None:
        """One of all these."""
        kinds = (self.snapshot, self.snapshot, self.chart, self.chart, self.loss, self.hours, self.revision)
        self._random.choice(kinds)()

    @property
    def noon(self) -> datetime:
        """The current time."""
        return datetime(self.today.year, self.today.month, self.today.day, 12, tzinfo=UTC)

    def _put_whole(self, coins: Sequence[str], day: date) -> None:
        """The whole rows of a snapshot, in the place of earlier ones."""
        whole = tables.market_snapshots
        rows = [
            snapshot_row(
                day,
                coin,
                self._random.choice((None, self._random.uniform(0, 1))),
                self._random.uniform(1, 9),
                circulating_supply=self._random.uniform(0, 1e9),
            )
            for coin in coins
        ]
        with self._database.transaction() as connection:
            connection.execute(whole.delete().where(whole.c.date == day, whole.c.asset_id.in_(coins)))
            if rows:
                connection.execute(insert(whole), rows)

    def _put(self, coin: str, day: date) -> None:
        price = self._random.choice((None, 0.0, *[self._random.lognormvariate(0, 3) for _ in range(20)]))
        row = {
            "date": day,
            "asset_id": coin,
            "price_usd": price,
            "volume_24h_usd": self._random.uniform(0, 1e6),
            "market_cap_usd": self._random.choice((None, 100.0, self._random.uniform(0, 1e9))),
            "source": self._random.choice((tables.STALE, tables.CHART, tables.CHART)),
        }
        market = tables.daily_market
        with self._database.transaction() as connection:
            connection.execute(market.delete().where(market.c.date == day, market.c.asset_id == coin))
            connection.execute(insert(market), row)
