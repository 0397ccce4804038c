"""The charts, drawn by Bokeh: each one a figure whose colours the page's theme gives.

A renderer is named for the colour that it takes, a CSS variable of `static/style.css` without its dashes. The charts of
one coin have a point that stands for none; `static/coin.js` gives them the coin's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import (
    BasicTickFormatter,
    ColumnDataSource,
    DatetimeTickFormatter,
    HoverTool,
    NumeralTickFormatter,
    TickFormatter,
)
from bokeh.plotting import figure
from bokeh.util.paths import bokehjs_path

from coingecko_pipeline.report.agreement import Agreement
from coingecko_pipeline.report.coverage import Coverage
from coingecko_pipeline.report.dominance import Dominance
from coingecko_pipeline.report.words import counted, percent, usd

HEIGHT = 250
"""Pixels: two charts fit a laptop's screen beside their headings."""
DAY_MS = 86_400_000
AREA_ALPHA = 0.16
STACK_ALPHA = 0.82
MONEY = "$0.[00]a"
SHARE = "0.[0]%"

Columns = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """One chart of the page.

    Attributes:
        name: The id of the element that it is drawn into.
        item: What BokehJS embeds.
    """

    name: str
    item: dict[str, Any]


def library() -> str:
    """BokehJS as the installed package carries it: plots alone, without widgets and tables."""
    return (Path(bokehjs_path()) / "js" / "bokeh.min.js").read_text(encoding="utf-8")


def market_charts(coverage: Coverage, dominance: Sequence[Dominance]) -> list[Chart]:
    """Market cap, volume and dominance over time."""
    days = coverage.days
    market_cap = _columns((day.day, day.market_cap_usd, usd(day.market_cap_usd)) for day in days if day.market_cap_usd)
    volume = _columns((day.day, day.volume_24h_usd, usd(day.volume_24h_usd)) for day in days if day.volume_24h_usd)
    return [
        _line("market-cap", market_cap, MONEY, "Market cap"),
        _bars("market-volume", volume, MONEY, "24-hour volume"),
        _dominance(dominance),
    ]


def health_charts(coverage: Coverage, agreement: Agreement | None) -> list[Chart]:
    """The rows of each date by source, and how far a second source's prices are apart."""
    columns: Columns = {
        "date": [_milliseconds(day.day) for day in coverage.days],
        "label": [day.day.isoformat() for day in coverage.days],
        "chart": [day.chart_rows for day in coverage.days],
        "snapshot": [day.snapshot_rows for day in coverage.days],
        "chart_text": [counted(day.chart_rows) for day in coverage.days],
        "snapshot_text": [counted(day.snapshot_rows) for day in coverage.days],
    }
    plot = _figure(NumeralTickFormatter(format="0,0"))
    stack = plot.vbar_stack(
        ["chart", "snapshot"], x="date", width=DAY_MS, source=ColumnDataSource(columns), line_width=0
    )
    for renderer, colour in zip(stack, ("series-1", "series-3"), strict=True):
        renderer.name = colour
    _hover(plot, stack[0], [("exact (chart)", "@chart_text"), ("snapshot", "@snapshot_text")])
    charts = [_chart("rows-by-source", plot)]
    if agreement:
        apart = _columns((day.day, day.mean_difference, percent(day.mean_difference, 3)) for day in agreement.days)
        charts.append(_line("agreement-chart", apart, "0.[000]%", "Mean difference"))
    return charts


def coin_charts() -> list[Chart]:
    """The charts of one coin, without its points."""
    empty: Columns = {"date": [0], "label": [""], "value": [0.0], "text": [""]}
    return [
        # A coin's price may be 1e-12, which the other charts' format would show as 0.
        _line("coin-price", empty, None, "Price"),
        _bars("coin-volume", empty, MONEY, "24-hour volume"),
        _line("coin-market-cap", empty, MONEY, "Market cap"),
        _line("coin-drawdown", empty, SHARE, "Below the highest", colour="series-4"),
    ]


def _dominance(dominance: Sequence[Dominance]) -> Chart:
    columns: Columns = {
        "date": [_milliseconds(point.day) for point in dominance],
        "label": [point.day.isoformat() for point in dominance],
        "largest": [point.largest for point in dominance],
        "next_nine": [point.ten - point.largest for point in dominance],
        "next_ninety": [point.hundred - point.ten for point in dominance],
        "rest": [1 - point.hundred for point in dominance],
    }
    told = []
    for name in ("largest", "next_nine", "next_ninety", "rest"):
        columns[f"{name}_text"] = [percent(value) for value in columns[name]]
        told.append((name.replace("_", " "), f"@{name}_text"))
    plot = _figure(NumeralTickFormatter(format="0%"))
    plot.y_range.update(start=0, end=1)
    source = ColumnDataSource(columns)
    names = ["largest", "next_nine", "next_ninety", "rest"]
    stack = plot.varea_stack(names, x="date", source=source, fill_alpha=STACK_ALPHA)
    for renderer, colour in zip(stack, range(1, 5), strict=True):
        renderer.name = f"series-{colour}"
    edge = plot.line("date", "largest", source=source, line_width=1.5, name="series-1")
    _hover(plot, edge, told)
    return _chart("dominance", plot)


def _line(name: str, columns: Columns, number_format: str | None, what: str, colour: str = "series-1") -> Chart:
    plot = _figure(
        NumeralTickFormatter(format=number_format)
        if number_format
        else BasicTickFormatter(power_limit_low=-4, power_limit_high=7)
    )
    source = ColumnDataSource({**columns, "zero": [0.0] * len(columns["date"])}, name="points")
    plot.varea("date", "zero", "value", source=source, fill_alpha=AREA_ALPHA, name=colour)
    line = plot.line("date", "value", source=source, line_width=2, line_join="round", name=colour)
    _hover(plot, line, [(what, "@text")])
    return _chart(name, plot)


def _bars(name: str, columns: Columns, number_format: str, what: str) -> Chart:
    plot = _figure(NumeralTickFormatter(format=number_format))
    plot.y_range.update(start=0)
    source = ColumnDataSource({**columns, "width": [DAY_MS] * len(columns["date"])}, name="points")
    bars = plot.vbar("date", top="value", width="width", source=source, line_color=None, name="series-2")
    _hover(plot, bars, [(what, "@text")])
    return _chart(name, plot)


def _figure(y_format: TickFormatter) -> figure:
    plot = figure(
        height=HEIGHT,
        sizing_mode="stretch_width",
        x_axis_type="datetime",
        # Without tools for dragging and scrolling a finger or a wheel on a chart moves the page, as it should.
        tools="",
        toolbar_location=None,
        min_border_left=52,
    )
    plot.toolbar.logo = None
    plot.xaxis.formatter = DatetimeTickFormatter(days="%-d %b", months="%b %Y", years="%Y")
    plot.yaxis.formatter = y_format
    plot.xgrid.visible = False
    for axis in (*plot.xaxis, *plot.yaxis):
        axis.ticker.update(desired_num_ticks=5)
        axis.update(
            axis_line_color=None,
            major_tick_line_color=None,
            minor_tick_line_color=None,
            major_label_text_font="system-ui, sans-serif",
            major_label_text_font_size="12px",
        )
    plot.update(background_fill_color=None, border_fill_color=None, outline_line_color=None)
    return plot


def _hover(plot: figure, renderer: Any, told: list[tuple[str, str]]) -> None:
    plot.add_tools(
        HoverTool(
            renderers=[renderer],
            mode="vline",
            line_policy="nearest",
            point_policy="snap_to_data",
            tooltips=[("date", "@label"), *told],
        )
    )


def _chart(name: str, plot: figure) -> Chart:
    return Chart(name, dict(json_item(plot, ID(name))))


def _columns(points: Iterable[tuple[date, float, str]]) -> Columns:
    rows = [(_milliseconds(day), day.isoformat(), value, text) for day, value, text in points]
    return {name: [row[at] for row in rows] for at, name in enumerate(("date", "label", "value", "text"))}


def _milliseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
