from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.lifetimes import living_by_date
from coingecko_pipeline.orchestration.checks.gaps import (
    COINS_SHOWN,
    DATES_LISTED,
    DATES_SHOWN,
    LOOK_BACK_DAYS,
    ArchivedChart,
    DayOfGaps,
    find_gaps,
    show_latest,
)
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.fakes import FakeClock, FakeMarket, daily_chart, market_row
from coingecko_pipeline_tests.orchestration.assets.conftest import stock
from coingecko_pipeline_tests.running import checks_of, run_job

NAME = "no_date_is_missing_between_a_coins_first_and_last_day"
TODAY = date(2026, 3, 9)
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


class Market:
    """Coins of which the database has rows, and charts, as a test says; real runs add today's snapshot to them.

    Args:
        database: With the tables.
        rows: The days before today that each coin has rows of.
    """

    def __init__(self, database: Database, **rows: range | list[int]) -> None:
        self.database = database
        self.coins = tuple(rows)
        stock(database, self.coins)
        values = [
            {"date": back(days), "asset_id": coin, "price_usd": 1.0, "source": "chart", "observed_at": NOON}
            for coin, found in rows.items()
            for days in found
        ]
        if values:
            with database.transaction() as connection:
                connection.execute(insert(tables.daily_market), values)

    def archive(self, coin: str, covers: range, points: range | list[int] | None = None) -> None:
        """Have a chart that covers some days before today; its points counted, or not as before they were."""
        found = sorted(back(days) for days in points or ())
        row = {
            "asset_id": coin,
            "body": b"not read",
            "fetched_at": NOON,
            "covers_from": back(max(covers)),
            "covers_to": back(min(covers)),
            "points": len(covers),
            "midnights": None if points is None else len(found),
            "first_on": found[0] if found else None,
            "last_on": found[-1] if found else None,
        }
        with self.database.transaction() as connection:
            connection.execute(insert(tables.raw_market_charts), [row])

    def run(self, *listed: str) -> dg.ExecuteInProcessResult:
        """Take today's snapshot of some coins, by default all."""
        rows = [market_row(coin, 2.0, 1e6, "2026-03-09T00:02:00Z") for coin in listed or self.coins]
        return run_job("market_history_job", self.database, client_of(FakeMarket(rows=rows)), TODAY)


def client_of(market: FakeMarket) -> CoinGecko:
    clock = FakeClock(NOON)
    return CoinGecko(PLANS["analyst"], clock=clock, now=clock.now, adapter=market.server)


def backfill(database: Database, first: date, last: date, charts: dict[str, Any]) -> dg.ExecuteInProcessResult:
    """Fill a range from charts, for the coins that have one."""
    config = {"coingecko__daily_market": {"asset_ids": sorted(charts)}}
    return run_job("market_history_job", database, client_of(FakeMarket(charts)), DateRange(first, last), config)


def check_of(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    assert result.success
    return checks_of(result)[NAME]


def figure(result: dg.ExecuteInProcessResult, name: str) -> Any:
    return check_of(result).metadata[name].value


def counts(result: dg.ExecuteInProcessResult) -> tuple[int, int, int, int]:
    """Gaps to fill, their dates, their coins, and gaps of CoinGecko."""
    to_fill, dates, coins = (figure(result, f"{what}_to_fill") for what in ("gaps", "dates", "coins"))
    return to_fill, dates, coins, figure(result, "gaps_of_coingecko")


def observed(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The coins missing that the run's observations tell, by partition."""
    found = {}
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.ASSET_OBSERVATION:
            observation = event.asset_observation_data.asset_observation
            if "coins_missing" in observation.metadata:
                assert observation.asset_key == dg.AssetKey(["coingecko", "daily_market"])
                found[str(observation.partition)] = observation.metadata["coins_missing"].value
    return found


def test_coins_with_a_row_on_every_date_have_no_gaps(database: Database) -> None:
    result = Market(database, old=range(1, 50), young=range(1, 3)).run()
    assert check_of(result).passed
    assert counts(result) == (0, 0, 0, 0)
    assert (figure(result, "missing_by_date"), figure(result, "examples")) == ({}, "none")
    assert figure(result, "dates") == f"{back(30)} to {TODAY}"
    assert observed(result) == {}


def test_the_first_rows_of_all_have_no_gaps(database: Database) -> None:
    assert check_of(Market(database, only=[]).run()).passed


def test_a_gap_inside_is_a_warning_that_tells_dates_coins_and_what_fills_it(database: Database) -> None:
    result = Market(database, holey=[1, 4, 5], two=[1, 2, 4], whole=range(1, 6)).run()
    check = check_of(result)
    assert (check.passed, check.severity, check.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    assert "history_completion_schedule" in (check.description or "")
    assert "backfill" in (check.description or "")
    assert counts(result) == (3, 2, 2, 0)
    assert figure(result, "missing_by_date") == {str(back(3)): 2, str(back(2)): 1}
    assert f"| {back(2)} | 1 | holey |\n| {back(3)} | 2 | holey, two |" in figure(result, "examples")


def test_a_date_that_all_coins_miss_is_seen_by_the_run_of_the_next_one(database: Database) -> None:
    result = Market(database, a=range(2, 9), b=range(2, 9), c=range(2, 9)).run()
    assert not check_of(result).passed
    assert figure(result, "missing_by_date") == {str(back(1)): 3}
    assert observed(result) == {str(back(1)): 3}


def test_a_run_of_one_date_looks_back_a_month_and_no_further(database: Database) -> None:
    last_seen, unseen = LOOK_BACK_DAYS, LOOK_BACK_DAYS + 1
    market = Market(database, a=[days for days in range(1, 60) if days not in (last_seen, unseen)])
    assert figure(market.run(), "missing_by_date") == {str(back(last_seen)): 1}


def test_a_gap_that_reaches_over_the_whole_look_back_is_seen(database: Database) -> None:
    assert counts(Market(database, a=[LOOK_BACK_DAYS + 9]).run()) == (LOOK_BACK_DAYS, LOOK_BACK_DAYS, 1, 0)


def test_a_coin_has_no_gaps_after_its_end_and_none_before_its_beginning(database: Database) -> None:
    result = Market(database, dead=range(6, 20), newborn=[], young=range(1, 4), old=range(1, 20)).run(
        "newborn", "young", "old"
    )
    assert check_of(result).passed
    assert counts(result) == (0, 0, 0, 0)


def test_what_the_archived_chart_covers_and_lacks_is_coingeckos_own_gap_and_passes(database: Database) -> None:
    market = Market(database, uncounted=[1, 4], holey=[1, 2, 4], late=[1, 9])
    market.archive("uncounted", range(1, 365))
    market.archive("holey", range(1, 365), [1, 2, 4, 5])
    market.archive("late", range(1, 365), range(1, 1))
    result = market.run()
    assert check_of(result).passed
    assert counts(result) == (0, 0, 0, 2 + 1 + 7)
    assert (figure(result, "missing_by_date"), figure(result, "examples")) == ({}, "none")
    assert f"| {back(3)} | 3 | holey, late, uncounted |" in figure(result, "examples_of_coingecko")
    assert observed(result) == {}


def test_dates_before_and_after_an_archived_chart_are_to_fill(database: Database) -> None:
    market = Market(database, a=[2, 9])
    market.archive("a", range(4, 7))
    result = market.run()
    assert counts(result) == (4, 4, 1, 3)
    assert list(figure(result, "missing_by_date")) == [str(back(days)) for days in (8, 7, 3, 1)]


def test_a_date_in_the_archive_that_was_never_written_is_to_fill_without_a_call(database: Database) -> None:
    chart = {"a": daily_chart(back(9), [float(day) for day in range(10)])}
    market = Market(database, a=[])
    backfill(database, back(5), back(5), chart)
    result = market.run()
    assert counts(result) == (4, 4, 1, 0)
    assert figure(result, "gaps_in_archive") == 4
    assert "Of these 4 rows 4 are in the archive" in (check_of(result).description or "")
    again = backfill(database, back(4), back(1), chart)
    assert figure(again, "gaps_to_fill") == 0
    assert check_of(market.run()).passed


def test_a_run_over_a_range_looks_at_its_own_dates_and_observes_each_with_gaps(database: Database) -> None:
    Market(database, a=[], b=[1, 3, 7, 9], c=[2, 3, 5, 40])
    result = backfill(database, back(8), back(2), {"a": daily_chart(back(9), [1.0] * 10)})
    gaps = {str(back(8)): 2, str(back(7)): 1, str(back(6)): 2, str(back(5)): 1, str(back(4)): 2, str(back(2)): 1}
    assert figure(result, "missing_by_date") == observed(result) == gaps
    assert counts(result) == (9, 6, 2, 0)


def test_a_run_over_years_lists_and_observes_the_latest_dates(database: Database) -> None:
    Market(database, a=[0, 500], b=[])
    result = backfill(database, back(500), back(1), {"b": daily_chart(back(9), [1.0] * 10)})
    assert counts(result) == (499, 499, 1, 0)
    listed = {str(back(days)): 1 for days in range(1, DATES_LISTED + 1)}
    assert figure(result, "missing_by_date") == observed(result) == listed
    assert f"Dates with gaps before these: {499 - DATES_SHOWN}." in figure(result, "examples")


def test_ids_count_byte_for_byte(database: Database) -> None:
    odd = {
        name: [1, 3]
        for name in ("id", "ID", "id ", "i\u0301d", "_", 'quo"te', "back\\slash", "\u20bf\U0001f680", "a|b", "a\n")
    }
    Market(database, **odd, other=range(1, 9))
    result = run_job(
        "market_history_job",
        database,
        client_of(FakeMarket({"other": daily_chart(back(9), [1.0] * 10)})),
        DateRange(back(3), back(2)),
        {"coingecko__daily_market": {"asset_ids": ["other"]}},
    )
    assert figure(result, "missing_by_date") == {str(back(2)): len(odd)}
    assert "a b" in figure(result, "examples")


def test_the_living_of_each_date_are_those_with_rows_on_both_sides() -> None:
    lifetimes = {
        "before": DateRange(back(9), back(6)),
        "into": DateRange(back(9), back(5)),
        "over": DateRange(back(9), back(1)),
        "within": DateRange(back(4), back(4)),
        "out": DateRange(back(3), back(1)),
        "after": DateRange(back(2), back(1)),
    }
    found = {day: set(living) for day, living in living_by_date(lifetimes, DateRange(back(5), back(3)))}
    assert found == {back(5): {"into", "over"}, back(4): {"over", "within"}, back(3): {"over", "out"}}


@pytest.mark.parametrize(
    ("chart", "to_fill", "of_coingecko", "archived"),
    [
        (None, 1, 0, 0),
        (ArchivedChart(back(9), back(3)), 1, 0, 0),
        (ArchivedChart(back(2), back(2)), 0, 1, 0),
        (ArchivedChart(back(9), back(1), DateRange(back(9), back(3))), 0, 1, 0),
        (ArchivedChart(back(9), back(1), DateRange(back(2), back(2))), 1, 0, 1),
    ],
)
def test_a_gap_belongs_to_coingecko_where_the_chart_covers_the_date_and_lacks_it(
    chart: ArchivedChart | None, to_fill: int, of_coingecko: int, archived: int
) -> None:
    gaps = find_gaps([(back(2), {"a", "b"})], lambda _: {"b"}, {"a": chart} if chart else {})
    assert (len(gaps.to_fill), len(gaps.of_coingecko), gaps.archived) == (to_fill, of_coingecko, archived)
    assert gaps.coins_to_fill == ({"a"} if to_fill else set())


def test_the_examples_are_the_latest_dates_with_a_few_of_their_coins() -> None:
    coins = {f"c{number:02}" for number in range(30)}
    gaps = find_gaps([(back(days), coins) for days in range(DATES_SHOWN + 1, 0, -1)], lambda _: set(), {})
    assert gaps.to_fill[0] == DayOfGaps(back(DATES_SHOWN + 1), 30, tuple(sorted(coins)[:COINS_SHOWN]))
    lines = show_latest(gaps.to_fill).splitlines()
    assert lines[2] == f"| {back(1)} | 30 | c00, c01, c02, c03, c04, … |"
    assert len([line for line in lines if line.startswith("| 20")]) == DATES_SHOWN
    assert lines[-1] == "Dates with gaps before these: 1."
