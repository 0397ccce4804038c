"""Any answer ends as stored as received, NULL and counted, an outcome that is noted, or one error: never as less."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.charts import ChartResult
from coingecko_pipeline.acquisition.planning import Request
from coingecko_pipeline.acquisition.snapshot import acquire_snapshot
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.asset_list.entries import read_entries
from coingecko_pipeline.market.verify import verify_market
from coingecko_pipeline.market.whole_rows import upsert_whole_rows
from coingecko_pipeline.sources.coingecko.charts import SERIES
from coingecko_pipeline.sources.coingecko.responses import MARKET_FIELDS
from coingecko_pipeline.sources.errors import SourceError
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.acquisition.asking import Watched, client_of, fetch
from coingecko_pipeline_tests.archive.answering import back
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import Answer, FakeMarket, FakeServer, daily_chart, market_row
from coingecko_pipeline_tests.market.stocking import market_of
from coingecko_pipeline_tests.orchestration.assets.conftest import stock
from coingecko_pipeline_tests.sources.test_market_page import JSON

DAY = date(2026, 3, 9)
COINS = tuple(f"coin-{number:02d}" for number in range(20))

# The database is emptied by each example itself, and each costs some transactions.
on_one_database = settings(max_examples=30, suppress_health_check=list(HealthCheck))


def empty(database: Database) -> None:
    with database.transaction() as connection:
        for table in tables.metadata.tables.values():
            if table.name in tables.MAIN_TABLES - {tables.market_change_counter.name, tables.declared_views.name}:
                connection.execute(table.delete())


def take_into(database: Database, server: FakeServer | FakeMarket) -> list[str]:
    """Take today's market and write its whole rows; the coins that have one."""
    acquisition = acquire_snapshot(Request(DateRange(DAY, DAY)), database, client_of(server, "analyst"), Watched())
    table = tables.market_snapshots
    for _ in acquisition.frames:
        with database.transaction() as connection:
            upsert_whole_rows(database, connection, table, DAY, acquisition.taken())
    return sorted(database.run_reading(lambda connection: connection.scalars(select(table.c.asset_id)).all()))


def put(row: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at the path of a field, as `roi.times`."""
    *parents, name = path.split(".")
    for parent in parents:
        row = row.setdefault(parent, {})
    row[name] = value


@on_sqlite
@on_one_database
@given(path=st.sampled_from([*(field.path for field in MARKET_FIELDS.values()), "roi"]), value=JSON)
def test_any_value_in_any_field_of_a_market_costs_that_value_alone(database: Database, path: str, value: Any) -> None:
    empty(database)
    stock(database, COINS)
    rows = [market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in COINS]
    put(rows[7], path, value)
    assert take_into(database, FakeMarket(rows=rows)) == list(COINS)
    table = tables.market_snapshots
    query = select(func.count()).where(table.c.price_usd == 1.0, table.c.market_cap_usd == 5.0)
    assert database.run_reading(lambda connection: connection.execute(query).scalar_one()) >= len(COINS) - 1


class Pages(FakeServer):
    """Pages as they are given, and each coin by its id."""

    def __init__(self, pages: Sequence[Sequence[str]]) -> None:
        super().__init__(self._page)
        self._pages = pages

    def _page(self, request: requests.PreparedRequest) -> Answer:
        if (request.url or "").endswith("/key"):
            return Answer({"current_total_monthly_calls": 0})
        query = parse_qs(urlsplit(request.url or "").query)
        number = int(query["page"][0]) - 1
        coins = query["ids"][0].split(",") if "ids" in query else [*self._pages[number : number + 1], []][0]
        return Answer([market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in coins])


@on_sqlite
@on_one_database
@given(
    pages=st.lists(st.lists(st.sampled_from(COINS), max_size=6), min_size=1, max_size=12).filter(lambda pages: pages[0])
)
def test_pages_in_any_order_with_any_repetition_and_omission_bring_every_coin_of_the_list(
    database: Database, pages: list[list[str]]
) -> None:
    empty(database)
    stock(database, COINS)
    assert take_into(database, Pages(pages)) == list(COINS)


CHART = daily_chart(back(9), range(1, 11))
POINTS = len(CHART["prices"])


def stored_after(database: Database, charts: Sequence[Any]) -> list[dict[Any, Any]]:
    """What the market has after each of some charts of one coin, beside another coin that is well."""
    states = []
    for chart in charts:
        fetch(database, client_of(FakeMarket({"well": CHART, "odd": chart})), ["well", "odd"])
        states.append(market_of(database))
    return states


@on_sqlite
@on_one_database
@given(
    name=st.sampled_from([*SERIES.values(), "another"]),
    index=st.integers(0, POINTS - 1),
    place=st.sampled_from(["time", "value", "point", "series"]),
    value=JSON,
)
def test_any_value_anywhere_in_a_chart_costs_at_most_its_coin_and_nothing_that_is_stored(
    database: Database, name: str, index: int, place: str, value: Any
) -> None:
    empty(database)
    odd: dict[str, Any] = json.loads(json.dumps({**CHART, "another": CHART["prices"]}))
    if place == "series":
        odd[name] = value
    elif place == "point":
        odd[name][index] = value
    else:
        odd[name][index][place == "value"] = value
    before, after = stored_after(database, [CHART, odd])
    assert after.keys() >= before.keys()
    assert all(after[key] == row for key, row in before.items() if key[0] == "well")
    assert verify_market(database).is_clean


@on_sqlite
@on_one_database
@given(order=st.lists(st.integers(0, POINTS - 1), max_size=2 * POINTS))
def test_points_in_any_order_with_any_repetition_and_omission_never_leave_less(
    database: Database, order: list[int]
) -> None:
    empty(database)
    odd = {name: [points[index] for index in order] for name, points in CHART.items()}
    before, after = stored_after(database, [CHART, odd])
    dates = {key for key in before if key[0] == "odd"}
    assert {key: after[key][:3] for key in dates} == {key: before[key][:3] for key in dates}
    assert verify_market(database).is_clean


@on_sqlite
@on_one_database
@given(document=JSON)
def test_any_document_in_the_place_of_an_answer_is_an_error_and_nothing_is_lost(
    database: Database, document: Any
) -> None:
    empty(database)
    stock(database, COINS)
    server = FakeServer(lambda _request: Answer(document))
    for act in (lambda: take_into(database, server), lambda: fetch(database, client_of(server), ["a"], ChartResult())):
        if (error := error_of(act)) is not None:
            assert str(error).strip()
            assert "\n" not in str(error)


def error_of(act: Callable[[], object]) -> SourceError | None:
    try:
        act()
    except SourceError as error:
        return error
    return None


TEXT = st.text(max_size=300) | JSON


@on_sqlite
@on_one_database
@given(texts=st.lists(st.fixed_dictionaries({"id": TEXT, "symbol": TEXT, "name": TEXT, "platforms": JSON}), max_size=5))
def test_any_text_as_id_name_and_symbol_is_stored_as_received_or_set_aside(
    database: Database, texts: list[dict[str, Any]]
) -> None:
    empty(database)
    listed = read_entries(json.loads(json.dumps(texts)))
    table = tables.raw_asset_list
    rows = [{**asdict(asset), "fetched_at": datetime(2026, 3, 9, tzinfo=UTC)} for asset in listed.assets]
    with database.transaction() as connection:
        for row in rows:
            connection.execute(table.insert().values(**row))
        stored = {row.asset_id: row for row in connection.execute(select(table))}
    assert len(stored) + len(listed.set_aside) == len(texts)
    for entry in texts:
        if isinstance(entry["id"], str) and entry["id"] in stored and isinstance(entry["name"], str):
            assert stored[entry["id"]].asset_id == entry["id"]
