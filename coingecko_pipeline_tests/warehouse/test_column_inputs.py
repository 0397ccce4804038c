"""Which columns a query's columns are computed from."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, and_, case, exists, func, literal, select, union_all

from coingecko_pipeline.warehouse import DeclarationError, column_inputs, column_lineage, column_schema, merged_inputs
from coingecko_pipeline_tests.warehouse.shop import ITEMS, SALES

S, T = SALES.c, ITEMS.c


def told(query: Any, columns: Sequence[str] = ("it",)) -> dict[str, set[str]]:
    found = column_inputs(query, columns)
    return {name: {str(column) for column in inputs} for name, inputs in found.items()}


@pytest.mark.parametrize(
    ("expression", "inputs"),
    [
        (S.amount * 2, {"sales.amount"}),
        (S.amount / func.nullif(S.version, 0), {"sales.amount", "sales.version"}),
        (case((S.version > 1, S.amount)), {"sales.amount", "sales.version"}),
        (func.sum(S.amount).over(partition_by=S.item, order_by=S.day), {"sales.amount", "sales.item", "sales.day"}),
        (select(func.max(T.colour)).where(T.item == S.item).scalar_subquery(), {"items.colour"}),
        (S.item.in_(select(T.item)), {"sales.item", "items.item"}),
        (func.count(), {"sales.day", "sales.item"}),
        (func.count(S.amount), {"sales.amount"}),
    ],
    # The order of a set is another one in each process.
    ids=lambda value: ", ".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_column_is_computed_from_what_stands_in_its_expression(expression: Any, inputs: set[str]) -> None:
    assert told(select(expression).select_from(SALES)) == {"it": inputs}


def test_a_subquery_a_common_table_expression_and_an_alias_are_seen_through() -> None:
    inner = select(S.item, func.sum(S.amount).label("total")).group_by(S.item)
    other = SALES.alias("other")
    for found in (inner.subquery("found"), inner.cte("found")):
        query = select(found.c.total + other.c.version, found.c.item).join(other, other.c.item == found.c.item)
        assert told(query, ["it", "item"]) == {"it": {"sales.amount", "sales.version"}, "item": {"sales.item"}}


def test_the_columns_of_a_union_are_those_of_each_of_its_selects() -> None:
    both = union_all(select(S.item.label("name")), select(T.colour)).subquery("both")
    assert told(select(both.c.name)) == {"it": {"sales.item", "items.colour"}}


def test_a_constant_is_told_by_the_conditions_of_its_query_and_of_those_below() -> None:
    dear = select(S.item).where(S.amount > 10).subquery("dear")
    query = (
        select(literal("dear"))
        .select_from(dear.join(ITEMS, and_(ITEMS.c.item == dear.c.item)))
        .where(exists().where(T.colour == "red"))
    )
    assert told(query) == {"it": {"sales.amount", "sales.item", "items.item"}}


def test_a_temporary_table_stands_for_the_table_that_its_values_are_of() -> None:
    wanted = Table("wanted", MetaData(), Column("number", Integer, primary_key=True), Column("item", Integer))
    query = select(wanted.c.item, func.count()).select_from(wanted)
    found = column_inputs(query, ["item", "rows"], {wanted.c.item: S.item, wanted.c.number: None})
    assert found == {"item": {S.item}, "rows": frozenset()}


def test_what_several_queries_fill_is_computed_from_what_either_reads() -> None:
    queries = [select(S.item), select(T.colour)]
    assert merged_inputs(column_inputs(query, ["it"]) for query in queries) == {"it": {S.item, T.colour}}


def test_a_query_with_other_columns_than_the_table_is_refused() -> None:
    with pytest.raises(DeclarationError, match="a query of 2 columns does not fill it"):
        told(select(S.item, S.amount))


def test_dagster_is_told_the_columns_by_their_assets_and_shows_them_with_the_description() -> None:
    lineage = column_lineage(
        {"amount": frozenset({S.version, S.amount, T.colour})}, lambda table: dg.AssetKey(table.name)
    )
    deps = lineage.deps_by_column["amount"]
    assert [(dep.asset_key.to_user_string(), dep.column_name) for dep in deps] == [
        ("items", "colour"),
        ("sales", "amount"),
        ("sales", "version"),
    ]
    shown = {column.name: column.description for column in column_schema(SALES, lineage).columns}
    assert shown["amount"] == "money taken (euro) — from colour of items; amount, version of sales"
    assert shown["item"] == "what was sold"
