from typing import Any

import dagster as dg
import pytest

from coingecko_pipeline import tables
from coingecko_pipeline.databases import tables_of
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO, SOURCES

SPECS = {"/".join(spec.key.path): spec for spec in build_definitions().resolve_all_asset_specs()}
FILES = {"coingecko/market_report": ("**One file**", "html"), "coingecko/lake": ("**One table**", "iceberg")}
ENDPOINTS = [name for name in SPECS if name.split("/")[0].endswith("_api")]
CHANGE_LOGS = [f"{source.name}/market_changes" for source in SOURCES]
VIEWS = [name for name, spec in SPECS.items() if "view" in spec.kinds]
TABLES = [name for name in SPECS if name not in (*FILES, *ENDPOINTS, *CHANGE_LOGS, *VIEWS)]
CALLS_THE_API = [
    *((source, table) for source in SOURCES for table in ("raw_asset_list", "daily_market")),
    (COINGECKO, "hourly_market"),
]
BLOCKING = {
    "asset_ids_are_unique",
    "every_listed_asset_is_present",
}


def test_the_graph_is_endpoint_to_list_to_assets_to_market_to_change_log() -> None:
    parents = {name: {"/".join(dep.asset_key.path) for dep in spec.deps} for name, spec in SPECS.items()}
    for source in ("coingecko", "coinpaprika"):
        assert parents[f"{source}/raw_asset_list"] == {f"{source}_api/list"}
        assert parents[f"{source}/asset_changes"] == {f"{source}/raw_asset_list"}
        assert parents[f"{source}/assets"] == {f"{source}/raw_asset_list"}
    charts = {"coingecko/market_charts"}
    assert parents["coingecko/market_charts"] == {"coingecko_api/market_chart", "coingecko/assets"}
    assert parents["coingecko/daily_market"] == {"coingecko/assets", "coingecko_api/markets"} | charts
    assert parents["coinpaprika/daily_market"] == {"coinpaprika/assets", "coinpaprika_api/markets"}
    assert parents["coingecko/hourly_market"] == {"coingecko/assets", "coingecko_api/markets"}
    written = {"coingecko/daily_market", "coingecko/hourly_market"} | charts
    assert parents["coingecko/market_changes"] == written
    assert parents["coinpaprika/market_changes"] == {"coinpaprika/daily_market"}
    assert not any(parents[endpoint] for endpoint in ENDPOINTS)
    assert parents["coingecko/daily_ohlc"] == {"coingecko/hourly_market"}
    market, snapshots = "coingecko/daily_market", "coingecko/market_snapshots"
    for computed in ("weekly_market", "monthly_market", "daily_returns"):
        assert parents[f"coingecko/{computed}"] == {market}
    assert parents["coingecko/global_market_daily"] == {market, "coingecko/rehypothecated_assets"}
    assert parents["coingecko/daily_candles"] == {market, snapshots}
    assert parents["coingecko/market_flags"] == {market, snapshots, "coingecko/market_revisions"}
    assert parents["coingecko/daily_market_clean"] == {market, "coingecko/market_flags"}
    markets = {"coingecko/daily_market", "coinpaprika/daily_market"}
    coins = {f"{source.name}/{table}" for source in SOURCES for table in ("assets", "asset_contracts")}
    assert parents["coingecko/asset_pairs"] == markets | coins
    assert parents["coingecko/source_agreement"] == markets | {"coingecko/asset_pairs"}
    assert parents["coingecko/market_report"] == {"coingecko/daily_market", "coingecko/source_agreement"}
    assert parents["coingecko/asset_contracts"] == {"coingecko/raw_asset_list"}
    for table in ("asset_contracts", "platforms"):
        assert parents[f"coinpaprika/{table}"] == {"coinpaprika_api/contracts", "coinpaprika/assets"}
    assert parents["coingecko/platforms"] == {"coingecko_api/asset_platforms", "coingecko/raw_asset_list"}
    assert parents["coingecko/currency_charts"] == {"coingecko_api/market_chart"} | charts
    rates = {"coingecko_api/exchange_rates", "coingecko/currency_charts", "coingecko/raw_asset_list"}
    assert parents["coingecko/fx_rates"] == rates
    assert markets & parents["coingecko/lake"] == {"coingecko/daily_market"}
    assert parents["coingecko/lake"] > written | {"coingecko/market_changes", "coingecko/daily_returns"}
    assert len(parents) == 44


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_tells_its_reader_what_it_is(name: str) -> None:
    spec = SPECS[name]
    what, kind = FILES[name]
    for words in (what, "**Complete**", "**Known gaps:**"):
        assert words in (spec.description or "")
    assert spec.group_name
    assert kind in spec.kinds


@pytest.mark.parametrize("name", sorted([*TABLES, *VIEWS]))
def test_an_asset_tells_its_reader_what_it_is(name: str) -> None:
    spec = SPECS[name]
    for words in ("**One row**", "**Known gaps:**"):
        assert words in (spec.description or "")
    assert spec.group_name
    assert spec.kinds & {"table", "view"}
    schema = spec.metadata["dagster/column_schema"]
    columns = schema.value.columns if isinstance(schema, dg.TableSchemaMetadataValue) else schema.columns
    assert all(column.description for column in columns)


@pytest.mark.parametrize("name", sorted([*ENDPOINTS, *CHANGE_LOGS]))
def test_what_no_run_materializes_tells_what_it_is(name: str) -> None:
    assert SPECS[name].description
    assert SPECS[name].group_name


def test_charts_use_the_key_one_run_at_a_time_and_are_tried_again() -> None:
    definition = build_definitions().resolve_assets_def(dg.AssetKey(["coingecko", "market_charts"]))
    assert definition.op.pool == COINGECKO.pool
    assert definition.op.retry_policy is not None
    assert definition.partitions_def is None


@pytest.mark.parametrize("job", ["daily_market_job", "hourly_market_job", "coinpaprika_daily_job"])
def test_a_run_with_partitions_plans_no_check(job: str) -> None:
    assert not build_definitions().resolve_job_def(job).asset_layer.asset_graph.asset_check_keys


@pytest.mark.parametrize(("source", "table"), CALLS_THE_API)
def test_what_calls_an_api_has_its_pool_and_retries(source: Source, table: str) -> None:
    definition = build_definitions().resolve_assets_def(dg.AssetKey([source.name, table]))
    assert definition.op.pool == f"{source.name}_api"
    assert definition.op.retry_policy is not None


def test_the_columns_of_a_source_say_whose_ids_they_hold() -> None:
    for source in SOURCES:
        for table in ("raw_asset_list", "assets", "asset_changes", "daily_market"):
            schema: Any = SPECS[f"{source.name}/{table}"].metadata["dagster/column_schema"]
            (asset_id,) = (column for column in getattr(schema, "value", schema).columns if column.name == "asset_id")
            assert asset_id.description == f"{source.title}'s id, byte for byte"
        assert tables_of(source).tables["daily_market"].info == tables.daily_market.info


def test_the_checks_that_protect_the_data_block() -> None:
    specs = [
        spec
        for checks in build_definitions().asset_checks or ()
        if isinstance(checks, dg.AssetChecksDefinition)
        for spec in checks.check_specs
    ]
    assert {spec.name for spec in specs if spec.blocking} == BLOCKING
