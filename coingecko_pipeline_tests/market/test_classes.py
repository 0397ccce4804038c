"""Which coins count twice, by date, from the ranks of their snapshots."""

from collections.abc import Mapping
from datetime import date, timedelta

import pyarrow as pa
from sqlalchemy import Connection, insert, select

from coingecko_pipeline import tables
from coingecko_pipeline.market.changes import Change
from coingecko_pipeline.market.classes import BEFORE_ALL, FOREVER, note_classes
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.archive.answering import moment_of

DAY = date(2026, 3, 9)
Ranks = tuple[int | None, int | None]
REGULAR: Ranks = (5, 7)
TWICE: Ranks = (None, 7)
UNKNOWN: Ranks = (None, None)


def see(database: Database, day: date, coins: Mapping[str, Ranks]) -> list[Change]:
    """Take a snapshot of a day, which tells the ranks of some coins."""
    columns = {
        "asset_id": list(coins),
        "market_cap_rank": pa.array([ranks[0] for ranks in coins.values()], pa.int32()),
        "market_cap_rank_with_rehypothecated": pa.array([ranks[1] for ranks in coins.values()], pa.int32()),
    }

    def work(connection: Connection) -> list[Change]:
        names = ("market_cap_rank", "market_cap_rank_with_rehypothecated")
        connection.execute(
            insert(tables.market_snapshots),
            [
                {
                    "date": day,
                    "asset_id": coin,
                    "answered_at": moment_of(day, 60),
                    **dict(zip(names, ranks, strict=True)),
                }
                for coin, ranks in coins.items()
            ],
        )
        return note_classes(connection, day, pa.table(columns))

    return database.run_in_transaction(work)


def rows_of(database: Database, coin: str, *days: date) -> None:
    """Store rows of a coin in the daily market."""
    rows = [{"date": day, "asset_id": coin, "price_usd": 1.0, "source": tables.CHART} for day in days]
    with database.transaction() as connection:
        connection.execute(insert(tables.daily_market), rows)


def told(database: Database) -> list[tuple[str, date, date]]:
    table = tables.rehypothecated_assets
    query = select(table).order_by(table.c.asset_id, table.c.first_on)
    return [tuple(row) for row in database.run_reading(lambda connection: connection.execute(query).all())]


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def test_the_first_snapshot_tells_of_every_date_before_it(database: Database) -> None:
    see(database, DAY, {"bitcoin": REGULAR, "wrapped": TWICE, "tiny": UNKNOWN})
    assert told(database) == [("wrapped", BEFORE_ALL, FOREVER)]


def test_a_coin_without_a_rank_stays_what_it_was(database: Database) -> None:
    see(database, DAY, {"wrapped": TWICE})
    see(database, after(1), {"wrapped": UNKNOWN})
    assert told(database) == [("wrapped", BEFORE_ALL, FOREVER)]


def test_between_two_dates_that_tell_different_things_the_nearer_one_counts(database: Database) -> None:
    see(database, DAY, {"a": REGULAR, "b": TWICE})
    see(database, after(3), {"a": TWICE, "b": REGULAR})
    assert told(database) == [("a", after(2), FOREVER), ("b", BEFORE_ALL, after(1))]
    see(database, after(4), {"a": REGULAR, "b": TWICE})
    assert told(database) == [("a", after(2), after(3)), ("b", BEFORE_ALL, after(1)), ("b", after(4), FOREVER)]


def test_the_stored_dates_of_a_coin_whose_class_has_changed_are_told(database: Database) -> None:
    rows_of(database, "wrapped", after(-700), after(-1))
    rows_of(database, "bitcoin", after(-700))
    name = "rehypothecated_assets"
    coins = {"bitcoin": REGULAR, "wrapped": TWICE, "without-rows": TWICE}
    assert see(database, DAY, coins) == [Change(name, after(-700), after(-1), "wrapped")]
    rows_of(database, "wrapped", after(1), after(2))
    assert see(database, after(1), coins) == []
    assert see(database, after(2), {"wrapped": REGULAR}) == [Change(name, after(2), after(2), "wrapped")]
