"""The points of a chart's body, whatever it holds; and what CoinGecko's own charts and exports hold."""

import csv
import gzip
import json
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coingecko_pipeline.sources.coingecko.charts import SERIES, ChartPoints, UnreadableChart, read_chart
from coingecko_pipeline_tests.recordings import recordings_dir

DAY = 86_400_000
MINUTE = 60_000
START = 20_000 * DAY


def body_of(prices: Any, volumes: Any = (), caps: Any = ()) -> bytes:
    return json.dumps({"prices": prices, "total_volumes": volumes, "market_caps": caps}).encode()


def told(points: ChartPoints) -> list[tuple[int, float, float | None]]:
    """The number of each date, its seconds, and its price."""
    prices = [None if price != price else price for price in points.values["price_usd"].tolist()]
    return list(zip((points.days - 20_000).tolist(), points.seconds.tolist(), prices, strict=True))


def test_each_midnight_is_a_point_and_the_moment_of_the_answer_is_none() -> None:
    prices = [[START, 1.5], [START + DAY, 2], [START + DAY + 17 * MINUTE, 3]]
    points = read_chart(body_of(prices, [[START, 10]], [[START + DAY, 20]]))
    assert told(points) == [(0, 0.0, 1.5), (1, 0.0, 2.0)]
    assert points.values["volume_24h_usd"].tolist()[0] == 10
    assert np.isnan(points.values["volume_24h_usd"][1])
    assert points.values["market_cap_usd"].tolist()[1] == 20


@pytest.mark.parametrize("after", [1, 3 * MINUTE, 5 * MINUTE + 28_000, 15 * MINUTE])
def test_in_a_daily_series_the_point_nearest_after_midnight_stands_for_its_date(after: int) -> None:
    prices = [[START + number * DAY, number] for number in range(5)]
    prices[2] = [START + 2 * DAY + after, 2]
    points = read_chart(body_of([*prices, [START + 4 * DAY + 2 * MINUTE, 9]]))
    assert told(points)[2] == (2, after / 1000, 2.0)
    assert told(points)[4] == (4, 0.0, 4.0)


def test_a_point_later_than_a_quarter_of_an_hour_or_before_midnight_is_no_dates() -> None:
    late, before = START + DAY + 15 * MINUTE + 1, START + 3 * DAY - 21 * MINUTE
    points = read_chart(body_of([[START, 1], [late, 2], [before, 3], [START + 4 * DAY, 4], [START + 5 * DAY, 5]]))
    assert [number for number, _, _ in told(points)] == [0, 4, 5]


def test_the_last_point_stands_for_no_date_unless_it_is_an_exact_midnight() -> None:
    assert told(read_chart(body_of([[START, 1], [START + DAY + MINUTE, 2]]))) == [(0, 0.0, 1.0)]
    assert told(read_chart(body_of([[START, 1], [START + DAY, 2]])))[1] == (1, 0.0, 2.0)


def test_in_an_hourly_series_only_exact_midnights_stand_for_a_date() -> None:
    hourly = [[START + number * 60 * MINUTE + 3 * MINUTE, number] for number in range(72)]
    assert told(read_chart(body_of(hourly))) == []
    hourly[24] = [START + DAY, 24]
    assert told(read_chart(body_of(hourly))) == [(1, 0.0, 24.0)]


def test_an_exact_point_wins_over_a_near_one_and_of_two_exact_ones_the_later() -> None:
    prices = [[START + 5 * MINUTE, 1], [START, 2], [START, 3], [START + DAY, 4]]
    assert told(read_chart(body_of(prices)))[0] == (0, 0.0, 3.0)


def test_a_series_later_point_does_not_stand_beside_anothers_exact_one() -> None:
    end = [START + DAY, 9]
    points = read_chart(body_of([[START, 1], end], [[START + MINUTE, 2], end], [[START, 3], end]))
    assert np.isnan(points.values["volume_24h_usd"][0])
    assert (points.seconds[0], points.values["market_cap_usd"][0]) == (0.0, 3.0)


@pytest.mark.parametrize("value", [True, False, "12.5", {"usd": 1}, [1], "", "NaN"])
def test_what_is_no_number_is_not_given_and_counted(value: Any) -> None:
    points = read_chart(body_of([[START, value], [START + DAY, 2]], [[START, 1]]))
    assert told(points) == [(0, 0.0, None), (1, 0.0, 2.0)]
    assert (points.not_numbers, points.negative) == (1, 0)


@pytest.mark.parametrize("value", [-1, -1e-300, -5.5])
def test_a_negative_value_is_not_given_and_counted(value: float) -> None:
    points = read_chart(body_of([[START, 1]], [[START, value]], [[START, 2]]))
    assert np.isnan(points.values["volume_24h_usd"][0])
    assert (points.not_numbers, points.negative) == (0, 1)
    assert told(points) == [(0, 0.0, 1.0)]


def test_zero_is_a_value_and_has_one_sign() -> None:
    points = read_chart(b'{"prices": [[0, -0.0], [86400000, 0]], "market_caps": [], "total_volumes": []}')
    assert points.values["price_usd"].view(np.int64).tolist() == [0, 0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b'{"prices": []}',
        b'{"prices": [], "market_caps": null, "total_volumes": []}',
        b'{"prices": {}, "market_caps": [], "total_volumes": []}',
        b'{"prices": [[0, 1e999]], "market_caps": [], "total_volumes": []}',
        b'{"prices": [[0, -1e999]], "market_caps": [], "total_volumes": []}',
        b'{"prices": [[0, NaN]], "market_caps": [], "total_volumes": []}',
        b'{"prices": [[0, Infinity]], "market_caps": [], "total_volumes": []}',
        b'{"prices": [[1e999, 1]], "market_caps": [], "total_volumes": []}',
        b'{"prices": [[0, ' + b"9" * 400 + b'], [1, 2]], "market_caps": [], "total_volumes": []}',
        b'{"prices": [[0, ' + b"9" * 5_000 + b']], "market_caps": [], "total_volumes": []}',
        b'{"prices": [[0]], "market_caps": [], "total_volumes": []}',
        b'{"prices": [0, 1], "market_caps": [], "total_volumes": []}',
        b'{"prices": [["0", 1]], "market_caps": [], "total_volumes": []}',
        b'{"prices": [[true, 1]], "market_caps": [], "total_volumes": []}',
        b'{"prices": [[null, 1]], "market_caps": [], "total_volumes": []}',
        b"[" * 5_000,
    ],
)
def test_what_is_no_chart_is_unreadable_and_says_why(body: bytes) -> None:
    with pytest.raises(UnreadableChart, match="the "):
        read_chart(body)


def test_times_that_are_none_are_passed_over() -> None:
    odd = [[-DAY, 1], [1e300, 2], [START, 3], [START + 0.25, 4], [253_402_300_800_000, 5], [START + DAY, 6]]
    assert told(read_chart(body_of(odd))) == [(0, 0.0, 3.0), (1, 0.0, 6.0)]


def test_a_moment_is_kept_to_the_microsecond_as_a_database_does() -> None:
    points = read_chart(body_of([[START + 300_000.125 + 2**-12, 1], [START + DAY, 2]]))
    assert told(points)[0] == (0, 300.000125, 1.0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
stamps = st.one_of(st.integers(0, 30 * DAY), st.integers(0, 30).map(lambda n: n * DAY), st.floats(), json_values)
series = st.lists(st.tuples(stamps, st.floats(0, 1e15) | json_values), max_size=12) | json_values


@given(st.dictionaries(st.sampled_from([*SERIES.values(), "more"]), series) | json_values)
def test_any_json_is_points_or_unreadable(document: Any) -> None:
    try:
        points = read_chart(json.dumps(document).encode())
    except UnreadableChart:
        return
    assert (np.diff(points.days) > 0).all()
    assert ((points.seconds >= 0) & (points.seconds <= 900)).all()
    values = np.array([points.values[column] for column in SERIES])
    assert ((values >= 0) | np.isnan(values)).all()
    assert not np.isinf(values).any()
    assert (~np.isnan(values)).any(axis=0).all(), "each date has a value"
    assert {len(numbers) for numbers in (points.days, points.seconds, *values)} == {len(points)}


@given(st.binary(max_size=40))
def test_any_bytes_are_points_or_unreadable(body: bytes) -> None:
    with suppress(UnreadableChart):
        assert len(read_chart(body)) == 0


def recorded_charts() -> list[tuple[str, bytes]]:
    folder = recordings_dir() / "market_chart"
    paths = [path for path in sorted(folder.rglob("*.json.gz")) if "hourly" not in path.as_posix()]
    return [(path.relative_to(folder).as_posix(), gzip.decompress(path.read_bytes())) for path in paths]


def test_every_midnight_of_a_recorded_chart_is_a_point_with_the_very_values() -> None:
    charts = recorded_charts()
    assert len(charts) >= 10
    for name, body in charts:
        points, document = read_chart(body), json.loads(body)
        for column, series_name in SERIES.items():
            given_values = {
                stamp // DAY: value for stamp, value in document[series_name] if stamp % DAY == 0 and value is not None
            }
            got = {
                day: value
                for day, value, second in zip(
                    points.days.tolist(), points.values[column].tolist(), points.seconds.tolist(), strict=True
                )
                if second == 0 and value == value
            }
            assert got == given_values, name
        last_moment = document["prices"][-1][0] // DAY
        assert points.days[-1] == last_moment, name
        assert (points.not_numbers, points.negative) == (0, 0), name


@pytest.mark.parametrize("day", [date(2018, 1, 30), date(2018, 2, 8)])
def test_the_dates_whose_points_stand_at_five_past_midnight_have_a_row_of_every_export_that_has_them(day: date) -> None:
    number = day.toordinal() - date(1970, 1, 1).toordinal()
    found = 0
    for path in sorted((recordings_dir() / "csv_export").rglob("*.csv.gz")):
        with gzip.open(path, "rt") as lines:
            rows = list(csv.DictReader(lines))
        moments = [datetime.fromisoformat(row["snapped_at"].replace(" UTC", "+00:00")) for row in rows]
        if not moments[0].date() < day < moments[-1].date():
            continue
        prices = [
            [int(moment.astimezone(UTC).timestamp() * 1000), float(row["price"]) if row["price"] else None]
            for moment, row in zip(moments, rows, strict=True)
        ]
        points = read_chart(body_of(prices))
        place = int(np.searchsorted(points.days, number))
        assert points.days[place] == number, path.name
        assert 300 <= points.seconds[place] <= 330, path.name
        assert points.values["price_usd"][place] > 0
        found += 1
    assert found >= 5
