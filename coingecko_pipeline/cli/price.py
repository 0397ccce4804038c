"""What a coin cost at a date."""

import json
import sys
from datetime import timedelta
from typing import Any

import click

from coingecko_pipeline.analysis import (
    AmbiguousCoin,
    AnalysisError,
    InvalidQuestion,
    NoDatabase,
    NoPrice,
    NoRate,
    Price,
    UnknownCoin,
    UnknownCurrency,
    price,
)
from coingecko_pipeline.cli.demo_place import DEMO_DATABASE, demo_option
from coingecko_pipeline.cli.terminal import CONSOLE, ERRORS

NO_SUCH_PRICE = 1
WRONG_QUESTION = 2

KINDS: tuple[tuple[type[AnalysisError], str], ...] = (
    (UnknownCoin, "unknown_coin"),
    (AmbiguousCoin, "ambiguous_coin"),
    (UnknownCurrency, "unknown_currency"),
    (InvalidQuestion, "invalid_question"),
    (NoDatabase, "no_database"),
    (NoRate, "no_rate"),
)
"""What the JSON calls each error; of one without a price it has the reason."""


@click.command("price")
@click.argument("coin")
@click.option("--at", "when", metavar="DATE", help="A date, or a moment in UTC; by default the latest value there is.")
@click.option("--currency", default="usd", show_default=True, help="Its code, such as eur.")
@click.option("--tolerance", type=click.IntRange(0), default=0, show_default=True, help="Days it may be away.")
@demo_option
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object, an error too.")
def price_command(coin: str, when: str | None, currency: str, tolerance: int, on_demo: bool, as_json: bool) -> None:
    """Tell what COIN cost: its id, its chain and contract as ethereum:0xdac1…, or a symbol that only one coin has.

    The exit code is 0 for a price, 1 where there is none (a hole, a date before the coin, one that is gone, no rate),
    and 2 where the question cannot be understood, as with an unknown coin or a symbol of several.
    """
    try:
        database = f"sqlite:///{DEMO_DATABASE}" if on_demo else None
        found = price(coin, when, currency=currency, tolerance=tolerance, database=database)
    except AnalysisError as error:
        if as_json:
            click.echo(json.dumps({"error": _as_object(error)}, indent=2))
        else:
            ERRORS.print(f"Error: {error}.", highlight=False, soft_wrap=True)
        sys.exit(WRONG_QUESTION if isinstance(error, InvalidQuestion) else NO_SUCH_PRICE)
    if as_json:
        click.echo(json.dumps(_answer(found), indent=2))
    else:
        CONSOLE.print(_sentences(found), highlight=False, soft_wrap=True)


def _answer(found: Price) -> dict[str, Any]:
    return {
        "asset_id": found.asset_id,
        "symbol": found.symbol,
        "name": found.name,
        "is_gone": found.is_gone,
        "value": found.value,
        "currency": found.currency,
        "date": found.date.isoformat(),
        "time": found.time.isoformat(),
        "source": found.source,
        "observed_at": found.observed_at.isoformat() if found.observed_at else None,
        "asked": found.asked.isoformat(),
        "distance_seconds": found.distance.total_seconds(),
        "usd_per_unit": found.usd_per_unit,
    }


def _as_object(error: AnalysisError) -> dict[str, Any]:
    found: dict[str, Any] = {"message": f"{error}."}
    if isinstance(error, NoPrice):
        dates = {"before": error.before, "after": error.after}
        return {"kind": error.reason, **found, **{name: day and day.isoformat() for name, day in dates.items()}}
    if isinstance(error, AmbiguousCoin):
        found["candidates"] = [vars(candidate) for candidate in error.candidates]
    return {"kind": next((name for kind, name in KINDS if isinstance(error, kind)), "nothing_stored"), **found}


def _sentences(found: Price) -> str:
    gone = ", which has left the list since" if found.is_gone else ""
    observed = f", observed at {found.observed_at:%Y-%m-%d %H:%M:%S} UTC" if found.observed_at else ""
    lines = [
        f"{found.value!r} {found.currency}",
        f"  coin      {found.asset_id} ({found.name}, {found.symbol}){gone}",
        f"  date      {found.date}",
        f"  source    {found.source}{observed}",
        f"  distance  {_distance(found.distance)}",
    ]
    if found.usd_per_unit != 1:
        lines.append(f"  rate      {found.usd_per_unit!r} usd for a unit of {found.currency} on {found.date}")
    return "\n".join(lines)


def _distance(distance: timedelta) -> str:
    if not distance:
        return "none"
    return f"{abs(distance)} {'before' if distance < timedelta() else 'after'} what was asked"
