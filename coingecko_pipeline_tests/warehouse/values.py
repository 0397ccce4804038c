"""Values as tests compare them."""

from typing import Any

import pandas as pd


def without_nan(values: "pd.Series[Any]") -> list[Any]:
    """The values of a column, with None in the place of every kind of nothing."""
    return [None if pd.isna(value) else value for value in values]
