"""The calls that the pipeline makes, each one typed, retried and checked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from coingecko_pipeline.sources import AssetList, MarketPage, Opening, SourceSession
from coingecko_pipeline.sources.coinpaprika.errors import error_of
from coingecko_pipeline.sources.coinpaprika.responses import (
    listed_coins,
    listed_contracts,
    listed_platforms,
    market_page,
    tickers,
)
from coingecko_pipeline.sources.usage import Usage


@dataclass(frozen=True)
class FreePlan:
    """What CoinPaprika's free plan allows, as its API reference 1.7.10 says.

    Attributes:
        name: The name that its calls are counted under.
        base_url: Where its calls go, without a trailing slash.
        most_coins: Coins that `/tickers` brings at most.
        calls_per_month: Calls that a month includes. The pipeline makes three a day, and some forty for the contracts
            once a week, so nothing has to hold it back.
    """

    name: str = "coinpaprika"
    base_url: str = "https://api.coinpaprika.com/v1"
    most_coins: int = 2_000
    calls_per_month: int = 20_000


FREE_PLAN = FreePlan()

BROKEN_TRIES = 2
"""How many broken answers end a call for one chain's contracts: the others are asked for all the same."""


class CoinPaprika:
    """CoinPaprika on its free plan, which takes no key.

    Args:
        opening: Where the calls go, on which clock, and who is told.
    """

    def __init__(self, opening: Opening) -> None:
        self.plan = FREE_PLAN
        self.most_coins = FREE_PLAN.most_coins
        """How many coins the current market has at most."""
        self.now = opening.now
        self._session = SourceSession("CoinPaprika", FREE_PLAN.base_url, opening, error_of=error_of)
        self.survived = self._session.survived
        """How many failures of each kind were tried again."""

    @property
    def usage(self) -> Usage:
        """The calls made and credits spent so far."""
        return self._session.usage

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def asset_list(self) -> AssetList:
        """Every active coin of ``/coins``: id, symbol and name. One call.

        Raises:
            SourceError: The call failed for good.
        """
        entries, answer = self._session.ask("coins", "the list of coins", listed_coins)
        return AssetList(entries, answer.asked_at, answer.answered_at)

    def market_pages(self) -> Iterator[MarketPage]:
        """The current market of the largest coins, as ``/tickers`` gives it, in one page. One call.

        Raises:
            SourceError: The call failed for good.
        """
        entries, answer = self._session.ask("tickers", "the tickers", tickers)
        yield market_page(entries, answer)

    def platforms(self) -> list[str]:
        """The ids of the chains of ``/contracts``. One call.

        Raises:
            SourceError: The call failed for good.
        """
        return self._session.ask("contracts", "the list of chains", listed_platforms)[0]

    def contracts(self, platform: str) -> tuple[list[Any], datetime]:
        """Every contract on a chain, as ``/contracts/{platform}`` gives it, and when it came. One call.

        Args:
            platform: The chain's id.

        Returns:
            For each contract an object with address and id, which is the coin's; one that is something else as it is.

        Raises:
            SourceError: The call failed for good.
        """
        url = f"{self._session.base_url}/contracts/{quote(platform, safe='')}"
        entries, answer = self._session.ask(
            "contracts/{platform}",
            f"the contracts on {platform!a}",
            listed_contracts,
            lambda: json.loads(self._session.get(url).content),
            broken_tries=BROKEN_TRIES,
        )
        return entries, answer.answered_at
