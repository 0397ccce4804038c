"""Recorded answers instead of the synthetic market, each body as it stands in its file.

The folder is laid out as `coins_list/DATE.json.gz`, `coins_markets/DATE/page_NN.json.gz` and
`market_chart/CAPTURE/COIN.json.gz`. What is served is the newest recording that is not later than the
sandbox's time. No number is ever parsed and printed again: bodies and rows are passed on as text.

Recordings are one answer each, so what a request asks beyond that has no effect: the currency, the number of
days, the interval within daily captures, the rehypothecated coins. Nothing is recorded of ranges, history, prices and
totals.
"""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NoReturn

from .charts import Granularity
from .clock import milliseconds
from .errors import SandboxError, coin_not_found, invalid_parameter, not_recorded
from .parameters import PageWanted

_HOURLY = "_hourly"
_PLATFORMS = "_platforms"


@dataclass(frozen=True)
class Row:
    """One recorded row of a market page: its text, and what it is sorted by."""

    text: str
    coin_id: str
    market_cap: float
    volume: float


@dataclass(frozen=True)
class Capture:
    """One recorded chart: when it was taken (its last point, in ms since 1970-01-01 UTC) and what it holds."""

    taken_ms: int
    hourly: bool
    body: bytes


class RecordedMarket:
    """The recordings of one folder, in the place of the synthetic market.

    Raises:
        SandboxError: The folder holds nothing that could be served.
    """

    def __init__(self, folder: Path) -> None:
        self._lists = sorted(folder.glob("coins_list/*.json.gz"))
        self._page_folders = sorted(path for path in folder.glob("coins_markets/*") if path.is_dir())
        self._chart_files: dict[str, list[Path]] = {}
        for path in sorted(folder.glob("market_chart/*/*.json.gz")):
            self._chart_files.setdefault(path.name.removesuffix(".json.gz"), []).append(path)
        if not (self._lists or self._page_folders or self._chart_files):
            raise SandboxError(f"The folder {folder} holds no coins_list, coins_markets or market_chart.")
        self._captures = lru_cache(maxsize=256)(self._read_captures)
        self._rows = lru_cache(maxsize=2)(_read_rows)
        self._body = lru_cache(maxsize=4)(_read)

    @cached_property
    def _dated_lists(self) -> list[tuple[int, bool, Path]]:
        return [(_midnight_ms(path.name), path.name.endswith(f"{_PLATFORMS}.json.gz"), path) for path in self._lists]

    def coins_list(self, now_ms: int, include_platform: bool, inactive: bool) -> bytes:
        """The newest list; of two of one date, that with platforms if they are asked for.

        Raises:
            ApiError: 404 where none was recorded by now, and for the inactive coins.
        """
        fitting = [(taken_ms, platforms, path) for taken_ms, platforms, path in self._dated_lists if taken_ms <= now_ms]
        if inactive or not fitting:
            raise not_recorded("inactive coins" if inactive else "coins/list")
        return self._body(max(fitting, key=lambda recorded: (recorded[0], recorded[1] == include_platform))[2])

    def markets(self, now_ms: int, wanted: PageWanted) -> tuple[bytes, int]:
        """One page of the newest rows, and their number. `market_cap_desc` is the order they were recorded in.

        Raises:
            ApiError: 404 where none were recorded by now; 422 for an order that does not exist.
        """
        folders = [path for path in self._page_folders if _midnight_ms(path.name) <= now_ms]
        if not folders:
            raise not_recorded("coins/markets")
        rows: Sequence[Row] = self._rows(folders[-1])
        if wanted.ids is not None:
            chosen = frozenset(wanted.ids)
            rows = [row for row in rows if row.coin_id in chosen]
        match wanted.order:
            case "market_cap_desc":
                pass
            case "id_asc" | "id_desc":
                rows = sorted(rows, key=lambda row: row.coin_id, reverse=wanted.order == "id_desc")
            case "market_cap_asc":
                rows = sorted(rows, key=lambda row: row.market_cap)
            case "volume_asc" | "volume_desc":
                rows = sorted(rows, key=lambda row: row.volume, reverse=wanted.order == "volume_desc")
            case _:
                raise invalid_parameter("order")
        page = rows[(wanted.page - 1) * wanted.per_page : wanted.page * wanted.per_page]
        return f"[{','.join(row.text for row in page)}]".encode(), len(rows)

    def chart(
        self,
        now_ms: int,
        coin_id: str,
        *,
        days: int | None,
        granularity: Granularity | None,
        delisted: bool,
        currency: str,
    ) -> bytes:
        """The newest chart of a coin. An hourly capture is served for 2 to 90 days without `interval=daily` only.

        Raises:
            ApiError: 404 where none was recorded by now.
        """
        del delisted, currency
        hourly = granularity is not Granularity.DAILY and days is not None and days <= 90
        fitting = [
            capture
            for capture in self._captures(coin_id)
            if capture.taken_ms <= now_ms and (hourly or not capture.hourly)
        ]
        if not fitting:
            raise coin_not_found()
        return max(fitting, key=lambda capture: (capture.hourly, capture.taken_ms)).body

    def chart_range(self, *_: object, **__: object) -> NoReturn:
        """Ranges are not recorded: always an ApiError 404."""
        raise not_recorded("market_chart/range")

    def history(self, *_: object, **__: object) -> NoReturn:
        """Histories are not recorded: always an ApiError 404."""
        raise not_recorded("history")

    def simple_price(self, *_: object, **__: object) -> NoReturn:
        """Prices are not recorded: always an ApiError 404."""
        raise not_recorded("simple/price")

    def exchange_rates(self, *_: object, **__: object) -> NoReturn:
        """Exchange rates are not recorded: always an ApiError 404."""
        raise not_recorded("exchange_rates")

    def global_figures(self, *_: object, **__: object) -> NoReturn:
        """Totals are not recorded: always an ApiError 404."""
        raise not_recorded("global")

    def paprika(self, *_: object, **__: object) -> NoReturn:
        """CoinPaprika's answers are not recorded: always an ApiError 404."""
        raise not_recorded("coinpaprika")

    def _read_captures(self, coin_id: str) -> tuple[Capture, ...]:
        return tuple(_read_capture(path) for path in self._chart_files.get(coin_id, ()))


def _read(path: Path) -> bytes:
    with gzip.open(path, "rb") as recording:
        return recording.read()


def _read_capture(path: Path) -> Capture:
    body = _read(path)
    prices = json.loads(body)["prices"]
    taken_ms = int(prices[-1][0]) if prices else _midnight_ms(path.parent.name)
    return Capture(taken_ms, path.parent.name.endswith(_HOURLY), body)


def _read_rows(folder: Path) -> tuple[Row, ...]:
    rows: list[Row] = []
    decoder = json.JSONDecoder()
    for path in sorted(folder.glob("*.json.gz")):
        text = _read(path).decode()
        start = text.find("{")
        while start >= 0:
            row, end = decoder.raw_decode(text, start)
            rows.append(Row(text[start:end], row["id"], _number(row, "market_cap"), _number(row, "total_volume")))
            start = text.find("{", end)
    return tuple(rows)


def _number(row: dict[str, Any], name: str) -> float:
    return float(row.get(name) or 0.0)


def _midnight_ms(name: str) -> int:
    day = date.fromisoformat(name[: len("2026-03-01")])
    return milliseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
