"""What the sandbox plants is flagged, and nothing else is: its charts and pages taken as a run takes them."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from coingecko_pipeline import tables
from coingecko_pipeline.measures import ALWAYS, DAILY_CANDLES, Thresholds, follow_market, market_flags
from coingecko_pipeline.sandbox import SandboxOptions
from coingecko_pipeline.sandbox.planted import CANDLE_OUTSIDE, RISES, planted_oddities
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.measures.deriving import NOW, build
from coingecko_pipeline_tests.measures.snapshots import Row, midnight, put
from coingecko_pipeline_tests.sandbox.asking import Api

FIRST, LAST = date(2026, 1, 5), date(2026, 2, 13)


def dates(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def snapshot_of(day: date) -> tuple[list[Row], list[Row]]:
    """The rows of daily_market and of market_snapshots that the pages of two minutes after midnight give."""
    moment = midnight(day) + timedelta(minutes=2)
    market: list[Row] = []
    whole: list[Row] = []
    for row in Api(at=moment, coins=60, rehypothecated=6, oddities=True).markets(
        include_rehypothecated="true", precision="full"
    ):
        updated = datetime.fromisoformat(row["last_updated"])
        common = {"date": day, "asset_id": row["id"]}
        stale = updated < midnight(day) - timedelta(days=1)
        market.append(
            {
                **common,
                "price_usd": row["current_price"],
                "volume_24h_usd": row["total_volume"],
                "market_cap_usd": row["market_cap"],
                "source": tables.STALE if stale else tables.SNAPSHOT,
                "observed_at": updated,
            }
        )
        whole.append(
            {
                **common,
                "high_24h_usd": row["high_24h"],
                "low_24h_usd": row["low_24h"],
                "circulating_supply": row["circulating_supply"],
                "last_updated_at": updated,
                "answered_at": moment,
            }
        )
    return market, whole


@pytest.fixture
def sandboxed(database: Database) -> Database:
    """Weeks of snapshots, with some days around them that are needed to tell of the first and the last date."""
    for day in dates(FIRST - timedelta(days=3), LAST + timedelta(days=3)):
        put(database, *snapshot_of(day))
    return database


def found(database: Database) -> set[tuple[date, str, str]]:
    table = tables.market_flags
    query = select(table.c.date, table.c.asset_id, table.c.flag).where(table.c.date.between(FIRST, LAST))
    with database.connect() as connection:
        return {tuple(row) for row in connection.execute(query)}


def planted() -> set[tuple[date, str, str]]:
    told = planted_oddities(SandboxOptions(coins=60, rehypothecated=6, oddities=True), FIRST, LAST)
    return {(oddity.date, oddity.coin_id, oddity.kind) for oddity in told}


@on_sqlite
def test_exactly_what_is_planted_is_flagged_and_no_hundredfold_riser_is(sandboxed: Database) -> None:
    follow_market(sandboxed, market_flags(Thresholds(candle_off_pct=0.0)), NOW, rebuild=ALWAYS)
    rows = {row for row in found(sandboxed) if row[2] != CANDLE_OUTSIDE}
    assert rows == {row for row in planted() if row[2] != CANDLE_OUTSIDE}
    assert {flag for *_, flag in rows} == {"stale", "spike", "cap_not_supply", "volume_above_cap"}
    assert not {coin for _, coin, _ in rows} & set(RISES)


@on_sqlite
def test_exactly_the_candles_that_are_planted_lie_inside_of_their_ends(sandboxed: Database) -> None:
    build(sandboxed, DAILY_CANDLES)
    table = tables.daily_candles
    with sandboxed.connect() as connection:
        candles = connection.execute(select(table).where(table.c.date.between(FIRST, LAST))).all()
    whole = {(row.date, row.asset_id): row for row in candles if None not in (row.open_usd, row.close_usd)}
    outside = {key for key, row in whole.items() if row.quality.endswith("outside")}
    told = {(day, coin) for day, coin, kind in planted() if kind == CANDLE_OUTSIDE}
    assert outside == told & whole.keys()
    assert len(outside) > 20
    # The row is flagged whose price it is, where it is as far outside as asked for.
    follow_market(sandboxed, market_flags(Thresholds(candle_off_pct=0.0)), NOW, rebuild=ALWAYS)
    flagged = {(day, coin) for day, coin, flag in found(sandboxed) if flag == CANDLE_OUTSIDE}
    for day, coin in flagged:
        assert {(day, coin), (day - timedelta(days=1), coin)} & outside or day == FIRST
    for day, coin in outside:
        assert {(day, coin), (day + timedelta(days=1), coin)} & flagged or day == LAST
    follow_market(sandboxed, market_flags(Thresholds()), NOW, rebuild=ALWAYS)
    assert not {row for row in found(sandboxed) if row[2] == CANDLE_OUTSIDE}, "a tenth of a percent is nothing odd"
