"""`docs/export.md` tells of each table what its files hold."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Table

from coingecko_pipeline.tables import metadata
from coingecko_pipeline.warehouse.paging import PAGE_ROWS, arrow_schema

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
NOBODYS_BUSINESS = {
    "warehouse_origin",
    "api_rate",
    "api_recent_calls",
    "market_change_counter",
    "usage_writers",
    "declared_views",
    "backups",
}


def section(table: Table) -> str:
    """A table as the page has it."""
    keys = set(table.primary_key.columns.keys())
    lines = [f"### {table.name}", "", f"{table.comment}.", "", "| column | type | |", "|---|---|---|"]
    for field in arrow_schema(table):
        name = f"**`{field.name}`**" if field.name in keys else f"`{field.name}`"
        null = ", can be NULL" if field.nullable else ""
        lines.append(f"| {name} | {field.type}{null} | {field.metadata[b'comment'].decode()} |")
    return "\n".join(lines)


def documented() -> dict[str, str]:
    """Each table's section of the page, by the table's name."""
    text = PAGE.read_text(encoding="utf-8")
    return {
        part.split("\n", 1)[0]: f"### {part.strip()}"
        for part in re.split(r"^### ", text.split("\n## The tables\n")[1], flags=re.MULTILINE)[1:]
    }


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_the_page_has_the_columns_types_and_units_of_each_table(table: Table) -> None:
    if table.name not in NOBODYS_BUSINESS:
        assert documented().get(table.name) == section(table), f"the page needs:\n\n{section(table)}\n"


def test_the_page_has_no_table_that_is_gone() -> None:
    assert set(documented()) <= set(metadata.tables) - NOBODYS_BUSINESS


def test_the_page_has_the_size_of_a_row_group() -> None:
    assert f"{PAGE_ROWS:,} rows a row group" in PAGE.read_text(encoding="utf-8")
