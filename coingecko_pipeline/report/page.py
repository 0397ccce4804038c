"""The page: templates filled with what was read, every name escaped, and nothing that the network has to bring."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from coingecko_pipeline import __version__
from coingecko_pipeline.report import movers, words
from coingecko_pipeline.report.charts import coin_charts, health_charts, library, market_charts
from coingecko_pipeline.report.contents import Contents
from coingecko_pipeline.report.coverage import FULL, Coverage, Day
from coingecko_pipeline.report.dates import WEEK
from coingecko_pipeline.report.market import DETAILED, Coin
from coingecko_pipeline.report.packing import deflate
from coingecko_pipeline.report.place import GENERATOR
from coingecko_pipeline.report.series import DAILY_STEPS, WEEKLY_STEPS, pack_market

SCRIPTS = ("numbers.js", "packing.js", "theme.js", "charts.js", "table.js", "coin.js", "page.js")
"""In this order they are one script."""
LEVELS = 5
"""Shades of the heat map."""
GAPS_SHOWN = 10

_STATIC = files("coingecko_pipeline.report") / "static"


@dataclass(frozen=True)
class Cell:
    """One date of the heat map.

    Attributes:
        day: The date and its figures; None before the first and after the last date.
        level: The shade: 0 for no rows, 5 for a row of every coin.
        share: The rows as a share of the coins of the latest list.
    """

    day: Day | None
    level: int = 0
    share: float = 0.0


@dataclass(frozen=True)
class Week:
    """One column of the heat map.

    Attributes:
        first: Its first date that is shown.
        month: The month's name, where the week is the first that begins in it; else empty.
        cells: Its seven dates from Monday on.
    """

    first: date
    month: str
    cells: Sequence[Cell]


def render(contents: Contents) -> str:
    """The page as HTML."""
    script = "(() => {\n'use strict';\n" + "\n".join(_static(name) for name in SCRIPTS) + "\n})();"
    bokeh = library()
    coverage = contents.coverage
    days = coverage.days
    figures = [
        *market_charts(coverage, contents.dominance),
        *health_charts(coverage, contents.agreement),
        *coin_charts(),
    ]
    return _environment().get_template("page.html").render(
        contents=contents,
        coverage=coverage,
        latest=days[-1],
        generator=GENERATOR,
        version=__version__,
        policy=content_security_policy(script, bokeh),
        style=_static("style.css"),
        script=script,
        bokeh=deflate(bokeh.encode("utf-8")),
        coins=deflate(_coins(contents.market.coins)),
        figures={chart.name: chart.item for chart in figures},
        series=pack_market(contents.market),
        shares={point.day: point for point in contents.dominance},
        weeks=heat_map(coverage),
        gaps=[day for day in reversed(days) if day.gaps][:GAPS_SHOWN],
        gap_dates=sum(day.gaps > 0 for day in days),
        empty_dates=sum(day.rows == 0 for day in days),
        detailed=min(DETAILED, len(contents.market.coins)),
        least_market_cap=movers.LEAST_MARKET_CAP_USD,
        least_volume=movers.LEAST_VOLUME_24H_USD,
        full_share=FULL,
        weekly_error=WEEKLY_STEPS["price_usd"] / 2,
        weekly_volume_error=WEEKLY_STEPS["volume_24h_usd"] / 2,
        daily_error=DAILY_STEPS["price_usd"] / 2,
    )  # fmt: skip


def content_security_policy(*scripts: str) -> str:
    """A policy that forbids every request, and every script but these.

    Styles are free, since Bokeh makes its own at run time.
    """
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def heat_map(coverage: Coverage) -> Sequence[Week]:
    """The dates as weeks from Monday to Sunday, the first and the last one filled up with empty cells."""
    cells = [Cell(None)] * coverage.days[0].day.weekday()
    cells += [Cell(day, _level(coverage.share(day)), coverage.share(day)) for day in coverage.days]
    cells += [Cell(None)] * (-len(cells) % WEEK)
    weeks: list[Week] = []
    for begin in range(0, len(cells), WEEK):
        week = cells[begin : begin + WEEK]
        first = next(cell.day.day for cell in week if cell.day)
        # The first week of a month has its Monday in the month's first seven days; the year may begin in any.
        weeks.append(Week(first, first.strftime("%b") if first.day <= WEEK else "", week))
    return weeks


def _level(share: float) -> int:
    # A date with any row is told from one without.
    return 0 if share == 0 else max(1, int(share * LEVELS))


def _coins(coins: Sequence[Coin]) -> bytes:
    return json.dumps(
        {
            "ids": [coin.asset_id for coin in coins],
            "symbols": [coin.symbol for coin in coins],
            "names": [coin.name for coin in coins],
            "left": {row: str(coin.left_on) for row, coin in enumerate(coins) if coin.left_on},
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("coingecko_pipeline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A figure refers back to what stands before it, so the order of its keys counts.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    environment.filters |= {
        "usd": words.usd,
        "price": words.price,
        "percent": words.percent,
        "signed": words.signed,
        "counted": words.counted,
    }
    return environment


def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
