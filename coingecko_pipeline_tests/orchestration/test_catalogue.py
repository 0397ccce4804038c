"""What Dagster tells of each asset before its first run."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from coingecko_pipeline.measures import MEASURES
from coingecko_pipeline.orchestration.assets import ALL_ASSETS, DERIVED_ASSETS
from coingecko_pipeline.orchestration.catalogue import catalogued, column_lineages
from coingecko_pipeline.orchestration.derived_tables import AGREEMENT, FOLLOWS
from coingecko_pipeline.orchestration.source_assets import Domain
from coingecko_pipeline.settings import CatalogueSettings, load_catalogue_settings
from coingecko_pipeline.tables.views import view_metadata

MYSQL = "mysql+pymysql://writer:p%40ss@db.example/coingecko"
COMPUTED = sorted({*(derived.name for derived in MEASURES), AGREEMENT, *view_metadata.tables})


def specs_of(**settings: Any) -> Mapping[str, dg.AssetSpec]:
    """The assets as the definitions have them, by key, with settings of the test's own."""
    given = CatalogueSettings(**settings)
    return {
        spec.key.to_user_string(): spec
        for asset in catalogued(ALL_ASSETS, given)
        for spec in (asset.specs if isinstance(asset, dg.AssetsDefinition) else [asset])
    }


SPECS = specs_of(database_url=SecretStr(MYSQL))


def plain(spec: dg.AssetSpec, name: str) -> Any:
    value = spec.metadata[name]
    return value.value if isinstance(value, dg.MetadataValue) else value


def test_each_asset_is_declared_once_and_listed_in_one_place() -> None:
    keys = Counter(
        key for asset in ALL_ASSETS for key in (asset.keys if isinstance(asset, dg.AssetsDefinition) else [asset.key])
    )
    assert set(keys.values()) == {1}
    assert [asset.key.path[-1] for asset in DERIVED_ASSETS] == list(FOLLOWS)


@pytest.mark.parametrize(
    ("url", "kind", "uri"),
    [
        (MYSQL, "mysql", "mysql://db.example:3306/coingecko/daily_market"),
        ("mariadb+pymysql://root@127.0.0.1:3307/market", "mariadb", "mysql://127.0.0.1:3307/market/daily_market"),
        ("sqlite:////srv/market.db", "sqlite", "sqlite:///srv/market.db#daily_market"),
    ],
)
def test_a_table_tells_its_database_and_its_address_without_user_and_password(url: str, kind: str, uri: str) -> None:
    spec = specs_of(database_url=SecretStr(url))["coingecko/daily_market"]
    assert spec.kinds == {"coingecko", kind, "table"}
    assert plain(spec, "dagster/uri") == uri


def test_the_tables_of_a_second_source_are_in_its_schema() -> None:
    spec = SPECS["coinpaprika/daily_market"]
    assert plain(spec, "dagster/uri") == "mysql://db.example:3306/coinpaprika/daily_market"
    assert plain(spec, "dagster/table_name") == "coinpaprika.daily_market"


def test_no_entry_holds_a_password() -> None:
    told = str([spec.metadata for spec in SPECS.values()])
    assert "p%40ss" not in told
    assert "p@ss" not in told


def test_each_asset_has_a_domain_and_no_owner_that_does_not_exist() -> None:
    assert {spec.tags["domain"] for spec in SPECS.values()} == set(Domain)
    assert not any(spec.owners for spec in SPECS.values())


@pytest.mark.parametrize("name", COMPUTED)
def test_every_column_that_is_computed_by_sql_tells_what_it_is_computed_from(name: str) -> None:
    spec = SPECS[f"coingecko/{name}"]
    schema, lineage = plain(spec, "dagster/column_schema"), plain(spec, "dagster/column_lineage")
    assert list(lineage.deps_by_column) == [column.name for column in schema.columns]
    assert all(lineage.deps_by_column.values())
    assert all(" — from " in (column.description or "") for column in schema.columns)


@pytest.mark.parametrize("name", COMPUTED)
def test_what_a_column_is_computed_from_is_a_column_of_an_upstream_asset(name: str) -> None:
    spec = SPECS[f"coingecko/{name}"]
    upstream = {dep.asset_key for dep in spec.deps}
    for deps in plain(spec, "dagster/column_lineage").deps_by_column.values():
        for dep in deps:
            assert dep.asset_key in upstream
            columns = plain(SPECS[dep.asset_key.to_user_string()], "dagster/column_schema").columns
            assert dep.column_name in {column.name for column in columns}


def test_the_lineage_is_of_what_is_computed_by_sql_and_of_nothing_else() -> None:
    assert sorted(key.path[-1] for key in column_lineages()) == COMPUTED


def test_the_documents_and_the_code_are_files_of_the_checkout_where_no_repository_is_named() -> None:
    root = Path(__file__).parents[2]
    assert all(Path(plain(spec, "documents")).exists() for spec in SPECS.values())
    (code,) = plain(SPECS["coingecko/daily_returns"], "dagster/code_references").code_references
    assert Path(code.file_path) == root / "coingecko_pipeline" / "orchestration" / "assets" / "measures.py"


@pytest.mark.parametrize(
    ("url", "into"),
    [
        ("https://github.com/you/pipeline.git", "https://github.com/you/pipeline/{}/v1"),
        ("https://gitlab.com/you/pipeline/", "https://gitlab.com/you/pipeline/-/{}/v1"),
    ],
)
def test_the_documents_and_the_code_are_linked_where_a_repository_is_named(url: str, into: str) -> None:
    specs = specs_of(git_url=url, git_branch="v1")
    assert plain(specs["coingecko/market_report"], "documents") == into.format("blob") + "/docs/report.md"
    (code,) = plain(specs["coingecko/daily_market"], "dagster/code_references").code_references
    assert code.url.startswith(into.format("tree") + "/coingecko_pipeline/orchestration/assets/daily_market.py#L")
    documents = {plain(spec, "documents").rpartition("/docs/")[2] for spec in specs.values()}
    assert all((Path(__file__).parents[2] / "docs" / page).exists() for page in documents)


def test_the_report_is_a_link_to_where_it_is_served_and_else_to_its_file(tmp_path: Path) -> None:
    served = specs_of(report_url="https://report.example/")["coingecko/market_report"]
    assert plain(served, "dagster/uri") == "https://report.example/"
    local = specs_of(report_path=tmp_path / "report.html")["coingecko/market_report"]
    assert plain(local, "dagster/uri") == f"file://{tmp_path}/report.html"


@pytest.mark.parametrize(("name", "value"), [("GIT_URL", "nowhere"), ("DATABASE_URL", "what://is/this")])
def test_a_wrong_setting_is_no_reason_not_to_load(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    settings = load_catalogue_settings()
    assert len(catalogued(ALL_ASSETS, settings)) == len(ALL_ASSETS)
