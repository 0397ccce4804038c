"""Every type of column that the page lists: what goes in comes back, in the least and the greatest of its values."""

import enum
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Time,
    text,
)
from sqlalchemy.dialects import mysql

from coingecko_pipeline.warehouse import (
    Database,
    ExactText,
    InvalidFrameError,
    OneOf,
    StoredValueError,
    UtcDateTime,
    read_arrow,
    read_frame,
)
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.databases import MakeDatabase, on_servers, on_sqlite
from coingecko_pipeline_tests.warehouse.values import without_nan


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


TYPES = MetaData()
MICROSECONDS = Time().with_variant(mysql.TIME(fsp=6), "mysql")
ALL = Table(
    "all_types",
    TYPES,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("price", Numeric(15, 4)),
    Column("document", JSON),
    Column("opens", Time),
    Column("exactly", MICROSECONDS),
    Column("body", LargeBinary),
    Column("colour", Enum(Colour)),
    Column("size", Enum("s", "m", "l", name="size")),
    Column("second", DateTime),
)
WIDE = Table(
    "wide_decimals",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("price", Numeric(38, 18)),
    Column("wider", Numeric(65, 30)),
)
FINE = time(23, 59, 59, 999_999)
ROWS: list[tuple[Any, ...]] = [
    (1, Decimal("12345678901.2345"), {"a": [1, 2.5, None, "ü\t\\N'\""]}, time(9, 30), FINE, b"\0\xff\t", "RED", "s"),
    (2, Decimal("-0.0001"), [], time(0, 0), time(0, 0, 0, 1), b"", "GREEN", "l"),
    (3, Decimal("0.0000"), "text", time(23, 59, 59), time(12, 0), b"\\N\n", None, "m"),
    (4, None, None, None, None, None, None, None),
]
SECOND = datetime(2025, 1, 1, 12, 0, 1, tzinfo=UTC)


@pytest.fixture(scope="module", params=["bulk", "executemany"])
def typed(request: pytest.FixtureRequest, make_database: MakeDatabase, kind: str) -> Iterator[Database]:
    if request.param == "bulk" and kind == "sqlite":
        pytest.skip("SQLite has one way of writing")
    database = make_database()
    TYPES.create_all(database.engine)
    if not database.is_sqlite:
        WIDE.create(database.engine)
    yield (typed := Database(database.url.render_as_string(hide_password=False), local_infile=request.param == "bulk"))
    typed.dispose()


def frame_of(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=ALL.columns.keys()[:-1], dtype=object)
    return frame.assign(id=range(len(rows)), second=SECOND)


def written(database: Database, rows: list[tuple[Any, ...]], mode: str) -> pd.DataFrame:
    writer, arrow = TableWriter(database, ALL), to_arrow(ALL, frame_of(rows))
    if mode == "upsert":
        writer.upsert(arrow)
    else:
        writer.replace([arrow])
    return read_frame(database, ALL)


@pytest.mark.parametrize("mode", ["replace", "upsert"])
def test_each_type_comes_back_as_it_went_in(typed: Database, mode: str) -> None:
    found = written(typed, ROWS, mode)
    assert found["document"].tolist() == [row[2] for row in ROWS]
    for number, name in enumerate(ALL.columns.keys()[1:-1], start=1):
        if name != "document":
            assert without_nan(found[name]) == [row[number] for row in ROWS], name
    assert found["second"].tolist() == [SECOND] * len(ROWS)
    assert found["price"][0].as_tuple().exponent == -4


def test_each_type_comes_back_as_arrow_and_goes_in_again(typed: Database) -> None:
    written(typed, ROWS, "replace")
    rows = read_arrow(typed, ALL)
    assert rows.schema.field("price").type == pa.decimal128(15, 4)
    assert rows.schema.field("opens").type == pa.time64("us")
    assert rows.schema.field("second").type == pa.timestamp("us", "UTC")
    assert json.loads(rows["document"][0].as_py()) == ROWS[0][2]
    TableWriter(typed, ALL).replace([to_arrow(ALL, rows)])
    assert read_arrow(typed, ALL).equals(rows)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)


@example(document=0.30000000000000004)
@example(document=2**63 - 1)
@example(document={"": -0.0, "b": 1e22, "a": 5e-324})
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(document=DOCUMENTS)
def test_any_json_document_comes_back_equal(typed: Database, document: Any) -> None:
    found = written(typed, [(1, None, document, None, None, None, None, None)], "replace")
    assert found["document"][0] == document


@on_servers
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(price=st.decimals(-(10**20) + 1, 10**20 - 1, places=18), wider=st.decimals(-(10**35) + 1, 10**35 - 1, places=30))
def test_wide_decimals_come_back_digit_by_digit(typed: Database, price: Decimal, wider: Decimal) -> None:
    frame = pd.DataFrame({"id": [1], "price": [price], "wider": pd.Series([wider], dtype=object)})
    TableWriter(typed, WIDE).replace([to_arrow(WIDE, frame)])
    found = read_frame(typed, WIDE)
    assert (found["price"][0], found["wider"][0]) == (price, wider)


def test_rows_are_chosen_by_each_type(typed: Database) -> None:
    written(typed, ROWS, "replace")
    wanted: dict[str, Any] = {"opens": time(9, 30), "price": Decimal("-0.0001"), "colour": "RED", "size": "m"}
    found = {
        name: read_frame(typed, ALL, conditions=[OneOf(name, (value,))])["id"].tolist()
        for name, value in wanted.items()
    }
    assert found == {"opens": [0], "price": [1], "colour": [0], "size": [2]}


STRANGE = MetaData()
STORED: list[tuple[Column[Any], str, str]] = [
    (Column("v", Integer), "text", "abc"),
    (Column("v", SmallInteger), "integer", "40000"),
    (Column("v", Boolean), "integer", "2"),
    (Column("v", Date), "text", "2025-02-31"),
    (Column("v", UtcDateTime), "text", "noon"),
    (Column("v", Time), "text", "25:00:00"),
    (Column("v", Numeric(10, 2)), "numeric", "1.005"),
    (Column("v", BigInteger, nullable=False), "integer", "NULL"),
    (Column("v", ExactText(9)), "blob", "x'ff'"),
]


@on_sqlite
@pytest.mark.parametrize(("column", "there", "value"), STORED, ids=[repr(column.type) for column, *_ in STORED])
def test_a_stored_value_that_is_none_of_the_declared_type_is_told(
    empty_database: Database, column: Column[Any], there: str, value: str
) -> None:
    table = Table("strange", MetaData(), Column("id", Integer, primary_key=True), column._copy())
    literal = value if value in ("NULL", "x'ff'") or there in ("integer", "numeric") else f"'{value}'"
    with empty_database.transaction() as connection:
        connection.execute(text(f"CREATE TABLE strange (id INTEGER PRIMARY KEY, v {there})"))
        connection.execute(text(f"INSERT INTO strange VALUES (1, {literal})"))
    for read in (read_frame, read_arrow):
        with pytest.raises(StoredValueError, match=r"column strange\.v"):
            read(empty_database, table)


@on_servers
@pytest.mark.parametrize(
    ("declared", "there", "value"),
    [
        (Time, "TIME", "'-10:00:00'"),
        (Time, "TIME", "'100:00:00'"),
        (Date, "DATE", "'0000-00-00'"),
        (Integer, "INT UNSIGNED", "4294967295"),
    ],
)
def test_what_a_server_holds_beyond_the_declared_type_is_told(
    empty_database: Database, declared: Any, there: str, value: str
) -> None:
    table = Table("strange", MetaData(), Column("id", Integer, primary_key=True), Column("v", declared))
    with empty_database.transaction() as connection:
        connection.execute(text("SET SESSION sql_mode = ''"))
        connection.execute(text(f"CREATE TABLE strange (id INTEGER PRIMARY KEY, v {there})"))
        connection.execute(text(f"INSERT INTO strange VALUES (1, {value})"))
    empty_database.engine.dispose()
    with pytest.raises(StoredValueError, match=r"column strange\.v holds a value"):
        read_frame(empty_database, table)


ODD: list[tuple[str, Any, str]] = [
    ("document", float("inf"), "cannot take"),
    ("document", {1: "a"}, "something else"),
    ("document", (1, 2), "something else"),
    ("document", {"a": float("nan")}, "cannot take"),
    ("document", {"a": 2**63}, "64 bits"),
    ("document", {"a": {1, 2}}, "cannot take"),
    ("document", {"a": Decimal("1.5")}, "cannot take"),
    ("document", ["\ud800"], "cannot take"),
    ("opens", time(9, 30, 0, 1), "finer than the 0 digits of a second"),
    ("opens", time(9, 30, tzinfo=UTC), "time zone"),
    ("opens", "09:30", "some are str"),
    ("second", pd.Timestamp("2025-01-01T00:00:00.5Z"), "finer than the 0 digits of a second"),
    ("body", "text", "some are str"),
    ("colour", "BLUE", "must be one of 'RED', 'GREEN'; the frame has \\['BLUE'\\]"),
    ("size", "S", "must be one of 's', 'm', 'l'"),
    ("size", "s ", "must be one of 's', 'm', 'l'"),
]


@pytest.mark.parametrize(("column", "value", "told"), ODD)
def test_what_would_be_changed_on_its_way_is_refused(column: str, value: Any, told: str) -> None:
    frame = frame_of(ROWS[:1]).assign(**{column: pd.Series([value], dtype=object)})
    with pytest.raises(InvalidFrameError, match=told):
        to_arrow(ALL, frame)


NARROW = Table(
    "narrow",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("price", Numeric(10, 2)),
    Column("day", Date),
    Column("moment", UtcDateTime),
    Column("body", LargeBinary),
    Column("good", Boolean),
    Column("whole", Integer),
)


def narrow(column: str, values: list[Any], dtype: Any = object) -> pa.Table:
    nothing = dict.fromkeys(NARROW.columns.keys(), [None] * len(values))
    return to_arrow(NARROW, {**nothing, "id": range(len(values)), column: pd.Series(values, dtype=dtype)})


NOON = datetime(2025, 1, 1, 12)  # noqa: DTZ001 - naive on purpose


@pytest.mark.parametrize(
    ("column", "values", "dtype", "told"),
    [
        ("price", [0.125], "float64", "cause data loss"),
        ("price", [1.005], "float64", "cause data loss"),
        ("price", [0.1 + 0.2], "float64", "cause data loss"),
        ("price", [1.005, None], object, "cause data loss"),
        ("price", [1e20], "float64", "precision"),
        ("price", [123456789], "int64", "precision"),
        ("price", [True, 1], object, "some are bool"),
        ("price", [Decimal("Infinity")], object, "cannot take"),
        ("day", [date(2025, 1, 1), NOON], object, "not at midnight"),
        ("day", [NOON, date(2025, 1, 1)], object, "not at midnight"),
        ("day", [date(2025, 1, 1), pd.Timestamp("2025-01-02T00:00:00+02:00")], object, "not at midnight"),
        ("day", [date(2025, 1, 1), "2025-01-02"], object, "some are str"),
        ("moment", [NOON.replace(tzinfo=UTC), NOON], object, "no time zone"),
        ("moment", [NOON, NOON.replace(tzinfo=UTC)], object, "no time zone"),
        ("moment", [NOON.replace(tzinfo=UTC), date(2025, 1, 1)], object, "some are date"),
        ("body", [b"a", "b"], object, "some are str"),
        ("good", [True, 1], object, "some are int"),
        ("whole", [1, True], object, "some are bool"),
        ("whole", [1, pd.Series([True])[0]], object, "some are bool"),
        ("whole", [1, "2"], object, "some are str"),
    ],
)
def test_a_value_that_fits_only_the_first_ones_column_is_refused(
    column: str, values: list[Any], dtype: str, told: str
) -> None:
    with pytest.raises(InvalidFrameError, match=rf"narrow\.{column} .*{told}"):
        narrow(column, values, dtype)


def test_a_mixed_column_is_taken_where_each_value_is_right() -> None:
    days = [date(2025, 1, 1), datetime(2025, 1, 2), pd.Timestamp("2025-01-03"), None]  # noqa: DTZ001 - naive midnights
    assert narrow("day", days)["day"].to_pylist() == [date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 3), None]
    zones = [pd.Timestamp("2025-01-01T01:00+01:00"), pd.Timestamp("2025-01-01T00:00Z")]
    assert len(set(narrow("moment", zones)["moment"].to_pylist())) == 1


def test_a_number_becomes_the_decimal_that_it_is_written_as() -> None:
    for values, dtype in (([0.1, 2.0, 1e-2], "float64"), ([1, 2, 3], "int64"), ([Decimal("0.10"), 2, None], object)):
        found = narrow("price", values, dtype)["price"].to_pylist()
        assert found == [None if value is None else Decimal(str(value)) for value in values]
