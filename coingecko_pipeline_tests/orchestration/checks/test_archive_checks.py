from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.market.gaps import COINS_SHOWN, DayOfGaps
from coingecko_pipeline.orchestration.checks.archive import DATES_SHOWN, show_latest
from coingecko_pipeline.orchestration.checks.market import WINDOW_DAYS
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.fakes import FakeClock, FakeMarket, daily_chart
from coingecko_pipeline_tests.orchestration.assets.conftest import stock
from coingecko_pipeline_tests.running import Runner

GAPS = "no_date_is_missing_between_a_coins_first_and_last_day"
LOST = "every_archived_value_has_its_row"
TODAY = date(2026, 3, 9)
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


def put_rows(database: Database, **rows: range | list[int]) -> None:
    """Make coins known that have rows on so many days before today, of which no answer has spoken."""
    stock(database, tuple(rows))
    values = [
        {"date": back(days), "asset_id": coin, "price_usd": 1.0, "source": "snapshot", "observed_at": NOON}
        for coin, found in rows.items()
        for days in found
    ]
    with database.transaction() as connection:
        connection.execute(insert(tables.daily_market), values)


def runner_of(database: Database, charts: dict[str, Any] | None = None) -> Runner:
    clock = FakeClock(NOON)
    client = CoinGecko(PLANS["analyst"], clock=clock, now=clock.now, adapter=FakeMarket(charts or {}).server)
    return Runner(database, client)


def backfill(database: Database, charts: dict[str, Any], first: int = 9) -> None:
    """Fill dates up to yesterday from charts, for the coins that have one."""
    dates = {"from_date": str(back(first)), "to_date": str(back(1))}
    config = {"coingecko__market_charts": {**dates, "asset_ids": sorted(charts)}}
    assert runner_of(database, charts).run("market_charts_job", config=config).success


def check(database: Database, name: str = GAPS) -> dg.AssetCheckEvaluation:
    return runner_of(database).check(name)[name]


def figure(found: dg.AssetCheckEvaluation, name: str) -> Any:
    return found.metadata[name].value


def gaps(database: Database) -> tuple[int, int, int, int]:
    """Gaps to fill, those of them in the archive, their dates, and gaps of CoinGecko."""
    found = check(database)
    assert found.passed == (figure(found, "gaps_to_fill") == 0)
    to_fill, archived, dates = (figure(found, name) for name in ("gaps_to_fill", "gaps_in_archive", "dates_to_fill"))
    return to_fill, archived, dates, figure(found, "gaps_of_coingecko")


def forget(database: Database, *days: int) -> None:
    """Lose the rows of some days before today."""
    with database.transaction() as connection:
        for day in days:
            connection.exec_driver_sql(f"DELETE FROM daily_market WHERE date = '{back(day)}'")


def test_coins_with_a_row_on_every_date_have_no_gaps(database: Database) -> None:
    put_rows(database, old=range(50), young=range(3))
    assert gaps(database) == (0, 0, 0, 0)
    found = check(database)
    assert (figure(found, "dates"), figure(found, "examples")) == (f"{back(30)} to {TODAY}", "none")


def test_a_gap_inside_is_a_warning_that_tells_dates_coins_and_what_fills_it(database: Database) -> None:
    put_rows(database, holey=[0, 1, 4, 5], two=[0, 1, 2, 4], whole=range(6))
    found = check(database)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    for words in ("history_completion_schedule", "backfill"):
        assert words in (found.description or "")
    assert gaps(database) == (3, 0, 2, 0)
    assert f"| {back(2)} | 1 | holey |\n| {back(3)} | 2 | holey, two |" in figure(found, "examples")


def test_a_date_that_all_coins_miss_is_seen(database: Database) -> None:
    put_rows(database, **{coin: [0, *range(2, 9)] for coin in "abc"})
    assert gaps(database) == (3, 0, 1, 0)


def test_a_gap_is_seen_for_a_month_and_no_longer(database: Database) -> None:
    put_rows(database, a=[days for days in range(60) if days not in (WINDOW_DAYS - 2, WINDOW_DAYS)])
    assert gaps(database) == (1, 0, 1, 0)


def test_a_coin_has_no_gaps_after_its_end_and_none_before_its_beginning(database: Database) -> None:
    put_rows(database, dead=range(6, 20), newborn=[0], young=range(4), old=range(20))
    assert gaps(database) == (0, 0, 0, 0)


def test_what_a_chart_has_no_value_of_is_coingeckos_own_gap_and_passes(database: Database) -> None:
    stock(database, ("a",))
    chart = daily_chart(back(9), [1.0] * 10)
    for series in chart.values():
        del series[5:7]
    backfill(database, {"a": chart})
    assert gaps(database) == (0, 0, 0, 2)
    assert f"| {back(4)} | 1 | a |" in figure(check(database), "examples_of_coingecko")


def test_a_lost_row_is_seen_although_its_chart_has_a_hole_elsewhere_and_is_filled_without_a_call(
    database: Database,
) -> None:
    stock(database, ("a", "b"))
    holey = daily_chart(back(9), [1.0] * 10)
    for series in holey.values():
        del series[2]
    backfill(database, {"a": holey, "b": daily_chart(back(9), [1.0] * 10)})
    assert check(database, LOST).passed
    forget(database, 3)
    assert gaps(database) == (2, 2, 1, 1)
    lost = check(database, LOST)
    assert (lost.passed, lost.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert sorted(figure(lost, "examples")) == ["a", "b"]
    backfill(database, {"a": holey, "b": holey})
    assert gaps(database) == (0, 0, 0, 1)
    assert check(database, LOST).passed


def test_ten_lost_days_are_not_made_up_for_by_ten_that_the_chart_never_had(database: Database) -> None:
    stock(database, ("a",))
    chart = daily_chart(back(29), [1.0] * 30)
    for series in chart.values():
        del series[5:15]
    backfill(database, {"a": chart}, first=29)
    assert gaps(database) == (0, 0, 0, 10)
    forget(database, *range(3, 13))
    assert gaps(database) == (10, 10, 10, 10)
    assert figure(check(database, LOST), "coins_with_lost_rows") == 1


def test_a_lost_row_at_a_coins_end_is_seen_where_the_archive_has_it(database: Database) -> None:
    stock(database, ("a", "b"))
    backfill(database, {"a": daily_chart(back(9), [1.0] * 10), "b": daily_chart(back(9), [1.0] * 10)})
    with database.transaction() as connection:
        connection.exec_driver_sql(f"DELETE FROM daily_market WHERE asset_id = 'a' AND date >= '{back(1)}'")
    assert gaps(database) == (2, 2, 2, 0)


def test_answers_whose_rows_are_to_be_written_are_told(database: Database) -> None:
    stock(database, ("a",))
    backfill(database, {"a": daily_chart(back(9), [1.0] * 10)})
    with database.transaction() as connection:
        connection.execute(tables.market_charts.update().values(is_written=False))
    found = check(database, LOST)
    assert (found.passed, figure(found, "answers_to_write")) == (False, 1)


def test_ids_count_byte_for_byte(database: Database) -> None:
    odd = {
        name: [1, 3]
        for name in ("id", "ID", "id ", "i\u0301d", "_", 'quo"te', "back\\slash", "\u20bf\U0001f680", "a|b", "a\n")
    }
    put_rows(database, **odd, other=range(1, 9))
    assert gaps(database) == (len(odd), 0, 1, 0)
    assert f"| {back(2)} | {len(odd)} |" in figure(check(database), "examples")


def test_the_examples_are_the_latest_dates_with_a_few_of_their_coins() -> None:
    coins = tuple(f"c{number:02}" for number in range(COINS_SHOWN))
    days = [DayOfGaps(back(days), 30, coins) for days in range(DATES_SHOWN + 1, 0, -1)]
    lines = show_latest(days).splitlines()
    assert lines[2] == f"| {back(1)} | 30 | c00, c01, c02, c03, c04, … |"
    assert len([line for line in lines if line.startswith("| 20")]) == DATES_SHOWN
    assert lines[-1] == "Dates with gaps before these: 1."
