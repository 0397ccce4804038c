import dagster as dg
import pytest

from coingecko_pipeline.assets.failures import COINGECKO_POOL
from coingecko_pipeline.definitions import build_definitions

SPECS = {spec.key.path[-1]: spec for spec in build_definitions().resolve_all_asset_specs()}
FILES = ("market_report",)
TABLES = [name for name in SPECS if name not in FILES]
CALLS_THE_API = ("raw_asset_list", "daily_market", "hourly_market")
BLOCKING = {
    "asset_ids_are_unique",
    "the_list_did_not_shrink",
    "every_listed_asset_is_present",
    "prices_are_not_negative",
    "the_hours_values_are_not_negative",
}


def test_the_graph_is_list_to_assets_to_daily_market() -> None:
    parents = {name: {dep.asset_key.path[-1] for dep in spec.deps} for name, spec in SPECS.items()}
    assert parents == {
        "raw_asset_list": set(),
        "asset_changes": {"raw_asset_list"},
        "assets": {"raw_asset_list"},
        "daily_market": {"assets"},
        "hourly_market": {"assets"},
        "daily_ohlc": {"hourly_market"},
        "weekly_market": {"daily_market"},
        "monthly_market": {"daily_market"},
        "daily_returns": {"daily_market"},
        "global_market_daily": {"daily_market"},
        "market_report": {"daily_market"},
    }
    assert {spec.key.path[0] for spec in SPECS.values()} == {"coingecko"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_tells_its_reader_what_it_is(name: str) -> None:
    spec = SPECS[name]
    for words in ("**One file**", "**Complete**", "**Known gaps:**"):
        assert words in (spec.description or "")
    assert spec.owners
    assert spec.group_name
    assert "html" in spec.kinds


@pytest.mark.parametrize("name", TABLES)
def test_an_asset_tells_its_reader_what_it_is(name: str) -> None:
    spec = SPECS[name]
    for words in ("**One row**", "**Known gaps:**"):
        assert words in (spec.description or "")
    assert spec.owners
    assert spec.group_name
    assert {"mysql", "table"} <= spec.kinds
    schema = spec.metadata["dagster/column_schema"]
    columns = schema.value.columns if isinstance(schema, dg.TableSchemaMetadataValue) else schema.columns
    assert all(column.description for column in columns)


@pytest.mark.parametrize("name", CALLS_THE_API)
def test_what_calls_the_api_has_a_pool_retries_and_a_freshness_policy(name: str) -> None:
    definition = build_definitions().resolve_assets_def(dg.AssetKey(["coingecko", name]))
    assert definition.op.pool == COINGECKO_POOL
    assert definition.op.retry_policy is not None
    assert SPECS[name].freshness_policy is not None


def test_the_checks_that_protect_the_data_block() -> None:
    specs = [
        spec
        for checks in build_definitions().asset_checks or ()
        if isinstance(checks, dg.AssetChecksDefinition)
        for spec in checks.check_specs
    ]
    assert {spec.name for spec in specs if spec.blocking} == BLOCKING
    assert len(specs) == 12
