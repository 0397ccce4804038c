"""Dagster's storage on connections that stay open."""

import tomllib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import dagster as dg
import pymysql
import pytest
import yaml
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import URL

from coingecko_pipeline.deployment.kept_connections import KEPT
from coingecko_pipeline_tests.databases import MakeDatabase, on_servers
from coingecko_pipeline_tests.deployment.checkout import PROJECT

NAME, MODULE, CLASS = "kept_connections", "coingecko_pipeline.deployment.kept_connections", "KeptConnections"
MINE = text("SELECT CONNECTION_ID()")


@pytest.fixture
def url(make_database: MakeDatabase) -> URL:
    """An empty database, as Dagster's settings name it."""
    plugins.register(NAME, MODULE, CLASS)
    return make_database().url.set(drivername="mysql+mysqlconnector", query={"plugin": NAME})


def engine_of(url: URL) -> Any:
    """An engine as Dagster's storage makes each of its own."""
    return create_engine(url, isolation_level="REPEATABLE READ", poolclass=NullPool)


def connection_of(engine: Any) -> int:
    """The number of the connection that a query has."""
    with engine.connect() as connection, connection.begin():
        return int(connection.scalar(MINE))


@on_servers
def test_each_engine_of_a_process_has_the_same_connection(url: URL) -> None:
    assert len({connection_of(engine_of(url)) for _ in range(20)}) == 1
    # As the webserver makes its own.
    webserver = create_engine(url, isolation_level="REPEATABLE READ", pool_size=1, pool_recycle=3600, max_overflow=2)
    assert connection_of(webserver) == connection_of(engine_of(url))


@on_servers
def test_a_connection_that_the_server_closed_is_replaced_unnoticed(url: URL) -> None:
    engine = engine_of(url)
    first = connection_of(engine)
    with pymysql.connect(
        host=url.host, port=url.port or 3306, user=url.username, password=str(url.password or ""), autocommit=True
    ) as server:
        server.cursor().execute(f"KILL {first}")
    assert connection_of(engine) != first


@on_servers
def test_more_at_once_than_are_kept_wait_for_nobody(url: URL) -> None:
    engine, many = engine_of(url), KEPT * 4
    all_there = Barrier(many)

    def at_once(_: int) -> int:
        with engine.connect() as connection:
            all_there.wait(30)
            return int(connection.scalar(MINE))

    with ThreadPoolExecutor(many) as threads:
        assert len(set(threads.map(at_once, range(many)))) == many


@on_servers
def test_nothing_of_a_transaction_is_left_to_who_has_the_connection_next(url: URL) -> None:
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_open (number INT)"))
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO left_open VALUES (1)"))
        first = connection.scalar(MINE)
    with engine.connect() as connection:
        assert connection.scalar(MINE) == first
        assert connection.scalar(text("SELECT COUNT(*) FROM left_open")) == 0
        assert connection.get_isolation_level() == "REPEATABLE READ"


@on_servers
def test_dagsters_storage_works_on_them(url: URL) -> None:
    settings = {"storage": {"mysql": {"mysql_url": url.render_as_string(hide_password=False)}}}
    with dg.instance_for_test(overrides=settings) as instance:
        result = dg.materialize([an_asset], instance=instance)
        with dg.DagsterInstance.from_ref(instance.get_ref()) as another:
            assert another.get_latest_materialization_event(an_asset.key) is not None
            storage: Any = another.run_storage
            other: Any = instance.event_log_storage
            with storage.connect() as connection:
                first = connection.scalar(MINE)
            with other.index_connection() as connection:
                assert connection.scalar(MINE) == first
        assert result.success


@dg.asset
def an_asset() -> None:
    """Anything."""


def test_the_deployments_storage_names_the_plugin_that_the_package_brings() -> None:
    storage = yaml.safe_load((PROJECT / "docker" / "dagster-storage.yaml").read_text(encoding="utf-8"))["storage"]
    assert storage["mysql"]["mysql_db"]["db_name"] == f"dagster?plugin={NAME}"
    package = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert package["entry-points"]["sqlalchemy.plugins"] == {NAME: f"{MODULE}:{CLASS}"}
