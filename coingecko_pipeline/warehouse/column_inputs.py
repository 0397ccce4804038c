"""From which columns of which tables each column of a query is computed, read from the query itself.

An input of a column is what stands in its expression, through subqueries, common table expressions, aliases and
windows. What only chooses rows is none, but for a column that has no other input: a constant is told by the conditions
of its query. `count(*)` counts by the keys of the tables that it reads.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, CompoundSelect, FromClause, Join, Select, Table
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.selectable import AliasedReturnsRows, ScalarSelect, SelectBase, SelectStatementGrouping
from sqlalchemy.sql.visitors import ExternallyTraversible

from coingecko_pipeline.warehouse.errors import DeclarationError

Inputs = frozenset[Column[Any]]
StandsFor = Mapping[Column[Any], Column[Any] | None]

ALL_ROWS = "*"
"""The name of what `count(*)` counts."""


def column_inputs(query: SelectBase, columns: Sequence[str], stands_for: StandsFor | None = None) -> dict[str, Inputs]:
    """The columns of declared tables that each column of a query is computed from, by its name.

    Args:
        query: A select, or a union of some.
        columns: The names of its columns, in their order: those of the table that it fills.
        stands_for: For each column of a temporary table the one of a declared table that its values are of; None for
            one of nobody's.

    Raises:
        DeclarationError: The query has another number of columns, or is of a kind that is not known here.
    """
    given = stands_for or {}
    found = [
        frozenset(real for column in inputs if (real := given.get(column, column)) is not None)
        for inputs in _Reader().of_query(query)
    ]
    if len(found) != len(columns):
        raise DeclarationError(f"a query of {len(found)} columns does not fill {', '.join(columns)}")
    return dict(zip(columns, found, strict=True))


def merged_inputs(several: Iterable[Mapping[str, Inputs]]) -> dict[str, Inputs]:
    """The inputs of the columns of a table that several queries fill."""
    found: dict[str, Inputs] = {}
    for inputs in several:
        found |= {name: found.get(name, frozenset()) | columns for name, columns in inputs.items()}
    return found


class _Reader:
    """Reads one query; what was read of a subquery is kept, since each of its columns stands in many expressions."""

    def __init__(self) -> None:
        self._known: dict[Any, list[Inputs]] = {}

    def of_query(self, query: Any) -> list[Inputs]:
        """The inputs of each column, by position."""
        if query not in self._known:
            self._known[query] = self._of_new_query(query)
        return self._known[query]

    def _of_new_query(self, query: Any) -> list[Inputs]:
        if isinstance(query, SelectStatementGrouping | ScalarSelect):
            return self.of_query(query.element)
        if isinstance(query, CompoundSelect):
            return [_union(same) for same in zip(*map(self.of_query, query.selects), strict=True)]
        if isinstance(query, Select):
            return [self._of(column, query) or self._conditions(query) for column in query.selected_columns]
        raise DeclarationError(f"what a {type(query).__name__} is computed from cannot be told")

    def _of(self, element: ExternallyTraversible, query: Select[Any]) -> Inputs:
        """The inputs of an expression of a query."""
        if isinstance(element, ColumnClause):
            if element.name == ALL_ROWS:
                return _union(map(_keys, query.get_final_froms()))
            return self._of_column(element)
        if isinstance(element, SelectBase | ScalarSelect):
            return _union(self.of_query(element))
        return _union(self._of(child, query) for child in element.get_children())

    def _of_column(self, column: ColumnClause[Any]) -> Inputs:
        source = column.table
        table = source.element if isinstance(source, AliasedReturnsRows) else source
        if isinstance(table, Table):
            return frozenset({table.c[column.name]})
        return self.of_query(table)[list(source.c).index(column)] if source is not None else frozenset()

    def _conditions(self, query: Select[Any]) -> Inputs:
        """The columns by which a query, and those that it reads from, choose rows."""
        own = frozenset() if query.whereclause is None else self._of(query.whereclause, query)
        return _union([own, *(self._conditions_of(source, query) for source in query.get_final_froms())])

    def _conditions_of(self, source: FromClause, query: Select[Any]) -> Inputs:
        if isinstance(source, Join):
            on = frozenset() if source.onclause is None else self._of(source.onclause, query)
            return _union([on, *(self._conditions_of(side, query) for side in (source.left, source.right))])
        return _union(map(self._conditions, _selects(source)))


def _keys(source: FromClause) -> Inputs:
    """The keys of the tables that rows come from."""
    if isinstance(source, Join):
        return _keys(source.left) | _keys(source.right)
    table = source.element if isinstance(source, AliasedReturnsRows) else source
    if isinstance(table, Table):
        return frozenset(table.primary_key.columns)
    return _union(_keys(inner) for query in _selects(source) for inner in query.get_final_froms())


def _selects(source: Any) -> Sequence[Select[Any]]:
    """The selects that a subquery or a common table expression is made of."""
    inner = source.element if isinstance(source, AliasedReturnsRows | SelectStatementGrouping) else source
    if isinstance(inner, CompoundSelect):
        return [select for part in inner.selects for select in _selects(part)]
    return [inner] if isinstance(inner, Select) else []


def _union(several: Iterable[Inputs]) -> Inputs:
    return frozenset[Column[Any]]().union(*several)
