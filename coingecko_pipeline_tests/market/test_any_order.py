"""Any sequence of answers, snapshots, crashes and tries: nothing gets less, and verify mends what is planted."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coingecko_pipeline import tables
from coingecko_pipeline.archive.answers import ChartRecord, Outcome
from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.charts import ChartWriter
from coingecko_pipeline.market.verify import coins_with_lost_rows, verify_market
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.upsert import upsert_rows
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, answer_of, back, moment_of
from coingecko_pipeline_tests.market.stocking import Rows, archive, change_rows, market_of
from coingecko_pipeline_tests.unreliable import UnreliableDatabase

DAYS = 6
ALL = DateRange(back(DAYS), TODAY + timedelta(days=8))


@dataclass(frozen=True)
class Snapshot:
    """A snapshot's row of a coin."""

    coin: str
    day: date
    price: float | None
    cap: float | None


@dataclass(frozen=True)
class Answered:
    """An answer, and whether the run lives on to write it, and what its transaction meets."""

    record: ChartRecord
    survives: bool
    failure: str


coins = st.sampled_from(["x", "y"])
days = st.integers(0, DAYS).map(back)
numbers = st.sampled_from([None, 0.0, 0.1, 1e300, 5e-324, 2.0])
values = st.tuples(numbers, numbers, numbers)
charts = st.builds(
    lambda coin, points, late, asked, hours: answer_of(
        coin, points, days=asked, at=NIGHT + timedelta(hours=hours), seconds=dict.fromkeys(late, 321.5)
    ),
    coins,
    st.dictionaries(days, values, max_size=DAYS),
    st.sets(days),
    st.integers(1, DAYS),
    st.integers(0, 72),
)
failures = st.builds(
    ChartRecord,
    coins,
    st.just(365),
    st.just(NIGHT),
    st.sampled_from([outcome for outcome in Outcome if outcome is not Outcome.VALUES]),
)
answers = st.builds(Answered, charts | failures, st.booleans(), st.sampled_from(["", "", "deadlocks", "lost_commits"]))
events = st.lists(answers | st.builds(Snapshot, coins, days, numbers, numbers), max_size=10)


def empty(database: Database) -> None:
    with database.transaction() as connection:
        for table in (tables.metadata.tables[name] for name in tables.MAIN_TABLES):
            connection.execute(table.delete())


def take(database: Database, event: Answered | Snapshot) -> None:
    if isinstance(event, Snapshot):
        row: dict[str, Any] = {
            "date": event.day,
            "asset_id": event.coin,
            "price_usd": event.price,
            "volume_24h_usd": None,
            "market_cap_usd": event.cap,
            "source": tables.SNAPSHOT,
            "observed_at": moment_of(event.day, 60),
        }
        with database.transaction() as connection:
            connection.execute(upsert_rows(tables.daily_market, connection.dialect), [row])
        return
    way = UnreliableDatabase(database)
    stored = archive(database, event.record)
    if event.survives and event.record.outcome is Outcome.VALUES:
        if event.failure:
            setattr(way, event.failure, 1)
        ChartWriter(way).write([stored])
    way.dispose()


def is_no_less(after: Rows, before: Rows) -> bool:
    for key, row in before.items():
        now = after[key]
        if any(new is None for new, old in zip(now[:3], row[:3], strict=True) if old is not None):
            return False
        if row[3] == tables.CHART and now[3] != tables.CHART:
            return False
    return True


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sequence=events, planted=st.sampled_from(["", "missing", "different", "surplus"]), where=st.integers(0, 100))
def test_nothing_gets_less_and_what_the_archive_says_is_what_is_stored(
    database: Database, sequence: list[Answered | Snapshot], planted: str, where: int
) -> None:
    empty(database)
    for event in sequence:
        before, covered = market_of(database), read_coverage(database)
        take(database, event)
        assert is_no_less(market_of(database), before)
        for coin, known in read_coverage(database).items():
            assert coin not in covered or known.covered.covers(covered[coin].covered)
            assert coin not in covered or known.points.covers(covered[coin].points)
    assert verify_market(database).is_clean, "also before the next run wrote what a crash left"
    before = market_of(database)
    ChartWriter(database).write_unwritten()
    stored = market_of(database)
    assert is_no_less(stored, before)
    assert verify_market(database).is_clean
    coverage = read_coverage(database)
    assert coins_with_lost_rows(database, coverage, ALL) == []
    is_planted = plant(database, planted, where)
    found = verify_market(database)
    verify_market(database, repair=True)
    assert verify_market(database).is_clean
    assert set(market_of(database)) == set(stored)
    if not any(isinstance(event, Snapshot) for event in sequence):
        # What only a snapshot gave, no archived chart can give back.
        assert found.is_clean == (not is_planted)
        assert market_of(database) == stored


def plant(database: Database, kind: str, where: int) -> bool:
    """Take away, change or add a chart's row, where there is one; whether there was."""
    market, coverage = market_of(database), read_coverage(database)
    rows = sorted(key for key, row in market.items() if row[3] == tables.CHART and row[0] is not None)
    free = [
        (coin, day)
        for coin, known in sorted(coverage.items())
        for dates in known.covered
        for day in dates
        if day not in known.points and (coin, day) not in market
    ]
    candidates = free if kind == "surplus" else rows
    if not kind or not candidates:
        return False
    coin, day = candidates[where % len(candidates)]
    statement = {
        "missing": f"DELETE FROM daily_market WHERE asset_id = '{coin}' AND date = '{day}'",
        "different": f"UPDATE daily_market SET price_usd = 7.5 WHERE asset_id = '{coin}' AND date = '{day}'",
        "surplus": f"INSERT INTO daily_market (date, asset_id, source) VALUES ('{day}', '{coin}', 'chart')",
    }
    change_rows(database, [statement[kind]])
    return True
