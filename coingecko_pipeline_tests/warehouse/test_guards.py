"""Which of two rows of one key stays, on every way of writing and for every pair of states."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Column, Double, Integer, MetaData, Table

from coingecko_pipeline.tables import daily_market
from coingecko_pipeline.warehouse import (
    Database,
    DeclarationError,
    ExactText,
    Guard,
    Lowest,
    Ranked,
    UtcDateTime,
    read_frame,
)
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.guard import guard_of
from coingecko_pipeline.warehouse.upsert import upsert_rows
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.databases import on_servers
from coingecko_pipeline_tests.warehouse.values import without_nan

ODD = "it's \\ 50%"
KINDS = (None, "weak", ODD, "strong")
MOMENTS = (None, datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, 0, 0, 0, 1, tzinfo=UTC))
State = tuple[str | None, datetime | None]
STATES: list[State] = list(itertools.product(KINDS, MOMENTS))


def guarded(guard: Any) -> Table:
    return Table(
        "guarded",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("kind", ExactText(20)),
        Column("seen_at", UtcDateTime),
        Column("value", Integer),
        Column("extra", Double),
        info={"guard": guard},
    )


def upsert(database: Database, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=[column.name for column in table.columns])
    frame = frame.assign(seen_at=pd.to_datetime(frame["seen_at"], utc=True))
    TableWriter(database, table).upsert(to_arrow(table, frame))


def stored(database: Database, table: Table) -> list[tuple[Any, ...]]:
    found = read_frame(database, table)
    return list(zip(*(without_nan(found[column.name]) for column in table.columns), strict=True))


def earliest(moment: datetime | None) -> tuple[bool, timedelta]:
    """The later the moment, the lower; None is the lowest."""
    return (moment is not None, MOMENTS[1] - moment if moment and MOMENTS[1] else timedelta())


RANKED = Ranked("kind", ("weak", ODD, "strong"))
GUARDS: list[tuple[Guard, Callable[[State], Any]]] = [
    (Guard(RANKED, "seen_at"), lambda state: (KINDS.index(state[0]), MOMENTS.index(state[1]))),
    (Guard(RANKED, Lowest("seen_at")), lambda state: (KINDS.index(state[0]), earliest(state[1]))),
    (Guard(Lowest("seen_at"), RANKED), lambda state: (earliest(state[1]), KINDS.index(state[0]))),
    (Guard("seen_at", RANKED), lambda state: (MOMENTS.index(state[1]), KINDS.index(state[0]))),
    (Guard(Lowest("seen_at")), lambda state: earliest(state[1])),
    (Guard("seen_at"), lambda state: MOMENTS.index(state[1])),
]


@pytest.mark.parametrize(("guard", "strength"), GUARDS, ids=[repr(guard) for guard, _ in GUARDS])
def test_a_row_replaces_the_stored_one_only_where_its_guard_is_not_weaker(
    written_database: Database, guard: Guard, strength: Callable[[State], Any]
) -> None:
    table = guarded(guard)
    table.metadata.create_all(written_database.engine)
    pairs = list(enumerate(itertools.product(STATES, STATES)))
    upsert(written_database, table, [(i, *old, 1, None) for i, (old, _) in pairs])
    upsert(written_database, table, [(i, *new, 2, 0.5) for i, (_, new) in pairs])
    for (i, (old, new)), row in zip(pairs, stored(written_database, table), strict=True):
        assert row == ((i, *new, 2, 0.5) if strength(new) >= strength(old) else (i, *old, 1, None)), (old, new)


def test_a_null_of_a_row_that_replaces_does_not_erase_a_kept_value(written_database: Database) -> None:
    table = guarded(Guard("seen_at", keeps=("value", "extra")))
    table.metadata.create_all(written_database.engine)
    early, late = MOMENTS[1:]
    upsert(written_database, table, [(1, "a", early, 1, 1.5), (2, "a", late, 1, None), (3, "a", early, None, 1.5)])
    upsert(written_database, table, [(1, None, late, None, 2.5), (2, "b", early, 2, 2.5), (3, "b", late, 2, None)])
    assert stored(written_database, table) == [
        (1, None, late, 1, 2.5),
        (2, "a", late, 1, None),
        (3, "b", late, 2, 1.5),
    ]


def market_row(source: str, minute: int, price: float | None, cap: float | None) -> pd.DataFrame:
    observed = pd.Timestamp("2025-01-02T00:00:00Z") + pd.Timedelta(minutes=minute)
    row = (date(2025, 1, 2), "a", price, None, cap, source, observed)
    return pd.DataFrame([row], columns=daily_market.columns.keys())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([("snapshot", 2, 1.0, 9.0), ("chart", 0, 2.0, None)], (2.0, 9.0, "chart")),
        ([("chart", 0, 2.0, None), ("snapshot", 2, 1.0, 9.0)], (2.0, None, "chart")),
        ([("snapshot", 2, 1.0, 9.0), ("snapshot", 1080, 3.0, 8.0)], (1.0, 9.0, "snapshot")),
        ([("snapshot", 1080, 3.0, 8.0), ("snapshot", 2, 1.0, 9.0)], (1.0, 9.0, "snapshot")),
        ([("chart", 5, 5.0, None), ("chart", 0, 2.0, None)], (2.0, None, "chart")),
        ([("chart", 0, 2.0, 1.0), ("chart", 0, 2.5, None)], (2.5, 1.0, "chart")),
        ([("snapshot", 2, 1.0, None), ("stale", 0, 7.0, 7.0)], (1.0, None, "snapshot")),
    ],
    ids=["chart over snapshot", "never the reverse", "later", "nearer", "exact", "revised", "stale"],
)
def test_of_two_rows_of_a_date_the_better_one_stays(
    database: Database, written: list[tuple[str, int, float | None, float | None]], expected: tuple[Any, ...]
) -> None:
    for row in written:
        TableWriter(database, daily_market).upsert(to_arrow(daily_market, market_row(*row)))
    (found,) = stored(database, daily_market)
    assert (found[2], found[4], found[5]) == expected


def test_rows_of_python_values_go_through_the_same_guard(empty_database: Database) -> None:
    table = guarded(Guard(RANKED, Lowest("seen_at"), keeps=("extra",)))
    table.metadata.create_all(empty_database.engine)
    row = {"id": 1, "kind": ODD, "seen_at": MOMENTS[1], "value": 1, "extra": 1.5}
    with empty_database.transaction() as connection:
        statement = upsert_rows(table, connection.dialect)
        connection.execute(statement, [row, {**row, "id": 2, "kind": "weak"}])
        connection.execute(statement, {**row, "kind": "weak", "value": 2})
        connection.execute(statement, {**row, "id": 2, "value": 2, "extra": None})
    assert stored(empty_database, table) == [(1, ODD, MOMENTS[1], 1, 1.5), (2, ODD, MOMENTS[1], 2, 1.5)]


@pytest.mark.parametrize(
    ("guard", "told"),
    [
        (lambda: Guard("colour"), "names 'colour', which is not a column"),
        (lambda: Guard("seen_at", keeps=("colour",)), "names 'colour', which is not a column"),
        (lambda: Guard("id"), "part of the key"),
        (lambda: "seen_at", "must be a Guard, not str"),
        (lambda: Guard("seen_at", Lowest("seen_at")), "at least one column, and each column once"),
        (lambda: Guard("seen_at", keeps=("seen_at",)), "at least one column, and each column once"),
        (Guard, "at least one column, and each column once"),
        (lambda: Guard(Ranked("kind", ("a", "a"))), "must be distinct"),
    ],
)
def test_a_guard_that_cannot_work_is_refused(guard: Callable[[], Any], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        guard_of(guarded(guard()))


@on_servers
def test_a_name_that_the_servers_upsert_would_get_wrong_is_refused(empty_database: Database) -> None:
    table = Table("odd", MetaData(), Column("id", Integer, primary_key=True), Column("change_%", Double))
    with empty_database.connect() as connection, pytest.raises(DeclarationError, match="has a percent sign"):
        upsert_rows(table, connection.dialect)
