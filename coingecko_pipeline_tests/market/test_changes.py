"""The change log: numbers ascend as they are committed, and who follows misses none."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from coingecko_pipeline.market.changes import (
    KEPT,
    Change,
    FollowedTable,
    changes_after,
    followed_number,
    forget_followed,
    latest_change,
    log_changes,
    set_followed,
)
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, back
from coingecko_pipeline_tests.databases import on_servers
from coingecko_pipeline_tests.running import rows_of

DAY = Change("daily_market", TODAY, TODAY)
COIN = Change("daily_market", back(9), back(2), "x ")
HOUR = Change("hourly_market", TODAY, TODAY)


def log(database: Database, *changes: Change) -> None:
    database.run_in_transaction(lambda connection: log_changes(connection, changes, lambda: NIGHT))


def test_changes_are_numbered_one_by_one_and_told_by_table(database: Database) -> None:
    log(database, DAY, COIN)
    log(database)
    log(database, HOUR)
    log(database, DAY)
    new = changes_after(database, "daily_market", 0)
    assert (new.number, new.changes) == (4, (DAY, COIN, DAY))
    assert changes_after(database, "daily_market", 1).changes == (COIN, DAY)
    assert changes_after(database, "hourly_market", 3).changes == ()
    assert latest_change(database) == 4


def test_an_empty_log_has_no_change(database: Database) -> None:
    assert latest_change(database) == 0
    assert changes_after(database, "daily_market", 0).changes == ()


def test_a_transaction_that_is_undone_leaves_no_number_out(database: Database) -> None:
    log(database, DAY)

    def undone(connection: Connection) -> None:
        log_changes(connection, [DAY])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.run_in_transaction(undone)
    log(database, COIN)
    assert rows_of(database, "SELECT number FROM market_changes ORDER BY number") == [(1,), (2,)]


@on_servers
def test_a_higher_number_is_never_there_before_a_lower_one(database: Database) -> None:
    log(database, DAY)
    other = Database(database.url.render_as_string(hide_password=False))
    second = threading.Thread(target=log, args=(other, COIN))
    with database.transaction() as connection:
        log_changes(connection, [DAY])
        second.start()
        second.join(0.3)
        assert latest_change(database) == 1, "the second did not wait for the first"
    second.join(30)
    other.dispose()
    assert changes_after(database, "daily_market", 1).changes == (DAY, COIN)


def test_how_far_a_table_has_followed_is_kept_by_its_source(database: Database) -> None:
    for number in (3, 7):
        database.run_in_transaction(
            lambda connection, number=number: set_followed(connection, "weekly_market", "coingecko", number, NIGHT)  # type: ignore[misc]
        )
    assert followed_number(database, "weekly_market", "coingecko") == 7
    assert followed_number(database, "weekly_market", "coinpaprika") is None


def test_only_what_every_table_has_followed_and_is_old_is_forgotten(database: Database) -> None:
    log(database, DAY, COIN, DAY)
    followers = [FollowedTable(2, NIGHT), FollowedTable(3, NIGHT)]
    later = NIGHT + KEPT + timedelta(days=1)
    assert forget_followed(database, "daily_market", [], later) == 0, "nobody has followed"
    assert forget_followed(database, "daily_market", followers, NIGHT) == 0, "they are young"
    assert forget_followed(database, "daily_market", followers, later) == 2
    log(database, COIN)
    assert rows_of(database, "SELECT number FROM market_changes ORDER BY number") == [(3,), (4,)]
