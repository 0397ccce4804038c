"""Parts of a table whose key begins with a date and a coin: all coins of some dates, or some coins on some dates.

A part is told to the database as values, so an index is read from its first to its last row and no further, however
much is stored before and after. Where few rows come of many, as for flags, this costs less than a table of the coins.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table, delete, true

from coingecko_pipeline.measures.making import ROWS_READ, DatedPiece
from coingecko_pipeline.measures.spans import ONE_DAY, Span, merged
from coingecko_pipeline.warehouse.database import Kind

COINS_AT_ONCE = 1000
"""Coins that a statement names at most."""


@dataclass(frozen=True)
class Part:
    """Some rows.

    Attributes:
        dates: The first and the last date of them.
        coins: Their coins; None for all.
    """

    dates: Span
    coins: Sequence[str] | None = None

    def of(self, table: FromClause, before: int = 0, after: int = 0) -> ColumnElement[bool]:
        """That a row of a table is of the part's coins, from so many days before its first date to so many after."""
        first, last = self.dates.first - before * ONE_DAY, self.dates.last + after * ONE_DAY
        inside = table.c.date.between(first, last)
        return inside if self.coins is None else inside & table.c.asset_id.in_(self.coins)

    def hint(self, table: Table) -> str:
        """The index that `of` is for, which MySQL does not always take by itself."""
        (by_coin,) = table.indexes
        return f"FORCE INDEX ({'PRIMARY' if self.coins is None else by_coin.name})"


@dataclass(frozen=True)
class PartQuery:
    """How the rows of a table, or those of them that a condition holds of, are made of the market.

    Attributes:
        table: As declared.
        rows: The rows of a part, with the table's columns in their order.
        days_before: So many days before a changed date of the market is the first row that is affected.
        days_after: So many days after it is the last one.
        which: Which rows of the table they are; all by default.
        dates_at_once: Dates of all coins that one transaction makes.
    """

    table: Table
    rows: Callable[[Part, Kind], Select[Any]]
    days_before: int = 0
    days_after: int = 0
    which: ColumnElement[bool] = field(default_factory=true)
    dates_at_once: int = 7

    def affected(self, known: Span, changed: Span) -> Span | None:
        """The rows that changed dates of the market affect, as far as there can be any."""
        # Clipped before it is widened: the whole table is asked for as all dates that there can be.
        before, after = self.days_before * ONE_DAY, self.days_after * ONE_DAY
        near = Span(known.first - after, known.last + before).clipped(changed)
        return known.clipped(Span(near.first - before, near.last + after)) if near else None

    def parts(self, everyone: Sequence[Span], of_coins: Mapping[str, Sequence[Span]]) -> list[Part]:
        """Dates of all coins and dates of single ones, in parts of a transaction's size.

        Coins whose dates are alike are together, and all of them have the dates of each then.

        Args:
            everyone: Dates of all coins.
            of_coins: Dates of single coins.
        """
        dates = [Part(cut) for span in merged(everyone) for cut in span.cut(self.dates_at_once)]
        return [*dates, *_parts_of_coins(of_coins)]

    def pieces(self, parts: Sequence[Part], kind: Kind) -> list[DatedPiece]:
        """Parts, each as one piece."""
        return [self._piece(part, kind) for part in parts]

    def _piece(self, part: Part, kind: Kind) -> DatedPiece:
        table = self.table

        def make(connection: Connection) -> int:
            connection.execute(delete(table).where(part.of(table), self.which))
            return connection.execute(table.insert().from_select(list(table.columns), self.rows(part, kind))).rowcount

        return DatedPiece(table, part.dates, make, part.coins or (), self.which)


def groups_of(queries: Sequence[tuple[PartQuery, Sequence[Part]]], kind: Kind) -> list[list[DatedPiece]]:
    """Parts of several queries in groups that are made independently of each other.

    Parts of single coins can have rows of those of all coins, and are made after them.
    """
    pieces = [query.pieces(parts, kind) for query, parts in queries]
    if any(part.coins is not None for _, parts in queries for part in parts):
        return [made for made in pieces if made]
    return [[piece] for piece in chain(*pieces)]


def _parts_of_coins(of_coins: Mapping[str, Sequence[Span]]) -> Iterator[Part]:
    found = sorted((span, coin) for coin, spans in of_coins.items() for span in merged(spans))
    dates: Span | None = None
    coins: list[str] = []
    for span, coin in found:
        wider = dates.with_(span) if dates else span
        if dates and (len(coins) >= COINS_AT_ONCE or _days(wider) * (len(coins) + 1) > ROWS_READ):
            yield Part(dates, coins)
            wider, coins = span, []
        dates = wider
        coins = [*coins, coin]
    if dates:
        yield Part(dates, coins)


def _days(span: Span) -> int:
    return (span.last - span.first).days + 1
