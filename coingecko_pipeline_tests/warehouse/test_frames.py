"""Frames against declared tables: everything that is refused before a database is touched."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Double, Integer, MetaData, Numeric, SmallInteger, Table

from coingecko_pipeline.warehouse import DeclarationError, ExactText, Guard, InvalidFrameError, Ranked, UtcDateTime
from coingecko_pipeline.warehouse.frames import to_arrow

THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", ExactText(5), nullable=False),
    Column("amount", Double),
    Column("day", Date),
    Column("seen_at", UtcDateTime),
    Column("good", Boolean),
    Column("price", Numeric(10, 2)),
    Column("small", SmallInteger),
)
GOOD: dict[str, Any] = {
    "id": 1,
    "name": "a",
    "amount": 1.5,
    "day": date(2025, 1, 1),
    "seen_at": datetime(2025, 1, 1, tzinfo=UTC),
    "good": True,
    "price": Decimal("1.25"),
    "small": 3,
}


def one_row(**changes: Any) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([value]) for name, value in {**GOOD, **changes}.items()})


def stored(column: str, value: Any) -> Any:
    return to_arrow(THINGS, one_row(**{column: value}))[column].to_pylist()[0]


def arrow_row(**changes: Any) -> pa.Table:
    return pa.table({name: pa.array([value]) for name, value in {**GOOD, **changes}.items()})


def test_columns_are_matched_by_name_and_rows_sorted_by_the_key() -> None:
    frame = pd.concat([one_row(id=2), one_row(id=1)])[list(reversed(GOOD))]
    rows = to_arrow(THINGS, frame)
    assert rows.column_names == list(THINGS.columns.keys())
    assert rows["id"].to_pylist() == [1, 2]


def test_missing_and_unknown_columns_are_told_together() -> None:
    frame = one_row().drop(columns=["amount", "day"]).assign(colour="red")
    with pytest.raises(
        InvalidFrameError, match=r"missing: amount, day; unknown: colour\); the table declares id, name"
    ):
        to_arrow(THINGS, frame)


def test_a_column_that_is_given_twice_is_refused() -> None:
    frame = pd.concat([one_row(), one_row()[["name"]]], axis="columns")
    with pytest.raises(InvalidFrameError, match="given twice: name"):
        to_arrow(THINGS, frame)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("name", None, "must not be NULL, and is in 1 of 1 rows"),
        ("name", "abcdef", "holds 5 characters, and a value has 6"),
        ("name", 5, "cannot take the frame's values as string"),
        ("name", "\ud800", "cannot take the frame's values as string"),
        ("amount", float("inf"), "infinite"),
        ("amount", "1.5", "cannot take"),
        ("amount", True, "cannot take"),
        ("id", 1.5, "cannot take"),
        ("id", None, "must not be NULL"),
        ("id", 2**31, "cannot take"),
        ("id", "1", "cannot take"),
        ("small", 40_000, "cannot take"),
        ("day", datetime(2025, 1, 1, 12), "some are not at midnight"),  # noqa: DTZ001 - naive on purpose
        ("day", "2025-01-01", "cannot take"),
        ("seen_at", datetime(2025, 1, 1), 'no time zone: use .dt.tz_localize("UTC")'),  # noqa: DTZ001 - on purpose
        ("seen_at", date(2025, 1, 1), "cannot take"),
        ("good", 1, "cannot take"),
        ("price", Decimal("1.255"), "cannot take"),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_refused_by_name(column: str, value: Any, told: str) -> None:
    frame = one_row().assign(**{column: pd.Series([value], dtype=object if column == "name" else None)})
    with pytest.raises(InvalidFrameError) as refused:
        to_arrow(THINGS, frame)
    assert told in str(refused.value)
    assert f"things.{column}" in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        pd.array([True, None], dtype="boolean"),
        pd.Series([True, None], dtype=pd.ArrowDtype(pa.bool_())),
        pd.Series([True, False]),
        pd.Series([1.5, np.bool_(True)], dtype=object),
        pd.Series([1 + 2j, 1]),
        pd.Series([1 + 0j, 1.5], dtype=object),
        pd.Series([np.timedelta64(5, "s"), 1], dtype=object),
        pd.to_timedelta([1, 2], unit="s"),
        pd.date_range("2025-01-01", periods=2),
        pd.Series(["1", "2"], dtype="category"),
    ],
    ids=lambda values: str(values.dtype),
)
@pytest.mark.parametrize("column", ["amount", "id", "price"])
def test_what_is_no_number_is_refused_for_one(column: str, values: Any) -> None:
    frame = pd.concat([one_row(id=1), one_row(id=2)], ignore_index=True).assign(**{column: values})
    with pytest.raises(InvalidFrameError, match=rf"things\.{column} cannot take"):
        to_arrow(THINGS, frame)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([date(2025, 1, 1)]),
        pa.array([1], pa.duration("s")),
        pa.array([1], pa.time32("s")),
        pa.array([True]),
        pa.array(["1"]),
    ],
    ids=lambda values: str(values.type),
)
@pytest.mark.parametrize("column", ["amount", "id", "price"])
def test_an_arrow_array_of_something_else_is_refused_for_a_number(column: str, values: Any) -> None:
    rows = arrow_row()
    place = rows.column_names.index(column)
    with pytest.raises(InvalidFrameError, match=rf"things\.{column} cannot take"):
        to_arrow(THINGS, rows.set_column(place, column, values))


def test_every_way_to_write_the_same_date_is_that_date() -> None:
    for value in (
        date(2025, 1, 1),
        pd.Timestamp("2025-01-01"),
        np.datetime64("2025-01-01", "s"),
        datetime(2025, 1, 1, tzinfo=UTC),
    ):
        assert stored("day", value) == date(2025, 1, 1)


def test_a_moment_of_any_zone_becomes_utc() -> None:
    found = stored("seen_at", pd.Timestamp("2025-01-01T01:00:00.123456+02:00"))
    assert found.isoformat() == "2024-12-31T23:00:00.123456"


def test_a_moment_finer_than_a_microsecond_is_refused_rather_than_rounded() -> None:
    with pytest.raises(InvalidFrameError, match=r"things\.seen_at"):
        to_arrow(THINGS, one_row(seen_at=pd.Timestamp("2025-01-01T00:00:00.000000001Z")))


def test_a_number_may_be_an_int_of_any_size() -> None:
    assert stored("amount", 2**70) == float(2**70)
    frame = pd.concat([one_row(id=i, amount=None) for i in range(3)])
    frame["amount"] = pd.Series([1, None, 2**64 + 1], dtype=object, index=frame.index)
    assert to_arrow(THINGS, frame)["amount"].to_pylist() == [1.0, None, float(2**64 + 1)]


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, pd.NaT])
@pytest.mark.parametrize("column", ["amount", "day", "seen_at", "good", "price", "small"])
def test_every_kind_of_nothing_is_null(column: str, nothing: Any) -> None:
    frame = one_row()
    frame[column] = pd.Series([nothing], dtype=object)
    assert to_arrow(THINGS, frame)[column].to_pylist() == [None]


def test_an_arrow_table_and_a_mapping_of_arrays_are_the_same_rows_as_a_frame() -> None:
    frame = pd.concat([one_row(id=2), one_row(id=1, amount=None)])
    expected = to_arrow(THINGS, frame)
    arrow = pa.concat_tables([arrow_row(id=2), arrow_row(id=1, amount=float("nan"))])
    assert to_arrow(THINGS, arrow).equals(expected)
    arrays: dict[str, Any] = {name: arrow[name] for name in arrow.column_names}
    arrays |= {"id": np.array([2, 1]), "amount": np.array([1.5, np.nan]), "name": np.array(["a", "a"])}
    arrays |= {"day": np.array(["2025-01-01"] * 2, "datetime64[D]"), "good": np.array([True, True])}
    assert to_arrow(THINGS, arrays).equals(expected)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("name", None, "must not be NULL"),
        ("name", "abcdef", "holds 5 characters"),
        ("name", 5, "cannot take"),
        ("amount", float("-inf"), "infinite"),
        ("amount", "1.5", "cannot take"),
        ("amount", True, "cannot take"),
        ("id", 1.5, "cannot take"),
        ("id", float("nan"), "must not be NULL"),
        ("id", 2**31, "cannot take"),
        ("day", datetime(2025, 1, 1, 12), "some are not at midnight"),  # noqa: DTZ001 - naive on purpose
        ("seen_at", datetime(2025, 1, 1), "no time zone"),  # noqa: DTZ001 - naive on purpose
        ("good", 1, "cannot take"),
    ],
)
def test_a_value_of_an_arrow_table_is_checked_like_a_frames(column: str, value: Any, told: str) -> None:
    with pytest.raises(InvalidFrameError, match=told):
        to_arrow(THINGS, arrow_row(**{column: value}))


def test_whole_numbers_and_decimals_of_an_arrow_table_become_doubles() -> None:
    assert to_arrow(THINGS, arrow_row(amount=3))["amount"].to_pylist() == [3.0]
    assert to_arrow(THINGS, arrow_row(amount=Decimal("1.25")))["amount"].to_pylist() == [1.25]
    assert to_arrow(THINGS, arrow_row(small=3.0))["small"].to_pylist() == [3]


def test_columns_of_an_arrow_table_or_a_mapping_are_matched_by_name_and_length() -> None:
    with pytest.raises(InvalidFrameError, match="missing: amount; unknown: colour"):
        to_arrow(THINGS, arrow_row(colour="red").drop_columns("amount"))
    with pytest.raises(InvalidFrameError, match="given twice: name"):
        to_arrow(THINGS, arrow_row().append_column("name", [["b"]]))
    with pytest.raises(InvalidFrameError, match="different lengths"):
        to_arrow(THINGS, {**{name: pa.array([value]) for name, value in GOOD.items()}, "id": np.array([1, 2])})


def test_rows_of_one_key_are_told_with_the_key() -> None:
    frame = pd.concat([one_row(id=7), one_row(id=8), one_row(id=7)])
    with pytest.raises(InvalidFrameError, match="1 rows of the frame repeat a key of table 'things', such as id=7"):
        to_arrow(THINGS, frame)


def test_an_empty_frame_has_the_declared_types() -> None:
    rows = to_arrow(THINGS, one_row().head(0))
    assert len(rows) == 0
    assert rows.schema.field("day").type == pa.date32()


def test_something_else_than_a_frame_is_refused() -> None:
    with pytest.raises(InvalidFrameError, match=r"takes pandas DataFrames, Arrow tables or mappings.*got a list"):
        to_arrow(THINGS, [1])


def test_a_table_without_a_key_and_a_type_that_cannot_be_written_are_told() -> None:
    keyless = Table("keyless", MetaData(), Column("a", Integer))
    with pytest.raises(DeclarationError, match="declares no primary key"):
        to_arrow(keyless, pd.DataFrame({"a": [1]}))
    odd = Table("odd", MetaData(), Column("a", ARRAY(Integer), primary_key=True))
    with pytest.raises(DeclarationError, match=r"odd\.a"):
        to_arrow(odd, pd.DataFrame({"a": [1]}))


def guarded(guard: object) -> Table:
    return Table(
        "guarded",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("kind", ExactText(9)),
        Column("seen_at", DateTime),
        info={"guard": guard},
    )


def test_a_value_that_the_guard_has_no_rank_for_is_refused() -> None:
    table = guarded(Guard(Ranked("kind", ("weak", "strong"))))
    frame = pd.DataFrame({"id": [1], "kind": ["odd"], "seen_at": [pd.NaT]})
    with pytest.raises(InvalidFrameError, match=r"must be one of 'weak', 'strong'; the frame has \['odd'\]"):
        to_arrow(table, frame)
