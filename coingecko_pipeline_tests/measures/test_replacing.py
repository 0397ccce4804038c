"""A range that is made anew: as a whole, by itself, and not at all where the database refuses."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, literal, select, text
from sqlalchemy.exc import IntegrityError

from coingecko_pipeline import tables
from coingecko_pipeline.measures import Part, replace_range, select_global_market
from coingecko_pipeline.measures.replacing import DAYS_OF_A_PART, MEMORY, PARTS_AT_ONCE
from coingecko_pipeline.tables import global_market_daily
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_servers
from coingecko_pipeline_tests.measures.charts import planted, store, stored

FIRST = date(2025, 1, 1)


def twice_one_date(part: Part) -> Select[Any]:
    """Rows that the table cannot take: each of the coins' dates as often as there are coins."""
    whole = select_global_market(part).subquery()
    coins = select(tables.daily_market.c.asset_id).distinct().subquery()
    return select(*whole.columns).select_from(whole.join(coins, literal(True)))


def test_what_the_database_refuses_leaves_the_old_rows(database: Database) -> None:
    store(database, {"a": planted(FIRST, range(1, 11)), "b": planted(FIRST, range(1, 11))})
    last = FIRST + timedelta(days=9)
    replace_range(database, global_market_daily, select_global_market, FIRST, last)
    before = stored(database, global_market_daily)
    with pytest.raises(IntegrityError):
        replace_range(database, global_market_daily, twice_one_date, FIRST, last)
    assert stored(database, global_market_daily).equals(before)
    assert len(before) == 10


def test_a_long_range_is_made_in_parts_that_touch_and_do_not_overlap(database: Database) -> None:
    days = 2 * DAYS_OF_A_PART + 3
    store(database, {"coin": planted(FIRST, range(1, days + 11))})
    asked: list[Part] = []

    def rows(part: Part) -> Select[Any]:
        asked.append(part)
        return select_global_market(part)

    made = replace_range(database, global_market_daily, rows, FIRST, FIRST + timedelta(days=days - 1))
    assert list(made.values()) == [1] * days
    asked.sort(key=lambda part: part.first)
    assert [(part.last - part.first).days + 1 for part in asked] == [DAYS_OF_A_PART, DAYS_OF_A_PART, 3]
    assert [part.first for part in asked[1:]] == [part.last + timedelta(days=1) for part in asked[:-1]]
    batch_starts = {part.first for part in asked[:: PARTS_AT_ONCE[database.kind]]}
    assert {part.computed_before for part in asked} == batch_starts


@on_servers
def test_the_session_has_its_own_limits_again(database: Database) -> None:
    store(database, {"coin": planted(FIRST, [1, 2])})
    replace_range(database, global_market_daily, select_global_market, FIRST, FIRST)
    with database.connect() as connection:
        for name in MEMORY:
            session, server = connection.execute(text(f"SELECT @@session.{name}, @@global.{name}")).one()
            assert session == server
