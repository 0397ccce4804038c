"""Intervals of dates against plain sets of dates."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coingecko_pipeline.archive.dates import EPOCH, BackwardsDates, DateIntervals, DateRange

FIRST = date(2026, 1, 1)

few_days = st.integers(0, 40).map(lambda number: FIRST + timedelta(days=number))
sets = st.frozensets(few_days, max_size=30)
ranges = st.tuples(few_days, few_days).map(lambda ends: DateRange(min(ends), max(ends)))


def intervals_of(days: frozenset[date]) -> DateIntervals:
    return DateIntervals.of_days(np.array(sorted(day.toordinal() - EPOCH for day in days), dtype=np.int64))


def set_of(intervals: DateIntervals) -> frozenset[date]:
    return frozenset(day for dates in intervals for day in dates)


@given(sets)
def test_intervals_are_the_set_of_their_dates(days: frozenset[date]) -> None:
    intervals = intervals_of(days)
    assert set_of(intervals) == days
    assert DateIntervals.of_json(intervals.to_json()) == intervals
    assert intervals_of(frozenset(date.fromordinal(int(day) + EPOCH) for day in intervals.days())) == intervals
    assert (intervals.count(), bool(intervals)) == (len(days), bool(days))
    assert (intervals.first, intervals.last) == (min(days, default=None), max(days, default=None))
    assert all(
        (FIRST + timedelta(days=number) in intervals) == (FIRST + timedelta(days=number) in days)
        for number in range(41)
    )


@given(sets, sets)
def test_a_union_has_the_dates_of_both_in_unbroken_intervals(some: frozenset[date], others: frozenset[date]) -> None:
    union = intervals_of(some).union(intervals_of(others))
    assert union == intervals_of(some | others)
    assert intervals_of(some).covers(intervals_of(others)) == (others <= some)


@given(sets, ranges)
def test_what_a_range_has_and_what_it_lacks_are_the_whole_range(days: frozenset[date], dates: DateRange) -> None:
    intervals = intervals_of(days)
    assert intervals.within(dates) == intervals_of(days & set(dates))
    assert intervals.lacking(dates) == intervals_of(frozenset(dates) - days)


def test_dates_that_run_backwards_are_refused_with_what_to_do() -> None:
    with pytest.raises(BackwardsDates, match="2026-01-02 to 2026-01-01 run backwards; swap them"):
        DateRange(date(2026, 1, 2), date(2026, 1, 1))


def test_a_range_tells_its_dates() -> None:
    dates = DateRange(FIRST, FIRST + timedelta(days=2))
    assert (str(dates), len(dates), list(dates)) == (
        "2026-01-01 to 2026-01-03",
        3,
        [FIRST, FIRST + timedelta(days=1), FIRST + timedelta(days=2)],
    )
    assert str(DateRange(FIRST, FIRST)) == "2026-01-01"
