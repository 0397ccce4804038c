"""Writing rows: guarded upserts, replacements in one transaction, and bulk loads without silent warnings."""

import logging
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Column, Connection, Date, Double, ForeignKey, Integer, LargeBinary, MetaData, Table, insert, text

from coingecko_pipeline.tables import daily_market
from coingecko_pipeline.warehouse import (
    Between,
    Database,
    ExactText,
    OneOf,
    RowsRefusedError,
    read_frame,
)
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.load_data import load_into, ready_file
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.databases import on_servers

WriterOf = Callable[[Table], TableWriter]
SHOP = MetaData()
KEYS_ONLY = Table("keys_only", SHOP, Column("a", ExactText(9), primary_key=True), Column("b", Date, primary_key=True))
ODD = Table('100% `odd` "name"', SHOP, Column('a % `b` "c"', ExactText(9), primary_key=True), Column("change", Double))
BODIES = Table("bodies", SHOP, Column("id", Integer, primary_key=True), Column("body", LargeBinary, nullable=False))


@pytest.fixture
def shop(empty_database: Database) -> Database:
    SHOP.create_all(empty_database.engine)
    return empty_database


@pytest.fixture
def writer_of(written_database: Database) -> WriterOf:
    """Makes writers that go by LOAD DATA, and writers that do not."""
    SHOP.create_all(written_database.engine)
    return lambda table: TableWriter(written_database, table)


def upsert(writer: TableWriter, table: Table, frame: pd.DataFrame) -> None:
    writer.upsert(to_arrow(table, frame))


def test_a_table_of_keys_alone_takes_the_same_rows_again(shop: Database, writer_of: WriterOf) -> None:
    frame = pd.DataFrame({"a": ["x", "x "], "b": [date(2025, 1, 1)] * 2})
    for _ in range(2):
        upsert(writer_of(KEYS_ONLY), KEYS_ONLY, frame)
    assert read_frame(shop, KEYS_ONLY)["a"].tolist() == ["x", "x "]


DAY = date(2025, 1, 1)


def keys(*names: str) -> pa.Table:
    return to_arrow(KEYS_ONLY, pd.DataFrame({"a": names, "b": [DAY] * len(names)}))


def test_rows_that_are_probably_new_are_inserted_and_those_that_are_there_meet_the_guard(
    empty_database: Database, written_database: Database
) -> None:
    def row(asset: str, source: str, price: float | None) -> pa.Table:
        frame = {"date": [DAY], "asset_id": [asset], "price_usd": [price], "volume_24h_usd": [2.0]}
        moments = pd.to_datetime([f"{DAY} 00:00:00Z"])
        return to_arrow(
            daily_market, pd.DataFrame({**frame, "market_cap_usd": [3.0], "source": [source], "observed_at": moments})
        )

    daily_market.create(empty_database.engine)
    writer = TableWriter(written_database, daily_market)
    batches = [row("new", "chart", 1.0), row("there", "snapshot", 5.0)]
    for batch in (
        *batches,
        pa.concat_tables([row("there", "chart", None), row("too", "chart", 4.0)]),
        row("new", "snapshot", 9.0),
    ):
        written_database.run_in_transaction(lambda connection, batch=batch: writer.insert_in(connection, batch))  # type: ignore[misc]
    stored = read_frame(empty_database, daily_market)
    assert dict(zip(stored["asset_id"], zip(stored["price_usd"], stored["source"], strict=True), strict=True)) == {
        "new": (1.0, "chart"),
        "there": (5.0, "chart"),
        "too": (4.0, "chart"),
    }


def test_rows_are_written_in_the_transaction_of_the_caller(shop: Database, written_database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(insert(KEYS_ONLY), {"a": "mine", "b": DAY})
        for _ in range(2):
            TableWriter(written_database, KEYS_ONLY).upsert_in(connection, keys("mine", "too"))
        TableWriter(written_database, KEYS_ONLY).upsert_in(connection, keys())
        assert read_frame(shop, KEYS_ONLY).empty, "another connection sees them before the commit"

    written_database.run_in_transaction(work)
    assert read_frame(shop, KEYS_ONLY)["a"].tolist() == ["mine", "too"]


def test_a_transaction_that_fails_after_its_rows_leaves_none(shop: Database, written_database: Database) -> None:
    def work(connection: Connection) -> None:
        TableWriter(written_database, KEYS_ONLY).upsert_in(connection, keys("mine"))
        raise KeyError("the change log")

    with pytest.raises(KeyError, match="the change log"):
        written_database.run_in_transaction(work)
    assert read_frame(shop, KEYS_ONLY).empty


def test_names_may_hold_percent_signs_quotes_and_reserved_words(shop: Database, writer_of: WriterOf) -> None:
    key, value = ODD.columns.keys()
    upsert(writer_of(ODD), ODD, pd.DataFrame({key: ["50%"], value: [1.0]}))
    upsert(writer_of(ODD), ODD, pd.DataFrame({key: ["50%"], value: [2.0]}))
    writer_of(ODD).replace([to_arrow(ODD, pd.DataFrame({key: ["%s"], value: [3.0]}))], [OneOf(key, ("%d",))])
    found = read_frame(shop, ODD, conditions=[OneOf(key, ("50%", "%s", "' OR 1=1 -- ", "\\"))])
    assert found.to_dict("records") == [{key: "%s", value: 3.0}, {key: "50%", value: 2.0}]


def test_bytes_come_back_as_they_were(shop: Database, kind: str) -> None:
    bodies = [bytes(range(256)), b"", b"\\N\t\n\0\x1a'"]
    frame = pd.DataFrame({"id": range(3), "body": bodies})
    writer = TableWriter(shop, BODIES)
    for _ in range(2):
        upsert(writer, BODIES, frame)
    assert shop.kind == kind
    assert read_frame(shop, BODIES)["body"].tolist() == bodies


def market(days: int, price: float, coin: str = "a") -> pd.DataFrame:
    dates = [date(2025, 1, 1) + timedelta(days=n) for n in range(days)]
    return pd.DataFrame(
        {
            "date": dates,
            "asset_id": coin,
            "price_usd": price,
            "volume_24h_usd": 1.0,
            "market_cap_usd": None,
            "source": "chart",
            "observed_at": pd.to_datetime(dates, utc=True),
        }
    )


class Watched:
    """Batches that look at the database from another connection while the replacement is under way."""

    def __init__(self, batches: list[pa.Table], other: Database) -> None:
        self._batches, self._other = batches, other
        self.seen: list[list[float]] = []

    def __iter__(self) -> Iterator[pa.Table]:
        for batch in self._batches:
            yield batch
            self.seen.append(read_frame(self._other, daily_market)["price_usd"].tolist())


def test_a_reader_sees_the_old_rows_or_the_new_ones_and_never_none(database: Database) -> None:
    writer = TableWriter(database, daily_market)
    upsert(writer, daily_market, market(3, 1.0))
    other = Database(database.url.render_as_string(hide_password=False))
    days = Between("date", date(2025, 1, 1), date(2025, 1, 3))
    batches = Watched([to_arrow(daily_market, market(2, 2.0)), to_arrow(daily_market, market(2, 3.0, "b"))], other)
    writer.replace(batches, [days])
    assert batches.seen == [[1.0, 1.0, 1.0]] * 2
    assert read_frame(other, daily_market)["price_usd"].tolist() == [2.0, 3.0, 2.0, 3.0, 1.0]
    other.dispose()


def test_a_replacement_that_fails_half_way_leaves_the_old_rows(shop: Database, writer_of: WriterOf) -> None:
    writer = writer_of(KEYS_ONLY)
    old, new = (to_arrow(KEYS_ONLY, pd.DataFrame({"a": [name], "b": [date(2025, 1, 1)]})) for name in ("old", "new"))
    writer.upsert(old)
    with pytest.raises(RowsRefusedError, match="keys_only"):
        writer.replace([new, new])
    assert read_frame(shop, KEYS_ONLY)["a"].tolist() == ["old"]


def test_a_replacement_is_tried_again_as_a_whole(shop: Database) -> None:
    rows = to_arrow(KEYS_ONLY, pd.DataFrame({"a": ["x"], "b": [date(2025, 1, 1)]}))

    class Interrupted:
        tries = 0

        def __iter__(self) -> Iterator[pa.Table]:
            self.tries += 1
            yield rows
            if self.tries == 1:
                raise ConnectionResetError

    batches = Interrupted()
    with pytest.raises(ConnectionResetError):
        TableWriter(shop, KEYS_ONLY).replace(batches)
    assert read_frame(shop, KEYS_ONLY).empty
    TableWriter(shop, KEYS_ONLY).replace(batches)
    assert len(read_frame(shop, KEYS_ONLY)) == 1


@on_servers
def test_where_local_infile_is_forbidden_it_falls_back_and_says_so_once(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    # The client does not offer it, so the server's own refusal comes back.
    forbidden = Database(database.url.render_as_string(hide_password=False), local_infile=False)
    forbidden.local_infile = True
    with caplog.at_level(logging.WARNING):
        for price in (1.0, 2.0):
            upsert(TableWriter(forbidden, daily_market), daily_market, market(3, price))
        TableWriter(forbidden, daily_market).replace([to_arrow(daily_market, market(1, 3.0))])
    forbidden.dispose()
    assert len([record for record in caplog.records if "LOAD DATA LOCAL INFILE" in record.message]) == 1
    assert "set local_infile=ON on the server" in caplog.text


@on_servers
def test_where_local_infile_is_forbidden_the_callers_transaction_goes_on(
    shop: Database, caplog: pytest.LogCaptureFixture
) -> None:
    forbidden = Database(shop.url.render_as_string(hide_password=False), local_infile=False)
    forbidden.local_infile = True
    runs: list[Connection] = []

    def work(connection: Connection) -> None:
        runs.append(connection)
        connection.execute(insert(KEYS_ONLY), {"a": "before", "b": DAY})
        TableWriter(forbidden, KEYS_ONLY).upsert_in(connection, keys("rows"))
        connection.execute(insert(KEYS_ONLY), {"a": "after", "b": DAY})

    with caplog.at_level(logging.WARNING):
        forbidden.run_in_transaction(work)
    forbidden.dispose()
    assert read_frame(shop, KEYS_ONLY)["a"].tolist() == ["after", "before", "rows"]
    assert len(runs) == 1
    assert "LOAD DATA LOCAL INFILE" in caplog.text


@on_servers
def test_where_local_infile_is_forbidden_the_rows_are_the_same(database: Database) -> None:
    forbidden = Database(database.url.render_as_string(hide_password=False), local_infile=False)
    upsert(TableWriter(forbidden, daily_market), daily_market, market(40, 1.25))
    forbidden.dispose()
    assert read_frame(database, daily_market)["price_usd"].tolist() == [1.25] * 40


@on_servers
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2025-01-01\ta\tabc\t1\t1\tchart\t\\N\n", "1366"),
        ("2025-02-31\ta\t1\t1\t1\tchart\t\\N\n", "1"),
        ("2025-01-01\t\\N\t1\t1\t1\tchart\t\\N\n", "asset_id"),
        ("2025-01-01\ta\t1\t1\t1\tlonger than sixteen characters\t\\N\n", "source"),
        ("2025-01-01\ta\t1\n", "1261"),
        ("2025-01-01\ta\t1\t1\t1\tchart\t\\N\tmore\n", "1262"),
    ],
)
def test_no_warning_of_a_bulk_load_passes_unseen(database: Database, tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "rows.tsv"
    file.write_text(line)
    with pytest.raises(RowsRefusedError, match=told), database.transaction() as connection:
        load_into(connection, daily_market, str(file), 1)
    assert read_frame(database, daily_market).empty


@on_servers
def test_a_warning_is_seen_where_the_server_keeps_no_list_of_them(database: Database) -> None:
    rows = to_arrow(daily_market, market(1, 1.0))
    with ready_file(rows) as path, database.transaction() as connection:
        connection.execute(text("SET SESSION max_error_count = 0"))
        load_into(connection, daily_market, path, 1)
        with pytest.raises(RowsRefusedError, match="took 0 of 1 rows for table 'daily_market' and gave 1 warnings"):
            load_into(connection, daily_market, path, 1)
        connection.rollback()
    database.dispose()
    assert read_frame(database, daily_market).empty


PARENTS = MetaData()
PARENT = Table("parent", PARENTS, Column("id", Integer, primary_key=True), Column("name", ExactText(9)))
Table("child", PARENTS, Column("id", Integer, primary_key=True), Column("parent", ForeignKey("parent.id")))


@on_servers
def test_rows_that_others_refer_to_are_not_replaced_and_the_reason_is_told(written_database: Database) -> None:
    PARENTS.create_all(written_database.engine)
    rows = to_arrow(PARENT, pd.DataFrame({"id": [1], "name": ["a"]}))
    writer = TableWriter(written_database, PARENT)
    writer.upsert(rows)
    with written_database.transaction() as connection:
        connection.execute(text("INSERT INTO child VALUES (1, 1)"))
    with pytest.raises(RowsRefusedError, match=r"table 'parent' and stored none of them.*child"):
        writer.replace([rows])
    writer.upsert(rows)


def test_rows_against_a_check_of_the_database_are_refused(written_database: Database) -> None:
    with written_database.transaction() as connection:
        connection.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY, name VARCHAR(9), CHECK (id > 5))"))
    rows = to_arrow(PARENT, pd.DataFrame({"id": [1], "name": ["a"]}))
    for write in (TableWriter(written_database, PARENT).upsert, lambda rows: replace(written_database, rows)):
        with pytest.raises(RowsRefusedError, match="table 'parent'"):
            write(rows)


def replace(database: Database, rows: pa.Table) -> None:
    TableWriter(database, PARENT).replace([rows])


@on_servers
def test_a_row_that_is_larger_than_the_servers_packet_is_told_and_not_tried_again(
    shop: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with shop.connect() as connection:
        limit = connection.execute(text("SELECT @@max_allowed_packet")).scalar_one()
    # Bytes go as hexadecimal digits, two for each.
    rows = to_arrow(BODIES, pd.DataFrame({"id": [1, 2], "body": [b"small", bytes(limit // 2)]}))
    writer = TableWriter(shop, BODIES)
    told = rf"table 'bodies' needs a statement of \d+ bytes, mostly for column body, and the server takes {limit} "
    with caplog.at_level(logging.WARNING):
        for write in (writer.upsert, lambda rows: writer.replace([rows])):
            with pytest.raises(RowsRefusedError, match=told):
                write(rows)
    assert caplog.records == []
    assert read_frame(shop, BODIES).empty


@on_servers
def test_a_table_that_is_narrower_than_declared_refuses_the_rows(empty_database: Database) -> None:
    with empty_database.transaction() as connection:
        connection.execute(text("CREATE TABLE keys_only (a VARCHAR(3), b DATE, PRIMARY KEY (a, b))"))
    rows = to_arrow(KEYS_ONLY, pd.DataFrame({"a": ["abcdef"], "b": [date(2025, 1, 1)]}))
    writer = TableWriter(empty_database, KEYS_ONLY)
    with pytest.raises(RowsRefusedError, match="keys_only"):
        writer.upsert(rows)
    with pytest.raises(RowsRefusedError, match="keys_only"):
        writer.replace([rows])
    assert read_frame(empty_database, KEYS_ONLY).empty
