"""Numbers as small text that the page turns back into numbers when it needs them.

A positive number is stored as the nearest whole number of steps of its natural logarithm, so the error is relative and
the same for a price of 1e-18 and a market cap of 1e13: half a step. Along a row the differences to the point before
are stored, which are small; their four bytes stand in four planes, of which the upper ones are nearly all zero; the
whole is deflated (zlib) and written in base64. `static/packing.js` reads it.
"""

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = -(2**31)
"""Stands for a number that is not known: NaN in, NaN out."""
ZERO = MISSING + 1
"""Stands for 0, which has no logarithm."""
LEVEL = 9
"""zlib's best: the pages are written once and read often."""


@dataclass(frozen=True)
class Series:
    """A packed matrix: one row for each coin, one column for each point.

    Attributes:
        name: What the page asks for it by.
        rows: Coins.
        columns: Points of each.
        step: Step of the natural logarithm; the error is half of it, relative.
        text: The packed numbers.
    """

    name: str
    rows: int
    columns: int
    step: float
    text: str

    @property
    def error(self) -> float:
        """The largest relative error."""
        return self.step / 2


def pack_series(name: str, values: NDArray[np.float64], step: float) -> Series:
    """Pack a matrix, or a vector as a matrix of one column.

    Args:
        name: What the page asks for it by.
        values: Not negative; NaN where not known.
        step: Step of the natural logarithm.

    Raises:
        ValueError: A value is negative or infinite, or too far from 1 for the step.
    """
    matrix = values.reshape(len(values), -1)
    known = ~np.isnan(matrix)
    if np.isinf(matrix).any() or (matrix[known] < 0).any():
        raise ValueError(f"{name} holds a negative or infinite number, which cannot be packed")
    logs = np.log(matrix, where=known & (matrix > 0), out=np.zeros_like(matrix)) / step
    if np.abs(logs).max(initial=0) >= -ZERO:
        raise ValueError(f"{name} holds a number that is too far from 1 for the step {step}")
    codes = np.where(known, np.where(matrix == 0, ZERO, np.rint(logs)), MISSING).astype(np.int32)
    return Series(name, *matrix.shape, step, deflate(_planes(codes)))


def deflate(data: bytes) -> str:
    """Bytes as the base64 text of their zlib stream."""
    return base64.b64encode(zlib.compress(data, LEVEL)).decode("ascii")


def _planes(codes: NDArray[np.int32]) -> bytes:
    """The differences along the rows, zigzag (0, -1, 1, -2, … as 0, 1, 2, 3, …), as four planes of bytes, low first."""
    # Differences wrap around like the additions that undo them.
    differences: NDArray[Any] = np.diff(codes, axis=1, prepend=np.zeros((len(codes), 1), dtype=np.int32))
    zigzag = ((differences << 1) ^ (differences >> 31)).astype("<u4")
    return zigzag.reshape(-1).view(np.uint8).reshape(-1, 4).T.tobytes()
