"""The shape of a source: what a client must offer, and what the platform must be told of the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from coingecko_pipeline.sources.usage import Usage

if TYPE_CHECKING:
    from coingecko_pipeline.sources.market_page import MarketPage
    from coingecko_pipeline.sources.session import Opening


class NamedPlan(Protocol):
    """What calls are made on."""

    @property
    def name(self) -> str:
        """The name under which api_usage counts them; two sources never share one."""


@dataclass(frozen=True)
class AssetList:
    """A source's list of coins.

    Attributes:
        entries: For every active coin an object with id, symbol, name and, where the source gives them, platforms. An
            entry that is something else is here as it is: who takes the list sets it aside and counts it.
        asked_at: When the list was asked for (UTC, aware).
        answered_at: When it was there (UTC, aware).
    """

    entries: list[Any]
    asked_at: datetime
    answered_at: datetime


class SourceClient(Protocol):
    """What the platform asks of any source."""

    now: Callable[[], datetime]
    """The current UTC time, aware."""
    survived: Counter[str]
    """How many failures of each kind were tried again."""

    @property
    def plan(self) -> NamedPlan:
        """What the calls are made on."""

    @property
    def usage(self) -> Usage:
        """The calls made and credits spent so far."""

    def asset_list(self) -> AssetList:
        """Every active coin.

        Raises:
            SourceError: The call failed for good.
        """

    def close(self) -> None:
        """Close the connections."""


class SnapshotClient(SourceClient, Protocol):
    """What the platform asks of a source whose market it reads as it is now."""

    @property
    def most_coins(self) -> int | None:
        """How many coins the current market has at most; None for all that are active."""

    def market_pages(self) -> Iterator[MarketPage]:
        """The current market, page by page, one call each.

        Raises:
            SourceError: A call failed for good.
        """


@dataclass(frozen=True)
class Source:
    """A source as the platform shows it.

    Attributes:
        name: In lower case: the first part of its Dagster assets' keys, its client's resource and its schema.
        title: Its name in sentences.
        domain: Its hosts' domain: what tells the live source from a stand-in before the first answer.
        list_call: What its list comes from, for the description of raw_asset_list.
        list_gaps: What its list does not tell.
    """

    name: str
    title: str
    domain: str
    list_call: str
    list_gaps: str

    @property
    def site(self) -> str:
        """Where the words that attribute data to it lead."""
        return f"https://www.{self.domain}"

    @property
    def attribution(self) -> str:
        """The words that it asks for wherever its data are shown."""
        return f"Data provided by {self.title}"

    @property
    def pool(self) -> str:
        """The pool that keeps one step at a time on the source's API."""
        return f"{self.name}_api"


@dataclass(frozen=True, kw_only=True)
class SnapshotSource(Source):
    """A source whose market is read as it is now; of past dates it has only what was read on them.

    Attributes:
        market_call: What its market comes from, for the description of daily_market.
        market_gaps: What its market does not tell.
        no_history: Why a past date cannot be filled, and what to do instead, as a sentence.
        open: Makes a client, without a call.
    """

    market_call: str
    market_gaps: str
    no_history: str
    open: Callable[[Opening], SnapshotClient]
