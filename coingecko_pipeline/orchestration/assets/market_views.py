"""The views of the tables as assets of Dagster: computed when they are read, so nothing materializes them."""

import dagster as dg
from sqlalchemy import Table
from sqlalchemy.sql.visitors import iterate

from coingecko_pipeline.orchestration.source_assets import Domain, key_in
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.tables.views import view_metadata
from coingecko_pipeline.warehouse.views import SELECT


def _view(view: Table) -> dg.AssetSpec:
    read = sorted({each.name for each in iterate(view.info[SELECT]) if isinstance(each, Table)})
    return dg.AssetSpec(
        key_in(COINGECKO, view.name),
        deps=[key_in(COINGECKO, name) for name in read],
        kinds={"view"},
        description=f"""{view.comment}.

**One row** is one {", ".join(view.primary_key.columns.keys())}. A view of {", ".join(f"`{name}`" for name in read)}: it
is computed when it is read, and holds no rows. **Known gaps:** those of the tables that it reads.""",
        group_name="views",
        tags=Domain.MARKET.tags,
    )


MARKET_VIEWS = tuple(map(_view, view_metadata.tables.values()))
"""Every view."""
