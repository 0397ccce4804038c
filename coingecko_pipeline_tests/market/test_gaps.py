"""Which missing rows can be filled, which CoinGecko has no value for: the coverage alone tells."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from coingecko_pipeline.archive.coverage import Coverage, read_coverage
from coingecko_pipeline.archive.dates import DateIntervals, DateRange
from coingecko_pipeline.market.gaps import COINS_SHOWN, Gaps, find_gaps, read_gaps
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.archive.answering import TODAY, answer_of, back, covering, dates, prices
from coingecko_pipeline_tests.market.stocking import change_rows, write

WINDOW = DateRange(back(9), TODAY)


def present(**rows: set[int]) -> dict[date, set[str]]:
    """Of each date of the window the coins that have a row, told by days before today."""
    return {day: {coin for coin, days in rows.items() if (TODAY - day).days in days} for day in WINDOW}


def told(gaps: Gaps) -> tuple[list[tuple[date, int]], list[tuple[date, int]]]:
    return [(day.day, day.coins) for day in gaps.to_fill], [(day.day, day.coins) for day in gaps.of_coingecko]


def test_a_row_between_two_others_that_nobody_has_asked_for_can_be_filled() -> None:
    gaps = find_gaps(present(x={9, 8, 5, 4}, y={3, 2}), {})
    assert told(gaps) == ([(back(7), 1), (back(6), 1)], [])
    assert gaps.archived == 0
    assert (gaps.present[back(7)], gaps.expected[back(7)]) == (0, 1)


def test_a_date_that_an_answer_has_spoken_for_without_a_value_is_coingeckos_own() -> None:
    known = covering(dates(9, 0), dates(9, 8).union(dates(5, 4)))
    gaps = find_gaps(present(x={9, 8, 5, 4}), {"x": known})
    assert told(gaps) == ([], [(back(7), 1), (back(6), 1)])
    assert gaps.expected[back(7)] == 0


def test_a_lost_row_is_no_gap_of_coingeckos_though_the_chart_has_holes(database: Database) -> None:
    points = prices(9, 0)
    for hole in (7, 2):
        del points[back(hole)]
    write(database, answer_of("bitcoin", points), answer_of("other", prices(9, 0)))
    change_rows(database, [f"DELETE FROM daily_market WHERE asset_id = 'bitcoin' AND date = '{back(5)}'"])
    gaps = read_gaps(database, read_coverage(database), WINDOW)
    assert told(gaps) == ([(back(5), 1)], [(back(7), 1), (back(2), 1)])
    assert (gaps.archived, gaps.to_fill[0].first_coins) == (1, ("bitcoin",))


def test_dates_that_no_chart_has_are_no_gap_to_fill(database: Database) -> None:
    # 2015-01-28 and 2018-01-30 are such dates for every coin.
    odd = date(2015, 1, 28)
    points = {odd + timedelta(days=offset): 1.0 for offset in range(-3, 4) if offset}
    write(database, *(answer_of(coin, points, days=5_000) for coin in ("bitcoin", "litecoin")))
    gaps = read_gaps(database, read_coverage(database), DateRange(odd - timedelta(days=3), odd + timedelta(days=3)))
    assert told(gaps) == ([], [(odd, 2)])
    assert (gaps.present[odd], gaps.expected[odd]) == (0, 0)


def test_archived_rows_at_the_windows_ends_can_be_filled_too(database: Database) -> None:
    write(database, answer_of("x", prices(9, 0)))
    change_rows(database, [f"DELETE FROM daily_market WHERE date IN ('{back(9)}', '{TODAY}')"])
    gaps = read_gaps(database, read_coverage(database), WINDOW)
    assert (told(gaps), gaps.archived) == (([(back(9), 1), (TODAY, 1)], []), 2)


def test_some_coins_of_a_date_are_named_the_first_by_id() -> None:
    rows = {f"coin-{number}": {9, 7} for number in range(9)}
    gaps = find_gaps(present(**rows), {})
    assert gaps.to_fill[0].coins == 9
    assert gaps.to_fill[0].first_coins == tuple(f"coin-{number}" for number in range(COINS_SHOWN))


def test_an_empty_window_has_no_gap(database: Database) -> None:
    assert told(read_gaps(database, {}, WINDOW)) == ([], [])


days = st.frozensets(st.integers(0, 9))


def of(numbers: frozenset[int]) -> DateIntervals:
    union = DateIntervals()
    for number in numbers:
        union = union.union(dates(number, number))
    return union


@given(st.dictionaries(st.sampled_from("abc"), st.tuples(days, days, days), max_size=3))
def test_each_missing_row_is_one_or_the_other_and_a_present_one_is_neither(
    coins: dict[str, tuple[frozenset[int], frozenset[int], frozenset[int]]],
) -> None:
    coverage: dict[str, Coverage] = {}
    for coin, (_, covered, points) in coins.items():
        coverage[coin] = covering(of(covered | points), of(points))
    gaps = find_gaps(present(**{coin: set(rows) for coin, (rows, _, _) in coins.items()}), coverage)
    fill = {(day.day, coin) for day in gaps.to_fill for coin in day.first_coins}
    none = {(day.day, coin) for day in gaps.of_coingecko for coin in day.first_coins}
    for coin, (rows, covered, points) in coins.items():
        for number in range(10):
            between = any(other > number for other in rows) and any(other < number for other in rows)
            missing = number not in rows and (between or number in points)
            is_known = number in covered and number not in points
            assert ((back(number), coin) in fill) == (missing and not is_known)
            assert ((back(number), coin) in none) == (missing and is_known)
