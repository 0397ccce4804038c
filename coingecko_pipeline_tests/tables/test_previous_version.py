"""A database that the version before this archive filled comes along whole: rows, charts, and what was paid for.

The earlier version itself fills it, from the git history, so nothing here is what somebody thinks that it wrote.
"""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import inspect, select

from coingecko_pipeline import tables
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import live_settings
from coingecko_pipeline_tests.databases import MakeDatabase
from coingecko_pipeline_tests.previous_version import (
    LAST_BEFORE_THE_ANSWERS,
    ROOT,
    Filled,
    NoRevision,
    export_revision,
    fill,
    run_commands,
)
from coingecko_pipeline_tests.previous_version.filling import COINS, HISTORY_DAYS, PLAN
from coingecko_pipeline_tests.running import rows_of

KEPT = ("assets", "asset_changes", "raw_asset_list", "api_usage", "asset_pairs", "daily_market")
"""Tables that the migration leaves as they are, but for `daily_market.source`."""
SOURCE = list(tables.daily_market.columns.keys()).index("source")

Row = tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Carried:
    """A database before and after its migration.

    Attributes:
        database: Migrated.
        asked_for: What the earlier version was asked for.
        before: The rows of each table as it left them.
        charts: The body of each archived chart, by coin.
    """

    database: Database
    asked_for: Filled
    before: Mapping[str, Counter[Row]]
    charts: Mapping[str, bytes]


def exact(value: object) -> str:
    """A value with all its bits."""
    return value.hex() if isinstance(value, float) else repr(value)


def stored(database: Database, table: str) -> Counter[Row]:
    """Every row of a table, each value with all its bits."""
    with database.connect() as connection:
        return Counter(tuple(map(exact, row)) for row in connection.execute(select(tables.metadata.tables[table])))


def url_of(database: Database) -> str:
    # The earlier version takes no options that are spelled as providers spell them.
    return database.url.set(query={}).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package before this archive."""
    try:
        return export_revision(LAST_BEFORE_THE_ANSWERS, tmp_path_factory.mktemp("previous"))
    except NoRevision as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def carried(previous: Path, make_database: MakeDatabase, tmp_path_factory: pytest.TempPathFactory) -> Carried:
    """A database that the earlier version filled and this one migrated and verified."""
    database, folder = make_database(), tmp_path_factory.mktemp("earlier")
    asked_for = fill(previous, folder, DATABASE_URL=url_of(database))
    before = {table: stored(database, table) for table in KEPT}
    charts = dict(rows_of(database, "SELECT asset_id, body FROM raw_market_charts"))
    # Where a row counted as surplus here, `verify --repair` would delete what the earlier version had stored.
    run_commands(ROOT, folder, [["migrate"], ["verify"]], DATABASE_URL=url_of(database))
    return Carried(database, asked_for, before, charts)


def test_the_earlier_version_left_something_of_each_kind(carried: Carried) -> None:
    sources = Counter(row[SOURCE] for row in carried.before["daily_market"])
    assert sources["'chart'"] > 2_000
    assert sources["'snapshot'"] > 10
    assert len(carried.charts) > 30
    assert all(carried.before[table] for table in KEPT)


def test_each_row_stays_but_that_a_snapshot_may_be_stale_or_give_way_to_an_archived_chart(carried: Carried) -> None:
    after = {table: stored(carried.database, table) for table in KEPT}
    for table in KEPT[:-1]:
        assert after[table] == carried.before[table], table
    market = after["daily_market"]
    exact_rows = {row[:2] for row in market if row[SOURCE] == "'chart'"}
    for row in carried.before["daily_market"] - market:
        assert row[SOURCE] == "'snapshot'"
        is_stale = (*row[:SOURCE], "'stale'", *row[SOURCE + 1 :]) in market
        assert is_stale or (row[:2] in exact_rows and row[1] in map(exact, carried.charts))
    added = market - carried.before["daily_market"]
    assert {row[SOURCE] for row in added} == {"'chart'", "'stale'"}


def test_each_archived_chart_is_an_answer_with_the_same_body(carried: Carried) -> None:
    answers = rows_of(carried.database, "SELECT asset_id, body, outcome, is_written FROM market_charts")
    assert sorted((coin, body) for coin, body, *_ in answers) == sorted(carried.charts.items())
    assert Counter(outcome for *_, outcome, _ in answers) == {"values": len(carried.charts) - 2, "empty": 2}
    assert all(is_written for *_, is_written in answers)
    covered = {coin for (coin,) in rows_of(carried.database, "SELECT asset_id FROM chart_coverage")}
    assert set(carried.charts) <= covered


def test_the_tables_are_the_declared_ones_and_the_second_source_has_none_that_it_never_fills(carried: Carried) -> None:
    with carried.database.connect() as connection:
        names = set(inspect(connection).get_table_names())
    assert names == {*tables.MAIN_TABLES, tables.MIGRATIONS.version_table}
    second = carried.database.schema("coinpaprika")
    assert rows_of(second, "SELECT COUNT(*) FROM daily_market")[0][0] > 30
    with second.connect() as connection:
        assert not {"market_charts", "daily_returns"} & set(inspect(connection).get_table_names())
    second.dispose()


def test_no_chart_is_paid_for_again_and_what_is_written_then_is_verified(carried: Carried, tmp_path: Path) -> None:
    chosen = [word for coin in carried.charts for word in ("--asset", coin)]
    dates = ("--from", carried.asked_for.first, "--to", carried.asked_for.last)
    with RunningSandbox(SandboxOptions(coins=COINS, plan=PLAN, calls_per_minute=0)) as sandbox:
        run_commands(
            ROOT,
            tmp_path,
            [["backfill", *dates, *chosen], ["complete", "--max-calls", "3"], ["verify"]],
            **live_settings(sandbox.url, url_of(carried.database), plan=PLAN),
            COINGECKO_HISTORY_DAYS=str(HISTORY_DAYS),
            COINGECKO_CALLS_PER_MINUTE="100000",
        )
        asked = Counter(call.path.split("/")[-2] for call in sandbox.calls if call.path.endswith("/market_chart"))
    assert not set(asked) & set(carried.charts)
    assert sum(asked.values()) == 3
    after = stored(carried.database, "daily_market")
    lost = [row for row in carried.before["daily_market"] - after if row[SOURCE] == "'chart'"]
    assert lost == []
