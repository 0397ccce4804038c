"""What Dagster tells of each asset beside its declaration: where it is, what it is made of, and where to read on.

It is told from the settings when the definitions are loaded, before the first run and without a connection.
"""

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy import Table
from sqlalchemy.engine import make_url

import coingecko_pipeline
from coingecko_pipeline import tables
from coingecko_pipeline.agreement.comparison import agreement_inputs
from coingecko_pipeline.databases import tables_of
from coingecko_pipeline.measures import measure_inputs
from coingecko_pipeline.orchestration.derived_tables import REPORT
from coingecko_pipeline.orchestration.source_assets import Domain, key_in
from coingecko_pipeline.settings import CatalogueSettings
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA
from coingecko_pipeline.sources.registry import COINGECKO, SOURCES
from coingecko_pipeline.tables.views import view_metadata
from coingecko_pipeline.warehouse import (
    Database,
    DatabaseUrlError,
    Inputs,
    column_inputs,
    column_lineage,
    column_schema,
    table_name,
    table_uri,
)
from coingecko_pipeline.warehouse.views import SELECT

PACKAGE = Path(coingecko_pipeline.__file__).parent
DOCUMENTS: Mapping[Domain, str] = {
    Domain.COINS: "tables.md",
    Domain.MARKET: "tables.md",
    Domain.CURRENCIES: "currencies.md",
    Domain.MEASURES: "tables.md",
    Domain.AGREEMENT: "second-source.md",
}
"""Where to read on, by what an asset is about."""
DOCUMENTS_OF = {**dict.fromkeys(("daily_market", "market_charts"), "acquisition.md"), REPORT: "report.md"}
"""The same of single assets, by the last part of their keys."""

Assets = Sequence[dg.AssetsDefinition | dg.AssetSpec]


def catalogued(assets: Assets, settings: CatalogueSettings) -> Assets:
    """The same assets with all that is told of them.

    Args:
        assets: As declared.
        settings: Where the tables, the report and the code are.
    """
    database = _database(settings)

    def told(spec: dg.AssetSpec) -> dg.AssetSpec:
        metadata = _document(spec, settings)
        kinds: set[str] = set()
        if spec.key == key_in(COINGECKO, REPORT):
            metadata["dagster/uri"] = dg.MetadataValue.url(report_uri(settings.report_url, settings.report_path))
        elif (table := _table_of(spec.key)) is not None:
            metadata |= _of_table(table, spec.key, database)
            kinds = ({"table"} if not spec.kinds & {"view"} else set()) | _kind(settings)
        return spec.merge_attributes(metadata=metadata, kinds=kinds)

    return _with_code(dg.map_asset_specs(told, assets), settings)


def report_uri(url: str | None, path: Path) -> str:
    """Where a browser finds the report: where it is served, else as a file.

    Args:
        url: Where it is served; None where it is not.
        path: The file.
    """
    return url or path.resolve().as_uri()


def _database(settings: CatalogueSettings) -> Database | None:
    try:
        return tables.open_database(settings.database_url.get_secret_value())
    except DatabaseUrlError:
        return None  # the first run tells what is wrong with it


def _kind(settings: CatalogueSettings) -> set[str]:
    """The database as the URL calls it: whether a server of MySQL's name is MariaDB only a connection would tell."""
    return {make_url(settings.database_url.get_secret_value()).get_backend_name()} if _database(settings) else set()


def _table_of(key: dg.AssetKey) -> Table | None:
    """The table or view of an asset's key; None for a file or an endpoint."""
    for source in SOURCES:
        if key.path[0] == source.name:
            name = key.path[-1]
            found = tables_of(source).tables.get(name)
            return view_metadata.tables.get(name) if found is None else found
    return None


def _of_table(table: Table, key: dg.AssetKey, main: Database | None) -> dict[str, Any]:
    lineage = column_lineages().get(key)
    told: dict[str, Any] = {"dagster/column_schema": column_schema(table, lineage)}
    if lineage is not None:
        told["dagster/column_lineage"] = lineage
    if main is not None:
        database = main if key.path[0] == COINGECKO.name else main.schema(key.path[0])
        told |= {"dagster/table_name": table_name(database, table), "dagster/uri": table_uri(database, table)}
    return told


@cache
def column_lineages() -> Mapping[dg.AssetKey, dg.TableColumnLineage]:
    """From which columns each column is computed, of every table and view that is computed by SQL."""
    inputs: dict[Table, Mapping[str, Inputs]] = {
        **measure_inputs(),
        tables.source_agreement: agreement_inputs(COINPAPRIKA.name),
        **{view: column_inputs(view.info[SELECT], view.c.keys()) for view in view_metadata.tables.values()},
    }
    return {
        key_in(COINGECKO, table.name): column_lineage({column.name: found[column.name] for column in table.c}, _key_of)
        for table, found in inputs.items()
    }


def _key_of(table: Table) -> dg.AssetKey:
    return dg.AssetKey([table.schema or COINGECKO.name, table.name])


def _document(spec: dg.AssetSpec, settings: CatalogueSettings) -> dict[str, Any]:
    page = DOCUMENTS_OF.get(spec.key.path[-1], DOCUMENTS[Domain(spec.tags["domain"])])
    if settings.git_url:
        into = "-/blob" if "gitlab" in settings.git_url else "blob"
        return {"documents": dg.MetadataValue.url(f"{settings.git_url}/{into}/{settings.git_branch}/docs/{page}")}
    path = PACKAGE.parent / "docs" / page
    return {"documents": dg.MetadataValue.path(path)} if path.exists() else {}


def _with_code(assets: Assets, settings: CatalogueSettings) -> Assets:
    with warnings.catch_warnings():
        # Links to code are beta in Dagster 1.13.
        warnings.simplefilter("ignore", dg.BetaWarning)
        referring: Sequence[Any] = dg.with_source_code_references(assets)
        if settings.git_url:
            mapping = dg.AnchorBasedFilePathMapping(PACKAGE / "__init__.py", f"{PACKAGE.name}/__init__.py")
            referring = dg.link_code_references_to_git(referring, settings.git_url, settings.git_branch, mapping)
    return referring
