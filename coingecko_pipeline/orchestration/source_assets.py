"""What each source's Dagster assets are called, what they are about, and by which IO manager they are kept."""

from enum import StrEnum

import dagster as dg

from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO


def key_in(source: Source, table: str) -> dg.AssetKey:
    """The key of the Dagster asset that fills a source's table."""
    return dg.AssetKey([source.name, table])


DAILY_MARKET = key_in(COINGECKO, "daily_market")
"""The market that most derived tables are made from."""


class Domain(StrEnum):
    """What an asset is about: the values of its tag `domain`, and all that there are."""

    COINS = "coins"
    """Which coins there are, and on which chains."""
    MARKET = "market"
    """What they cost, as it was told."""
    CURRENCIES = "currencies"
    """What currencies cost."""
    MEASURES = "measures"
    """What is computed from the market."""
    AGREEMENT = "agreement"
    """How far two sources agree."""

    @property
    def tags(self) -> dict[str, str]:
        """The tag, as an asset's declaration takes it."""
        return {"domain": self.value}


def group_in(source: Source, domain: Domain) -> str:
    """The group of a source's Dagster asset: the main source's go by subject, another's are together."""
    return domain.value if source is COINGECKO else source.name


def io_manager_of(source: Source) -> str:
    """The key of the IO manager of a source's tables."""
    return "warehouse_io_manager" if source is COINGECKO else f"{source.name}_io_manager"
