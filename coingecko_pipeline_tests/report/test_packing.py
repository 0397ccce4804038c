import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from coingecko_pipeline.report.packing import MISSING, ZERO, Series, pack_series

NUMBERS = st.one_of(st.floats(1e-18, 1e15), st.just(0.0), st.just(float("nan")))


def unpack(series: Series) -> NDArray[np.float64]:
    """What static/packing.js does, step by step."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(series.text)), np.uint8).reshape(4, -1).astype(np.uint32)
    zigzag = planes[0] | planes[1] << 8 | planes[2] << 16 | planes[3] << 24
    differences = (zigzag >> 1).astype(np.int32) ^ -(zigzag & 1).astype(np.int32)
    codes = np.cumsum(differences.reshape(series.rows, series.columns), axis=1, dtype=np.int32)
    numbers: NDArray[np.float64] = np.exp(codes * series.step)
    numbers[codes == MISSING] = np.nan
    numbers[codes == ZERO] = 0
    return numbers


@given(values=arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=NUMBERS))
def test_numbers_come_back_within_half_a_step_and_what_is_missing_or_0_exactly(values: NDArray[np.float64]) -> None:
    for step in (1e-7, 5e-3):
        series = pack_series("any", values, step)
        found = unpack(series)
        assert (series.rows, series.columns) == found.shape == values.shape
        assert (np.isnan(found) == np.isnan(values)).all()
        assert ((found == 0) == (values == 0)).all()
        known = values > 0
        assert (np.abs(found[known] / values[known] - 1) <= series.error * 1.01).all()


def test_a_vector_is_a_matrix_of_one_column() -> None:
    series = pack_series("latest", np.array([1.0, np.nan, 3.0]), 1e-7)
    assert (series.rows, series.columns) == (3, 1)
    assert unpack(series)[:, 0] == pytest.approx([1, np.nan, 3], rel=1e-7, nan_ok=True)


def test_what_hardly_changes_takes_hardly_any_room() -> None:
    steady = pack_series("supply", np.full((1000, 53), 21e6), 5e-3)
    moving = pack_series("price", np.exp(np.random.default_rng(1).normal(size=(1000, 53))), 5e-3)
    assert len(steady.text) < 2_000 < 50_000 < len(moving.text)


@pytest.mark.parametrize(
    ("value", "step", "told"),
    [
        (-1.0, 1e-3, "a negative or infinite number"),
        (float("inf"), 1e-3, "a negative or infinite number"),
        (1e300, 1e-7, "too far from 1 for the step 1e-07"),
    ],
)
def test_what_cannot_be_packed_is_refused(value: float, step: float, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        pack_series("any", np.array([[1.0, value]]), step)
