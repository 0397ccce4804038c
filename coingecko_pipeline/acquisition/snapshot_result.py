"""What came of the pages of a current market: the coins that have a row, those that lack one, and what was odd."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from coingecko_pipeline import tables
from coingecko_pipeline.market.whole_rows import TakenPage
from coingecko_pipeline.sources.market_page import MarketPage

log = logging.getLogger(__name__)

ODD_NAMED = 10
"""Values that could not be taken which the warning names: a server that breaks a field breaks it for all."""


@dataclass
class SnapshotResult:
    """What came of the pages, filled while they are taken.

    Attributes:
        title: Whose market it is, in sentences.
        coins: Coins that have a row.
        asked_for: Coins that were asked for by their ids.
        taken: The page that the latest frame is of.
        set_aside: What could not be taken, counted by the answer's own field.
        odd: Some of the values that could not be taken, as in "current_price of 'bitcoin'".
        pages_too_late: Pages that were asked for after the day was over; they have no row.
    """

    title: str
    coins: set[str] = field(default_factory=set)
    asked_for: set[str] = field(default_factory=set)
    taken: TakenPage | None = None
    set_aside: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    pages_too_late: int = 0

    def latest(self) -> TakenPage:
        """The page that the latest frame is of.

        Raises:
            RuntimeError: There was none yet.
        """
        if self.taken is None:
            raise RuntimeError("no frame was taken yet")
        return self.taken

    def set_aside_of(self, page: MarketPage) -> None:
        """Count what could not be taken of a page."""
        self.set_aside += page.set_aside
        self.odd += [f"{name} of {coin!r}" for coin, name in page.odd[: ODD_NAMED - len(self.odd)]]

    def tell_odd(self) -> None:
        """Warn of what could not be taken, if there is any."""
        if not self.set_aside:
            return
        entries = self.set_aside["id"]
        values = self.set_aside.total() - entries
        named = f": {', '.join(self.odd)}{', …' if values > len(self.odd) else ''}" if self.odd else ""
        log.warning(
            "%d values of %s's market were not what their field means and are stored as NULL%s. %d entries had no id "
            "and are left out. All else is stored.",
            values, self.title, named, entries,
        )  # fmt: skip

    def lacking(self, expected: Iterable[str]) -> list[str]:
        """The coins of some that have no row."""
        return [coin for coin in expected if coin not in self.coins]

    def missing_of(self, expected: Iterable[str]) -> dict[str, list[str]]:
        """The coins of some that have no row, by reason; see `missing_coins`."""
        missing: dict[str, list[str]] = {}
        for coin in self.lacking(expected):
            reason = tables.NOT_SERVED if coin in self.asked_for else tables.NOT_ASKED
            missing.setdefault(tables.TOO_LATE if self.pages_too_late else reason, []).append(coin)
        return missing

    def facts(self) -> Mapping[str, Any]:
        """Counts by name, for whoever is told."""
        return {"set_aside": dict(self.set_aside), "pages_too_late": self.pages_too_late}
