"""A server that stops and comes back: who is waited for, how long, and what is done again."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Column, Connection, Double, Integer, MetaData, Table, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from coingecko_pipeline.warehouse import Database, DatabaseUnavailable, ExactText, read_frame
from coingecko_pipeline.warehouse.database import OUTAGE_SECONDS, TRIES
from coingecko_pipeline.warehouse.frames import to_arrow
from coingecko_pipeline.warehouse.writing import TableWriter
from coingecko_pipeline_tests.databases import on_servers, run_on
from coingecko_pipeline_tests.warehouse.flaky_server import FlakyServer

WAITS_UNTIL_MENDED = 8  # more than a transaction has tries
LONGEST_WAIT_SECONDS = 5

SHOP = MetaData()
PRICES = Table(
    "prices",
    SHOP,
    Column("id", Integer, primary_key=True),
    Column("coin", ExactText(100), nullable=False),
    Column("price", Double),
)

Cut = Callable[[FlakyServer], None]
every_cut = pytest.mark.parametrize("cut", [FlakyServer.cut, FlakyServer.cut_but_accept], ids=["refusing", "accepting"])


class Outage:
    """A database by a way that can be cut, and is mended in the course of the waits."""

    def __init__(self, way: FlakyServer, url: URL) -> None:
        self.way = way
        self.waits: list[float] = []
        self.waits_until_mended = WAITS_UNTIL_MENDED
        self.before_mending: Callable[[], None] = lambda: None
        self.database = Database(url.render_as_string(hide_password=False), sleep=self._sleep)

    def reach(self) -> None:
        with self.database.connect():
            pass

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) == self.waits_until_mended:
            self.before_mending()
            self.way.mend()


@pytest.fixture
def way(empty_database: Database) -> Iterator[FlakyServer]:
    """A mended way to the server of `empty_database`, which holds two empty tables."""
    with empty_database.transaction() as connection:
        connection.execute(text("CREATE TABLE counted (id INTEGER PRIMARY KEY)"))
    SHOP.create_all(empty_database.engine)
    way = FlakyServer(empty_database.url)
    way.mend()
    yield way
    way.close()


@pytest.fixture
def outage(way: FlakyServer) -> Iterator[Outage]:
    outage = Outage(way, way.url)
    yield outage
    outage.database.dispose()


def some_rows() -> pa.Table:
    """Rows for PRICES of 6 MB, more than the sockets in between hold, so that a cut comes amid their sending."""
    count = 60_000
    coins = [f"{number:0100d}" for number in range(count)]
    return to_arrow(PRICES, pd.DataFrame({"id": range(count), "coin": coins, "price": 0.1}))


def counted(database: Database) -> list[int]:
    return database.run_reading(lambda c: list(c.scalars(text("SELECT id FROM counted ORDER BY id"))))


@on_servers
@every_cut
def test_a_server_that_stops_within_a_transaction_is_waited_for_and_the_transaction_is_done_once(
    outage: Outage, empty_database: Database, cut: Cut, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> str:
        tries.append(1)
        connection.execute(text("INSERT INTO counted VALUES (1)"))
        if len(tries) == 1:
            cut(outage.way)
        connection.execute(text("INSERT INTO counted VALUES (2)"))
        return "done"

    with caplog.at_level(logging.WARNING, logger="coingecko_pipeline"):
        assert outage.database.run_in_transaction(work) == "done"
    assert counted(empty_database) == [1, 2]
    assert len(tries) == 2
    assert len(outage.waits) == WAITS_UNTIL_MENDED
    told = [record.getMessage() for record in caplog.records if record.name.startswith("coingecko_pipeline")]
    assert "try 1 of 5 failed" in told[0]
    assert all("waiting for the server, which has answered before" in line for line in told[1:])
    assert len(told) == WAITS_UNTIL_MENDED


@on_servers
@every_cut
def test_a_server_that_stops_while_nobody_uses_it_is_waited_for_by_the_next_who_does(
    outage: Outage, empty_database: Database, cut: Cut
) -> None:
    database = outage.database
    uses: list[Callable[[], object]] = [
        lambda: database.run_in_transaction(lambda c: c.execute(text("INSERT INTO counted VALUES (1)"))),
        lambda: counted(database),
        outage.reach,
    ]
    outage.reach()
    for use in uses:
        outage.waits.clear()
        cut(outage.way)
        use()
        assert len(outage.waits) == WAITS_UNTIL_MENDED
    assert counted(empty_database) == [1]


@on_servers
def test_the_kind_of_a_server_that_was_reached_is_known_while_it_is_stopped(outage: Outage, kind: str) -> None:
    outage.reach()
    outage.way.cut()
    assert outage.database.kind == kind
    assert outage.waits == []


@on_servers
def test_pooled_connections_from_before_a_restart_are_replaced_without_waiting(outage: Outage) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(outage.database.connect())
    outage.way.cut()
    outage.way.mend()
    with ExitStack() as stack:
        for connection in [stack.enter_context(outage.database.connect()) for _ in range(3)]:
            assert connection.scalar(text("SELECT 1")) == 1
    assert outage.waits == []


@on_servers
@pytest.mark.parametrize("at", [1, 100_000], ids=["before its rows", "amid its rows"])
@pytest.mark.parametrize("way_of_writing", ["bulk upsert", "bulk replace", "executemany"])
def test_a_frame_whose_write_loses_the_server_is_stored_whole(
    outage: Outage, empty_database: Database, way_of_writing: str, at: int
) -> None:
    rows = some_rows()
    bulk = way_of_writing != "executemany"
    outage.database.local_infile = bulk
    writer = TableWriter(outage.database, PRICES)
    writer.upsert(rows.slice(0, 10))  # reached, and a temporary table was made on the connection that is lost
    outage.way.cut_after(at)
    if way_of_writing == "bulk replace":
        writer.replace([rows])
    else:
        writer.upsert(rows)
    assert len(outage.waits) == WAITS_UNTIL_MENDED
    assert outage.database.local_infile == bulk, "it fell back where it should not"
    assert to_arrow(PRICES, read_frame(empty_database, PRICES)).equals(rows)


@on_servers
def test_a_server_that_stays_away_is_given_up_after_a_bounded_wait(outage: Outage) -> None:
    outage.waits_until_mended = 0
    outage.reach()
    outage.way.cut()
    with pytest.raises(DatabaseUnavailable, match="nothing answers there: check the host") as refused:
        counted(outage.database)
    assert "\n" not in str(refused.value)
    assert OUTAGE_SECONDS - LONGEST_WAIT_SECONDS < sum(outage.waits) <= OUTAGE_SECONDS
    assert max(outage.waits) <= LONGEST_WAIT_SECONDS


@on_servers
def test_a_server_that_stops_within_a_transaction_and_stays_away_is_given_up_after_the_same_wait(
    outage: Outage, empty_database: Database
) -> None:
    outage.waits_until_mended = 0
    tries: list[int] = []

    def work(connection: Connection) -> None:
        tries.append(1)
        connection.execute(text("INSERT INTO counted VALUES (1)"))
        outage.way.cut()
        connection.execute(text("INSERT INTO counted VALUES (2)"))

    with pytest.raises(DatabaseUnavailable):
        outage.database.run_in_transaction(work)
    before_next_try, *for_server = outage.waits
    assert before_next_try <= 0.1
    assert OUTAGE_SECONDS - LONGEST_WAIT_SECONDS < sum(for_server) <= OUTAGE_SECONDS
    assert len(tries) == 1
    assert counted(empty_database) == []


@on_servers
@pytest.mark.parametrize(
    ("cut", "told"),
    [(FlakyServer.cut, "nothing answers there"), (FlakyServer.cut_but_accept, "ended before the login was done")],
    ids=["refusing", "accepting"],
)
def test_a_server_that_was_never_reached_is_told_at_once(outage: Outage, cut: Cut, told: str) -> None:
    cut(outage.way)
    uses: list[Callable[[], object]] = [
        lambda: outage.database.run_in_transaction(lambda _: None),
        lambda: counted(outage.database),
        lambda: outage.database.kind,
        outage.reach,
    ]
    for use in uses:
        with pytest.raises(DatabaseUnavailable, match=told):
            use()
    assert outage.waits == []


@on_servers
def test_a_password_that_was_changed_while_the_server_was_stopped_is_told_as_soon_as_it_is_back(
    way: FlakyServer,
    empty_database: Database,
    servers: Callable[[str], URL],
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server, name = servers(kind), empty_database.url.database
    run_on(
        server,
        f"CREATE USER '{name}'@'%' IDENTIFIED BY 'hush'",
        f"GRANT ALL ON {name}.* TO '{name}'@'%'",
    )
    try:
        outage = Outage(way, way.url.set(username=name, password="hush"))
        outage.before_mending = lambda: run_on(server, f"ALTER USER '{name}'@'%' IDENTIFIED BY 'changed'")
        outage.reach()
        way.cut()
        with pytest.raises(DatabaseUnavailable, match=f"refused user '{name}': check the user") as refused:
            counted(outage.database)
        outage.database.dispose()
    finally:
        run_on(server, f"DROP USER '{name}'@'%'")
    assert len(outage.waits) == WAITS_UNTIL_MENDED
    assert "waiting for the server" in caplog.text
    assert "hush" not in f"{refused.value} {caplog.text}"


@on_servers
def test_work_that_always_loses_its_connection_is_given_up_after_a_bounded_number_of_tries(outage: Outage) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> None:
        tries.append(1)
        outage.way.cut()
        outage.way.mend()
        connection.execute(text("SELECT 1"))

    with pytest.raises(OperationalError):
        outage.database.run_reading(work)
    assert len(tries) == TRIES
