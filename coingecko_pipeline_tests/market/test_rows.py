"""What a chart makes of stored rows, and what charts make one after the other: without any database."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coingecko_pipeline import tables
from coingecko_pipeline.archive.dates import EPOCH
from coingecko_pipeline.market.compaction import repeated_in
from coingecko_pipeline.market.rows import (
    NO_ROWS,
    VALUE_COLUMNS,
    MarketRows,
    Revision,
    arrow_rows,
    fold_charts,
    merge_chart,
)
from coingecko_pipeline.sources.coingecko.charts import ChartPoints
from coingecko_pipeline_tests.archive.answering import NIGHT, TODAY, Values, back, chart_points

Row = tuple[float, float | None, float | None, float | None, bool]
"""Seconds, price, volume, cap, and whether it is a chart's."""


def stored(rows: dict[date, Row]) -> MarketRows:
    days = sorted(rows)
    columns = [np.array([rows[day][at] for day in days], dtype=np.float64) for at in range(4)]
    return MarketRows(
        np.array([day.toordinal() - EPOCH for day in days], dtype=np.int64),
        columns[0],
        dict(zip(VALUE_COLUMNS, columns[1:], strict=True)),
        np.array([rows[day][4] for day in days], dtype=np.bool_),
    )


def told(rows: MarketRows) -> dict[date, Row]:
    columns = [rows.values[column].tolist() for column in VALUE_COLUMNS]
    return {
        date.fromordinal(day + EPOCH): (second, *(None if v != v else v for v in values), is_chart)
        for day, second, *values, is_chart in zip(
            rows.days.tolist(), rows.seconds.tolist(), *columns, rows.is_chart.tolist(), strict=True
        )
    }


def test_where_nothing_is_stored_each_point_is_a_row() -> None:
    merged = merge_chart(chart_points({back(2): (1, None, 3), back(1): (4, 5, 6)}, {back(2): 321.0}), NO_ROWS, NIGHT)
    assert told(merged.rows) == {back(2): (321.0, 1, None, 3, True), back(1): (0.0, 4, 5, 6, True)}
    assert merged.revisions == ()


def test_a_chart_without_caps_keeps_the_snapshots_cap() -> None:
    snapshot = stored({back(1): (41.0, 9, 8, 2e12, False)})
    merged = merge_chart(chart_points({back(1): (1, 2, None)}), snapshot, NIGHT)
    assert told(merged.rows) == {back(1): (0.0, 1, 2, 2e12, True)}
    assert merged.revisions == (), "what a snapshot said is no chart's earlier word"


def test_a_chart_that_says_the_same_again_changes_nothing() -> None:
    points = chart_points({back(2): (1, None, 3), back(1): (4, 5, 6)})
    merged = merge_chart(points, fold_charts([points]), NIGHT)
    assert (len(merged.rows), merged.revisions) == (0, ())


def test_a_settled_day_that_a_chart_changes_is_a_revision_and_an_open_one_is_not() -> None:
    before = fold_charts([chart_points({back(3): (1, 2, 3), back(2): (1, 2, 3), back(1): (1, None, 3)})])
    points = chart_points({back(3): (1, 20, 3), back(2): (10, 2, 3), back(1): (1, 2, None)})
    merged = merge_chart(points, before, NIGHT - timedelta(days=2))
    assert told(merged.rows) == {
        back(3): (0.0, 1, 20, 3, True),
        back(2): (0.0, 10, 2, 3, True),
        back(1): (0.0, 1, 2, 3, True),
    }
    # The answer before was of the day before yesterday, which was not over then.
    assert merged.revisions == (Revision(back(3), "volume_24h_usd", 2.0, 20.0),)
    assert merge_chart(points, before, None).revisions == ()


def test_an_exact_moment_wins_over_a_near_one_whichever_came_first() -> None:
    near, exact = chart_points({back(1): (1, 2, 3)}, {back(1): 321.0}), chart_points({back(1): (4, 5, 6)})
    assert told(fold_charts([near, exact])) == told(fold_charts([exact, near])) == {back(1): (0.0, 4, 5, 6, True)}


def test_a_near_moment_that_loses_revises_nothing() -> None:
    exact = fold_charts([chart_points({back(9): (4, 5, 6)})])
    merged = merge_chart(chart_points({back(9): (1, 2, 3)}, {back(9): 300.0}), exact, NIGHT)
    assert (len(merged.rows), merged.revisions) == (0, ())


def test_a_row_without_a_moment_gets_the_charts() -> None:
    merged = merge_chart(chart_points({back(1): (1, 2, 3)}), stored({back(1): (np.nan, 1, 2, 3, False)}), NIGHT)
    assert told(merged.rows) == {back(1): (0.0, 1, 2, 3, True)}


numbers = st.sampled_from([None, 0.0, 1.0, 2.0])
points_of = st.builds(
    lambda points, late: chart_points(points, dict.fromkeys(late, 300.0)),
    st.dictionaries(
        st.integers(0, 8).map(back),
        st.tuples(numbers, numbers, numbers).filter(lambda values: values != (None, None, None)),
        max_size=9,
    ),
    st.sets(st.integers(0, 8).map(back)),
)
snapshots = st.dictionaries(
    st.integers(0, 8).map(back), st.tuples(st.just(60.0), numbers, numbers, numbers, st.just(False)), max_size=9
)


def replaced(rows: MarketRows, changed: MarketRows) -> MarketRows:
    return stored({**told(rows), **told(changed)})


@given(snapshots, st.lists(points_of, max_size=6))
def test_merged_one_after_the_other_nothing_is_replaced_by_less(
    first: dict[date, Row], charts: list[ChartPoints]
) -> None:
    rows = stored(first)
    for points in charts:
        merged = merge_chart(points, rows, NIGHT)
        after = replaced(rows, merged.rows)
        for day, row in told(rows).items():
            now = told(after)[day]
            assert all(new is not None for new, old in zip(now[1:4], row[1:4], strict=True) if old is not None)
            assert now[4] >= row[4]
            if row[4]:
                assert now[0] <= row[0], "a chart's moment never gets further from midnight"
        for revision in merged.revisions:
            assert told(rows)[revision.day][4]
            assert revision.old != revision.new
        assert len(merge_chart(points, after, NIGHT).rows) == 0, "the same again changes nothing"
        rows = after
    folded = told(fold_charts(charts))
    for day, row in folded.items():
        stays = told(rows)[day]
        assert stays[0] == row[0]
        assert all(mine == value for mine, value in zip(stays[1:4], row[1:4], strict=True) if value is not None)


@given(st.lists(points_of, min_size=1, max_size=6))
def test_what_compaction_leaves_makes_the_same_rows_and_the_same_of_every_later_chart(
    charts: list[ChartPoints],
) -> None:
    kept: list[ChartPoints] = []
    for position, points in enumerate(charts):
        kept.append(points)
        dropped = repeated_in(kept)
        assert len(kept) - 1 not in dropped
        kept = [each for at, each in enumerate(kept) if at not in dropped]
        assert told(fold_charts(kept)) == told(fold_charts(charts[: position + 1]))


def year(first: int, last: int, price: float = 1.0) -> ChartPoints:
    points: dict[date, Values] = {back(number): (price, 2.0, 3.0) for number in range(last, first + 1)}
    return chart_points(points)


def test_of_a_years_refreshes_the_first_and_the_last_are_kept() -> None:
    kept = [year(364 + 60, 60)]
    for day in range(59, -1, -1):
        kept.append(year(364 + day, day))
        dropped = repeated_in(kept)
        kept = [each for at, each in enumerate(kept) if at not in dropped]
    assert [len(each) for each in kept] == [365, 365]
    assert (kept[0].days[0], kept[1].days[-1]) == (back(424).toordinal() - EPOCH, TODAY.toordinal() - EPOCH)


def test_a_longer_chart_takes_the_place_of_all_before_it() -> None:
    assert repeated_in([year(100, 50), year(80, 30), year(100, 0)]) == [0, 1]
    assert repeated_in([year(100, 0), year(30, 0, price=5.0)]) == []


def test_a_chart_with_a_value_that_the_later_one_lacks_is_kept() -> None:
    assert repeated_in([chart_points({back(1): (1, 2, 3)}), chart_points({back(1): (1, 2, None)})]) == []


@pytest.mark.parametrize("seconds", [0.0, 303.0, 328.001, 899.999999])
def test_rows_are_written_with_their_moment_to_the_microsecond(seconds: float) -> None:
    day = date(2018, 1, 30)
    rows = arrow_rows(
        [
            ("a", fold_charts([chart_points({day: (1, None, 3)}, {day: seconds})])),
            ("b ", fold_charts([chart_points({day: (4, 5, 6)})])),
        ]
    )
    assert rows.schema.names == [column.name for column in tables.daily_market.columns]
    assert rows["asset_id"].to_pylist() == ["a", "b "]
    assert rows["volume_24h_usd"].to_pylist() == [None, 5.0]
    moment = rows["observed_at"].to_pylist()[0]
    assert round((moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds(), 6) == seconds
