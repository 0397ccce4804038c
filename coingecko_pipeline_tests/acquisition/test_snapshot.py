"""Today's market: what is a row of today, what is stale, and which page came too late."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
import requests
from sqlalchemy import select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.planning import AcquisitionError, Request
from coingecko_pipeline.acquisition.snapshot import acquire_snapshot
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.errors import BrokenAnswer
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.acquisition.asking import Watched, client_of
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeMarket, FakeServer, market_row
from coingecko_pipeline_tests.orchestration.assets.conftest import stock

DAY = date(2026, 3, 9)
PAGE = 250


def take(database: Database, client: CoinGecko, **request: Any) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    """The rows of a snapshot, and what came of it."""
    acquisition = acquire_snapshot(Request(DateRange(DAY, DAY), **request), database, client, Watched())
    frames = list(acquisition.frames)
    return (pd.concat(frames) if frames else pd.DataFrame({"asset_id": []})), acquisition.facts()


@on_sqlite
def test_a_value_of_years_ago_is_kept_as_received_and_marked_as_stale(database: Database) -> None:
    stock(database, ("old", "edge", "fresh", "unknown"))
    rows = [
        market_row("old", 1.0, 5e9, "2023-05-01T10:00:00Z"),
        market_row("edge", 1.0, 5.0, "2026-03-08T00:00:00Z"),
        market_row("fresh", 1.0, 5.0, "2026-03-09T00:01:00Z"),
        {**market_row("unknown", 1.0, 5.0, "x"), "last_updated": None},
    ]
    frame, _ = take(database, client_of(FakeMarket(rows=rows)))
    told = frame.set_index("asset_id")
    assert told["source"].to_dict() == {
        "old": "stale",
        "edge": "snapshot",
        "fresh": "snapshot",
        "unknown": "snapshot",
    }
    assert told.loc["old", "observed_at"] == pd.Timestamp("2023-05-01T10:00:00Z")
    assert told.loc["old", "market_cap_usd"] == 5e9
    assert set(frame["date"]) == {pd.Timestamp(DAY)}


@on_sqlite
@pytest.mark.parametrize("whole", [True, False], ids=["of every coin", "of the largest"])
def test_a_page_that_is_asked_for_after_the_next_midnight_gives_no_row_and_ends_it(
    database: Database, whole: bool
) -> None:
    coins = [f"coin-{number:04d}" for number in range(5 * PAGE)]
    stock(database, tuple(coins))
    clock = FakeClock(datetime(2026, 3, 9, 23, 50, tzinfo=UTC))
    market = FakeMarket(rows=[market_row(coin, 1.0, 5.0, "2026-03-09T23:00:00Z") for coin in coins])

    def slow(request: requests.PreparedRequest) -> Answer:
        clock.sleep(240)
        return market._answer(request)

    server = FakeServer(slow)
    client = client_of(server, "keyless", clock)
    frame, facts = take(database, client, **({} if whole else {"top": 4 * PAGE}))
    # Asked for at 23:50, 23:54 and 23:58; the fourth at 00:02.
    assert len(frame) == 3 * PAGE
    assert set(frame["date"]) == {pd.Timestamp(DAY)}
    assert facts["pages_too_late"] == 1
    assert facts["coins_left"] == (2 * PAGE if whole else PAGE)
    assert len(server.requests) == 4
    assert facts["calls"] == 4


@on_sqlite
def test_a_day_whose_first_page_came_too_late_has_no_row_and_is_no_broken_answer(database: Database) -> None:
    stock(database, ("a",))
    clock = FakeClock(datetime(2026, 3, 9, 23, 59, 59, tzinfo=UTC))
    market = FakeMarket(rows=[market_row("a", 1.0, 5.0, "2026-03-09T23:00:00Z")])
    client = client_of(market, clock=clock)
    acquisition = acquire_snapshot(Request(DateRange(DAY, DAY)), database, client, Watched())
    clock.sleep(2)
    assert list(acquisition.frames) == []
    assert (acquisition.facts()["pages_too_late"], acquisition.facts()["coins_left"]) == (1, 1)


@on_sqlite
def test_pages_without_a_coin_and_an_installation_without_coins_are_told(database: Database) -> None:
    with pytest.raises(AcquisitionError, match="no active coin yet"):
        take(database, client_of(FakeMarket()))
    stock(database, ("a",))
    with pytest.raises(BrokenAnswer, match="no coin"):
        take(database, client_of(FakeMarket()))


@on_sqlite
def test_no_more_pages_are_asked_for_than_max_calls_says(database: Database) -> None:
    coins = [f"coin-{number:04d}" for number in range(3 * PAGE)]
    stock(database, tuple(coins))
    market = FakeMarket(rows=[market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in coins])
    frame, facts = take(database, client_of(market), max_calls=2)
    assert (len(frame), facts["calls"], facts["coins_left"]) == (2 * PAGE, 2, PAGE)


def missing_of(database: Database) -> dict[str, str]:
    """Why a coin of the list has no row of the day, by coin."""
    table = tables.missing_coins
    query = select(table.c.asset_id, table.c.reason).where(table.c.date == DAY)
    rows = database.run_reading(lambda connection: connection.execute(query).all())
    return {row.asset_id: row.reason for row in rows}


class Absent(FakeMarket):
    """A market whose pages lack some coins that it serves by their ids, and others that it does not serve at all."""

    def __init__(self, pages: Iterable[str], by_id: Iterable[str]) -> None:
        super().__init__(rows=[market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in pages])
        self._hidden = [market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in by_id]
        self.ids_asked: list[list[str]] = []

    def _answer(self, request: requests.PreparedRequest) -> Answer:
        ids = parse_qs(urlsplit(request.url or "").query).get("ids")
        if ids is None:
            return super()._answer(request)
        self.ids_asked.append(ids[0].split(","))
        return Answer([row for row in self._hidden if row["id"] in self.ids_asked[-1]])


@on_sqlite
def test_coins_that_no_page_had_are_asked_for_by_their_ids_and_the_others_are_told(database: Database) -> None:
    stock(database, ("a", "b", "c", "d"))
    market = Absent(["a", "b"], ["c"])
    frame, facts = take(database, client_of(market))
    assert sorted(frame["asset_id"]) == ["a", "b", "c"]
    assert market.ids_asked == [["c", "d"]]
    assert facts["missing"] == {"not_served": 1}
    assert missing_of(database) == {"d": "not_served"}


@on_sqlite
def test_as_many_are_asked_for_by_their_ids_as_the_days_reserve_bears(database: Database) -> None:
    # A call takes 250 ids; the list of 1,500 coins reserves seven pages and a call more, and the fourth page is empty.
    coins = [f"coin-{number:04d}" for number in range(6 * PAGE)]
    stock(database, tuple(coins))
    market = Absent(coins[:700], coins)
    frame, facts = take(database, client_of(market, "demo"))
    assert facts["calls"] == 4 + len(market.ids_asked)
    assert len(frame) == len(coins)
    assert missing_of(database) == {}


@on_sqlite
def test_coins_that_no_call_was_left_for_are_told_as_not_asked_for(database: Database) -> None:
    coins = [f"coin-{number:04d}" for number in range(3 * PAGE)]
    stock(database, tuple(coins))
    market = FakeMarket(rows=[market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in coins])
    _, facts = take(database, client_of(market), max_calls=2)
    assert facts["missing"] == {"not_asked": PAGE}
    assert set(missing_of(database)) == set(coins[2 * PAGE :])


@on_sqlite
def test_coins_of_pages_that_came_too_late_are_told(database: Database) -> None:
    coins = [f"coin-{number:04d}" for number in range(2 * PAGE)]
    stock(database, tuple(coins))
    clock = FakeClock(datetime(2026, 3, 9, 23, 58, tzinfo=UTC))
    market = FakeMarket(rows=[market_row(coin, 1.0, 5.0, "2026-03-09T23:00:00Z") for coin in coins])

    def slow(request: requests.PreparedRequest) -> Answer:
        clock.sleep(120)
        return market._answer(request)

    take(database, client_of(FakeServer(slow), "keyless", clock))
    assert missing_of(database) == dict.fromkeys(coins[PAGE:], "too_late")


@on_sqlite
def test_a_snapshot_of_some_coins_says_nothing_of_the_others(database: Database) -> None:
    stock(database, ("a", "b"))
    market = FakeMarket(rows=[market_row("a", 1.0, 5.0, "2026-03-09T00:00:30Z")])
    _, facts = take(database, client_of(market), asset_ids=("a",))
    assert facts["missing"] == {}
    assert missing_of(database) == {}


class Paged(FakeMarket):
    """A market whose pages are as a test gives them, and that serves every coin of theirs by its id."""

    def __init__(self, pages: Sequence[Sequence[str]], size: int = PAGE) -> None:
        coins = [coin for page in pages for coin in page]
        super().__init__(rows=[market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in coins])
        self._pages = pages
        self._size = size

    def _answer(self, request: requests.PreparedRequest) -> Answer:
        query = parse_qs(urlsplit(request.url or "").query)
        page = int(query["page"][0]) - 1
        wanted = query["ids"][0].split(",") if "ids" in query else self._pages[page : page + 1] and self._pages[page]
        return Answer([row for row in self.rows if row["id"] in set(wanted[: self._size])])


def named(count: int) -> list[str]:
    return [f"coin-{number:05d}" for number in range(count)]


def paged(coins: Sequence[str], size: int = PAGE) -> list[list[str]]:
    return [list(coins[start : start + size]) for start in range(0, len(coins), size)]


@on_sqlite
@pytest.mark.parametrize("gone", ["a row of page 2", "page 2"])
def test_a_page_that_is_short_or_empty_in_the_middle_costs_no_coin_of_the_list(database: Database, gone: str) -> None:
    coins = named(8 * PAGE)
    stock(database, tuple(coins))
    pages = paged(coins)
    hidden = pages[1][:1] if gone == "a row of page 2" else pages[1]
    market = Paged([[coin for coin in page if coin not in hidden] for page in pages])
    market.rows += [market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in hidden]
    frame, facts = take(database, client_of(market))
    assert sorted(frame["asset_id"]) == coins
    assert facts["coins_missing"] == []


@on_sqlite
def test_a_proxy_with_smaller_pages_brings_every_coin(database: Database) -> None:
    coins = named(1_000)
    stock(database, tuple(coins))
    market = Paged(paged(coins, 100), size=100)
    frame, facts = take(database, client_of(market))
    assert sorted(frame["asset_id"]) == coins
    assert facts["calls"] == 10
    frame, facts = take(database, client_of(Paged(paged(coins, 100), size=100)), max_calls=4)
    assert (len(frame), facts["calls"], facts["missing"]) == (400, 4, {"not_asked": 600})


@on_sqlite
def test_a_proxy_that_cuts_what_is_asked_for_by_ids_is_asked_again(database: Database) -> None:
    coins = named(300)
    stock(database, tuple(coins))
    market = Paged([coins[:100], []], size=100)
    market.rows = [market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in coins]
    frame, facts = take(database, client_of(market, "keyless"))
    assert (len(frame), facts["calls"]) == (300, 4)


@on_sqlite
def test_a_first_page_of_a_few_coins_costs_the_others_nothing(database: Database) -> None:
    coins = named(6_000)
    stock(database, tuple(coins))
    market = Paged([coins[:3]])
    market.rows = [market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in coins]
    frame, _ = take(database, client_of(market, "keyless"))
    assert len(frame) == 6_000


@on_sqlite
@pytest.mark.parametrize("gone", [0, 30])
def test_a_day_whose_list_has_some_coins_that_the_market_has_not_costs_the_pages_and_one_call(
    database: Database, gone: int
) -> None:
    coins = named(1_870)
    stock(database, (*coins, *(f"gone-{number}" for number in range(gone))))
    _, facts = take(database, client_of(Paged(paged(coins))))
    assert facts["calls"] == 8 + bool(gone)
    assert len(facts["coins_missing"]) == gone


@on_sqlite
def test_a_server_that_ignores_the_page_is_asked_twice_and_then_by_ids(database: Database) -> None:
    coins = named(3 * PAGE)
    stock(database, tuple(coins))
    market = Paged(paged(coins))
    market._pages = [market._pages[0]] * 100
    frame, facts = take(database, client_of(market))
    # Two pages, and the 500 other ids in the three URLs that hold them.
    assert (len(frame), facts["calls"]) == (3 * PAGE, 5)


@on_sqlite
def test_a_value_that_is_none_is_named_by_coin_and_field_in_one_warning(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    coins = named(300)
    stock(database, tuple(coins))
    rows = [market_row(coin, 1.0, 5.0, "2026-03-09T00:00:30Z") for coin in coins]
    rows[7]["current_price"] = "N/A"
    rows[299]["market_cap"] = {}
    frame, facts = take(database, client_of(FakeMarket(rows=[*rows, {"id": None}])))
    assert len(frame) == 300
    assert facts["set_aside"] == {"current_price": 1, "market_cap": 1, "id": 1}
    (told,) = [record.getMessage() for record in caplog.records]
    assert "2 values of CoinGecko's market were not what their field means and are stored as NULL" in told
    assert "current_price of 'coin-00007', market_cap of 'coin-00299'" in told
    assert "1 entries had no id" in told
