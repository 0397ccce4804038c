"""Coins that were gone before the first list: known on paid plans once a month, with their charts."""

from datetime import timedelta

from sqlalchemy import select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.history import acquire_history
from coingecko_pipeline.acquisition.planning import Request
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.asset_list.inactive import note_inactive_coins
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.acquisition.asking import Watched, client_of
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, back
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import FakeMarket, daily_chart
from coingecko_pipeline_tests.market.stocking import market_of
from coingecko_pipeline_tests.orchestration.assets.conftest import stock


def lists_asked(market: FakeMarket) -> int:
    return sum(path.endswith("/coins/list") for path in market.server.paths)


@on_sqlite
def test_on_a_paid_plan_coins_that_are_gone_become_known_and_their_charts_are_completed_last(
    database: Database,
) -> None:
    stock(database, ("bitcoin",))
    charts = {"bitcoin": daily_chart(back(9), range(1, 11)), "luna": daily_chart(back(9), range(1, 5))}
    market = FakeMarket(charts)
    market.inactive = ["luna", "bitcoin"]
    client = client_of(market, "analyst")
    assert note_inactive_coins(database, client) == 1
    request = Request(DateRange(back(9), TODAY), complete_history=True)
    acquire_history(request, database, client, Watched()).run()
    assert sorted(market.charts_asked) == ["bitcoin", "luna"]
    assert {coin for coin, _ in market_of(database)} == {"bitcoin", "luna"}
    assets = tables.assets.c
    with database.connect() as connection:
        active = connection.execute(select(assets.asset_id, assets.is_active).order_by(assets.asset_id)).all()
    assert [tuple(row) for row in active] == [("bitcoin", True), ("luna", False)]


@on_sqlite
def test_they_are_asked_for_once_a_month(database: Database) -> None:
    stock(database, ("bitcoin",))
    market = FakeMarket()
    for days, asked in ((0, 1), (1, 1), (29, 1), (30, 2)):
        note_inactive_coins(database, client_of(market, "analyst", now=NIGHT + timedelta(days=days)))
        assert lists_asked(market) == asked


@on_sqlite
def test_a_free_plan_is_not_asked_for_them(database: Database) -> None:
    stock(database, ("bitcoin",))
    market = FakeMarket()
    market.inactive = ["luna"]
    assert note_inactive_coins(database, client_of(market, "demo")) == 0
    assert lists_asked(market) == 0
