from datetime import UTC, date, datetime

from coingecko_pipeline.acquisition.completeness import completeness_of, last_year_of, years_of
from coingecko_pipeline.archive.answers import Outcome
from coingecko_pipeline.archive.coverage import Coverage
from coingecko_pipeline.archive.dates import DateIntervals, DateRange

ALL = DateRange(date(2024, 6, 1), date(2026, 3, 9))
AT = datetime(2026, 3, 9, tzinfo=UTC)


def known(first: date, last: date, snapshots: DateRange | None = None) -> Coverage:
    covered = DateIntervals.of_range(DateRange(first, last))
    return Coverage(covered, covered, Outcome.VALUES, AT, snapshots=snapshots)


def test_the_years_of_a_range_are_its_parts_the_latest_first() -> None:
    assert years_of(ALL) == (
        DateRange(date(2026, 1, 1), date(2026, 3, 9)),
        DateRange(date(2025, 1, 1), date(2025, 12, 31)),
        DateRange(date(2024, 6, 1), date(2024, 12, 31)),
    )
    assert last_year_of(ALL) == DateRange(date(2025, 3, 10), date(2026, 3, 9))
    assert last_year_of(DateRange(date(2026, 3, 1), date(2026, 3, 9))) == DateRange(date(2026, 3, 1), date(2026, 3, 9))


def test_a_coin_counts_where_it_lacks_no_day_and_snapshots_count_as_days() -> None:
    coverage = {
        "whole": known(ALL.first, ALL.last),
        "since-2025": known(date(2025, 1, 1), ALL.last),
        "with-snapshots": known(ALL.first, date(2026, 3, 1), DateRange(date(2026, 3, 2), ALL.last)),
    }
    coins = [*coverage, "never-asked"]
    assert [found.share for found in completeness_of(years_of(ALL), ALL, coins, {}, coverage)] == [0.75, 0.75, 0.5]


def test_a_coin_that_is_gone_counts_until_it_left() -> None:
    coverage = {"gone": known(ALL.first, date(2025, 2, 1))}
    found = completeness_of(years_of(ALL), ALL, ["gone", "other"], {"gone": date(2025, 2, 1)}, coverage)
    assert [year.share for year in found] == [0.0, 0.5, 0.5]


def test_without_coins_nothing_is_complete() -> None:
    assert [year.share for year in completeness_of(years_of(ALL), ALL, [], {}, {})] == [0.0, 0.0, 0.0]
