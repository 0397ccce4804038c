"""Numbers as the page shows them; `static/numbers.js` shows those of the table in the same way."""

UNKNOWN = "\N{EN DASH}"
"""Where a number is not known."""

TINY = 1e-6
"""A price below this is written with a power of ten."""
_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))


def usd(value: float | None) -> str:
    """An amount of US dollars in four digits: $1.234 T, $56.7 M, $0.123."""
    if value is None or value != value:
        return UNKNOWN
    for size, unit in _UNITS:
        if value >= size:
            return f"${_digits(value / size)} {unit}"
    return f"${_digits(value)}"


def price(value: float | None) -> str:
    """A price in US dollars: cents from a thousand on, six digits from a dollar on, four below: $1.234e-9."""
    if value is None or value != value:
        return UNKNOWN
    if value >= 1000:
        return f"${value:,.2f}"
    if value >= 1:
        return f"${value:.6g}"
    if value == 0 or value >= TINY:
        return f"${_digits(value)}"
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"${mantissa}e{int(exponent)}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share or a change, of 1, in percent."""
    return UNKNOWN if value is None or value != value else f"{value * 100:.{digits}f} %"


def signed(value: float) -> str:
    """A change, of 1, in percent with its sign."""
    text = f"{abs(value) * 100:,.1f}"
    sign = "" if text == "0.0" else "\N{MINUS SIGN}" if value < 0 else "+"
    return f"{sign}{text} %"


def counted(value: int) -> str:
    """A count with separators."""
    return f"{value:,}"


def _digits(value: float) -> str:
    """Four significant digits, never with a power of ten."""
    return f"{float(f'{value:.4g}'):,.10f}".rstrip("0").rstrip(".")
