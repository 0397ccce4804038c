"""What a snapshot's page does beside its rows: the coverage of its coins, the log, and a snapshot taken again."""

from datetime import date, timedelta

import pandas as pd
from sqlalchemy import Connection

from coingecko_pipeline import tables
from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.changes import Change, changes_after
from coingecko_pipeline.market.snapshots import hour_transaction, snapshot_transaction
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, answer_of, back, moment_of, prices
from coingecko_pipeline_tests.market.stocking import market_of, write


def take(database: Database, day: date, coins: dict[str, float], seconds: float = 60, *, again: bool = False) -> None:
    """Write a page of a day's snapshot, read so many seconds after midnight."""
    frame = pd.DataFrame(
        {
            "date": pd.Timestamp(day),
            "asset_id": list(coins),
            "price_usd": list(coins.values()),
            "volume_24h_usd": 1.0,
            "market_cap_usd": 2.0,
            "source": tables.SNAPSHOT,
            "observed_at": pd.Timestamp(moment_of(day, seconds)),
        }
    )
    rows = to_arrow(tables.daily_market, frame)
    around = snapshot_transaction(day, again=again, now=lambda: NIGHT)

    def work(connection: Connection) -> None:
        with around(connection, rows):
            TableWriter(database, tables.daily_market).upsert_in(connection, rows)

    database.run_in_transaction(work)


def test_a_page_lengthens_the_run_of_snapshots_of_the_coins_that_were_asked_for(database: Database) -> None:
    write(database, answer_of("x", prices(9, 5), at=NIGHT - timedelta(days=5)))
    runs = []
    for day in (4, 3, 3, 1, 0, 2):
        take(database, back(day), {"x": 1.0, "never asked for": 1.0})
        runs.append(read_coverage(database)["x"].snapshots)
    assert runs == [
        DateRange(back(4), back(4)),
        DateRange(back(4), back(3)),
        DateRange(back(4), back(3)),
        DateRange(back(1), back(1)),
        DateRange(back(1), TODAY),
        DateRange(back(1), TODAY),
    ]
    assert set(read_coverage(database)) == {"x"}


def test_a_later_chart_keeps_the_run_of_snapshots(database: Database) -> None:
    write(database, answer_of("x", prices(9, 5), at=NIGHT - timedelta(days=5)))
    take(database, TODAY, {"x": 1.0})
    write(database, answer_of("x", prices(9, 0)))
    assert read_coverage(database)["x"].snapshots == DateRange(TODAY, TODAY)


def test_each_page_is_a_change_of_its_date_for_all_coins(database: Database) -> None:
    take(database, TODAY, {"x": 1.0})
    take(database, TODAY, {"y": 1.0})
    assert changes_after(database, "daily_market", 0).changes == (Change("daily_market", TODAY, TODAY),) * 2


def test_of_two_snapshots_the_nearer_to_midnight_stays_unless_it_is_taken_again(database: Database) -> None:
    write(database, answer_of("charted", {TODAY: 7.0}))
    take(database, TODAY, {"x": 1.0, "charted": 1.0}, seconds=120)
    take(database, TODAY, {"x": 2.0, "charted": 2.0}, seconds=64_800)
    assert market_of(database)["x", TODAY][0] == 1.0
    take(database, TODAY, {"x": 3.0}, seconds=64_800, again=True)
    assert market_of(database)["x", TODAY][0] == 3.0
    take(database, TODAY, {"x": 4.0, "charted": 4.0}, seconds=64_900, again=True)
    assert market_of(database)["x", TODAY][:1] == (4.0,)
    assert market_of(database)["charted", TODAY][::3] == (7.0, "chart")


def test_an_hour_is_a_change_of_the_hourly_market(database: Database) -> None:
    rows = to_arrow(
        tables.hourly_market,
        pd.DataFrame(
            {
                "hour_at": [pd.Timestamp(NIGHT)],
                "asset_id": ["x"],
                "price_usd": [1.0],
                "volume_24h_usd": [1.0],
                "market_cap_usd": [1.0],
                "observed_at": [pd.Timestamp(NIGHT)],
            }
        ),
    )

    def work(connection: Connection) -> None:
        with hour_transaction(NIGHT, now=lambda: NIGHT)(connection, rows):
            TableWriter(database, tables.hourly_market).upsert_in(connection, rows)

    database.run_in_transaction(work)
    assert changes_after(database, "hourly_market", 0).changes == (Change("hourly_market", TODAY, TODAY),)
