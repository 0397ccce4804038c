"""The APIs' endpoints as external assets, so that the lineage begins where the data do."""

import dagster as dg

from coingecko_pipeline.orchestration.source_assets import Domain
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA
from coingecko_pipeline.sources.registry import COINGECKO, SNAPSHOT_SOURCES, SOURCES
from coingecko_pipeline.sources.source import Source


def endpoint_key(source: Source, name: str) -> dg.AssetKey:
    """The key of one of a source's endpoints."""
    return dg.AssetKey([f"{source.name}_api", name])


def list_endpoint(source: Source) -> dg.AssetKey:
    """Where a source's list of coins comes from."""
    return endpoint_key(source, "list")


def market_endpoint(source: Source) -> dg.AssetKey:
    """Where a source's current market comes from."""
    return endpoint_key(source, "markets")


MARKET_CHART = endpoint_key(COINGECKO, "market_chart")
ASSET_PLATFORMS = endpoint_key(COINGECKO, "asset_platforms")
CONTRACTS = endpoint_key(COINPAPRIKA, "contracts")
EXCHANGE_RATES = endpoint_key(COINGECKO, "exchange_rates")


def _endpoint(key: dg.AssetKey, source: Source, domain: Domain, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(key, description=description, kinds={source.name}, group_name="endpoints", tags=domain.tags)


ENDPOINTS = (
    *(
        _endpoint(list_endpoint(source), source, Domain.COINS, f"{source.title}'s list of coins: {source.list_call}.")
        for source in SOURCES
    ),
    _endpoint(
        market_endpoint(COINGECKO),
        COINGECKO,
        Domain.MARKET,
        "CoinGecko's current market: `/coins/markets`, one call for each 250 coins.",
    ),
    *(
        _endpoint(
            market_endpoint(source), source, Domain.MARKET, f"{source.title}'s current market: {source.market_call}."
        )
        for source in SNAPSHOT_SOURCES
    ),
    _endpoint(
        MARKET_CHART,
        COINGECKO,
        Domain.MARKET,
        "CoinGecko's history of one coin: `/coins/{id}/market_chart`, one call for all its days.",
    ),
    _endpoint(
        ASSET_PLATFORMS, COINGECKO, Domain.COINS, "The chains that CoinGecko knows: `/asset_platforms`, one call."
    ),
    _endpoint(
        CONTRACTS,
        COINPAPRIKA,
        Domain.COINS,
        "CoinPaprika's chains and the contracts on each: `/contracts`, one call, and `/contracts/{platform}`, one call "
        "for each chain.",
    ),
    _endpoint(
        EXCHANGE_RATES,
        COINGECKO,
        Domain.CURRENCIES,
        "What one bitcoin costs in some 70 currencies: `/exchange_rates`, one call.",
    ),
)
"""Every endpoint that is asked, as Dagster shows it."""
