import math

import pytest

from coingecko_pipeline.report.words import UNKNOWN, price, signed, usd


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, UNKNOWN),
        (math.nan, UNKNOWN),
        (0.0, "$0"),
        (0.12345, "$0.1235"),
        (999.4, "$999.4"),
        (1_234.6, "$1.235 K"),
        (56.7e6, "$56.7 M"),
        (3.24951e12, "$3.25 T"),
        (4.5e16, "$45,000 T"),
    ],
)
def test_an_amount_has_four_digits_and_a_unit(value: float | None, text: str) -> None:
    assert usd(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, UNKNOWN),
        (0.0, "$0"),
        (67_432.184, "$67,432.18"),
        (1.0, "$1"),
        (3.141592653, "$3.14159"),
        (0.0000123456, "$0.00001235"),
        (1.23456e-9, "$1.235e-9"),
    ],
)
def test_a_price_is_readable_at_every_size(value: float | None, text: str) -> None:
    assert price(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "+10.0 %"), (-0.0549, "\N{MINUS SIGN}5.5 %"), (-0.0004, "0.0 %"), (0.0, "0.0 %")]
)
def test_a_change_tells_its_sign_unless_it_rounds_to_nothing(value: float, text: str) -> None:
    assert signed(value) == text
