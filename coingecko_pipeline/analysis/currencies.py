"""What a unit of a currency cost in US dollars, by date."""

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches

from sqlalchemy import Connection, select

from coingecko_pipeline import tables
from coingecko_pipeline.analysis.errors import NoRate, UnknownCurrency

DOLLAR = "usd"


def read_rates(connection: Connection, currency: str, first: date, last: date) -> Mapping[date, float]:
    """The rates of some dates (US dollars by unit).

    Args:
        connection: Reads.
        currency: Its code, in any case of letters; not the dollar's.
        first: The first date.
        last: The last one.

    Raises:
        UnknownCurrency: No rate of it was ever stored.
    """
    rates = tables.fx_rates.c
    code = currency.lower()
    query = select(rates.date, rates.usd_per_unit).where(rates.currency == code, rates.date.between(first, last))
    found = {row[0]: row[1] for row in connection.execute(query)}
    if not found and connection.scalar(select(rates.date).where(rates.currency == code).limit(1)) is None:
        raise UnknownCurrency(_unknown(connection, currency))
    return found


def no_rate(currency: str, first: date, last: date) -> NoRate:
    """The error of dates that have values and no rate."""
    code = currency.lower()
    dates = f"{first}" if first == last else f"some dates from {first} to {last}"
    return NoRate(
        f"there is no rate of {code} on {dates}: coingecko-pipeline fx --currency {code} --from {first} --to {last} "
        "fetches it; without a currency the values are US dollars"
    )


def is_dollar(currency: str) -> bool:
    """Whether values in it are as they are stored."""
    return currency.lower() == DOLLAR


def _unknown(connection: Connection, currency: str) -> str:
    known = list(connection.scalars(select(tables.fx_rates.c.currency).distinct()))
    if not known:
        return f"there is no rate of any currency yet, {currency!r} neither; values in US dollars (usd) need none"
    close = get_close_matches(currency.lower(), known, n=3)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"{len(known)} currencies have some"
    return f"no rate of {currency!r} was ever stored; {hint}"
