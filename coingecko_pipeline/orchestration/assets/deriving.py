"""What the derived tables' assets share: each follows the changes of what it is made from, or makes a range anew."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import dagster as dg
from pydantic import Field
from sqlalchemy import Table

from coingecko_pipeline.market.changes import forget_followed, read_followed
from coingecko_pipeline.measures import ALWAYS, DerivedTable, Followed, Span, follow_market
from coingecko_pipeline.orchestration.derived_tables import followers_of
from coingecko_pipeline.orchestration.failures import permanent_failures
from coingecko_pipeline.orchestration.source_assets import Domain, key_in
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database, table_name

MEASURES_POOL = "measures"
"""One such step at a time: two would share the memory that the server has for intermediate results."""


class RebuildRange(dg.Config):
    """Dates of the market; all of them where neither end is given."""

    from_date: str | None = Field(default=None, description="The first date, as 2026-01-31; the first one by default.")
    to_date: str | None = Field(default=None, description="The last date, included; the latest one by default.")

    @property
    def span(self) -> Span:
        """The dates.

        Raises:
            dagster.Failure: They are no dates, or run backwards.
        """
        try:
            first = date.fromisoformat(self.from_date) if self.from_date else ALWAYS.first
            last = date.fromisoformat(self.to_date) if self.to_date else ALWAYS.last
        except ValueError as error:
            raise dg.Failure(f"The dates of rebuild must look like 2026-01-31: {error}.", allow_retries=False) from None
        if last < first:
            raise dg.Failure(f"The dates {first} to {last} of rebuild run backwards; swap them.", allow_retries=False)
        return Span(first, last)


class DerivedTableConfig(dg.Config):
    """Whether to follow what changed, or to make a range anew."""

    rebuild: RebuildRange | None = Field(
        default=None,
        description="Make anew what depends on the market of these dates, as if it had changed; {} for the whole "
        "table. By default what has changed since the last run is made, and no more.",
    )

    @property
    def span(self) -> Span | None:
        """The dates to make anew; None to follow."""
        return self.rebuild.span if self.rebuild else None


def derived_asset(
    table: Table, deps: Sequence[dg.AssetKey], domain: Domain = Domain.MEASURES
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The decorator of a derived table's asset: what all of them have in common.

    A failed run is asked for again by derived_tables_sensor, so its step is not tried again by itself.

    Args:
        table: Where it is stored.
        deps: What it is made from.
        domain: What it is about.
    """
    return dg.asset(
        key=key_in(COINGECKO, table.name),
        deps=deps,
        group_name=domain.value,
        tags=domain.tags,
        pool=MEASURES_POOL,
    )


def derive(
    context: dg.AssetExecutionContext,
    config: DerivedTableConfig,
    warehouse: Database,
    derived: DerivedTable,
    now: datetime,
    megabytes: int,
) -> dg.MaterializeResult[Any]:
    """Bring a derived table up to date, delete the changes that nobody needs any more, and tell what was done.

    Args:
        context: Of the run.
        config: Follow, or make a range anew.
        warehouse: Where the table is.
        derived: The table.
        now: The current UTC time, aware.
        megabytes: Memory for each intermediate table of the database.

    Raises:
        dagster.Failure: Without retries, where another try cannot help.
    """
    with permanent_failures():
        followed = follow_market(warehouse, derived, now, rebuild=config.span, megabytes=megabytes)
        for table in derived.follows:
            followers = followers_of(COINGECKO.name, table.name, read_followed(warehouse))
            forget_followed(warehouse, table.name, followers, now)
    return tell_followed(context, warehouse, derived.table, followed)


def tell_followed(
    context: dg.AssetExecutionContext, warehouse: Database, table: Table, followed: Followed
) -> dg.MaterializeResult[Any]:
    """Log what a run followed, and give what Dagster shows of it."""
    context.log.info(
        "%s: %s rows written in %.1f s; %s.",
        table.name,
        f"{followed.rows_written:,}",
        followed.seconds,
        "the whole table" if followed.whole else f"{followed.changes:,} changes followed",
    )
    return dg.MaterializeResult(
        metadata={
            "dagster/table_name": table_name(warehouse, table),
            "storage_kind": warehouse.kind,
            "rows_written": followed.rows_written,
            "seconds": followed.seconds,
            **facts_followed(followed),
        }
    )


def facts_followed(followed: Followed) -> dict[str, Any]:
    """What was followed, as a run's metadata."""
    facts: dict[str, Any] = {
        f"followed_{source}": f"{'nothing' if number is None else number} to {followed.after[source]}"
        for source, number in followed.before.items()
    }
    facts |= {"whole_table": followed.whole, "changes": followed.changes, "coins": followed.coins}
    if followed.dates:
        facts |= {"first_date": str(followed.dates.first), "last_date": str(followed.dates.last)}
    return facts
