"""All data of a source are deleted, on each database, and nothing else."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Table, func, insert, select

from coingecko_pipeline import tables
from coingecko_pipeline.cli.forget import forget
from coingecko_pipeline.export import FORMATS, Attribution, Export, Selection
from coingecko_pipeline.report.place import GENERATOR
from coingecko_pipeline.tables import claim_origin, migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import MakeDatabase
from coingecko_pipeline_tests.export.rows import ASSETS, CHARTS, COVERAGE, LIST, MARKET, REVISIONS, USAGE, store

STORED: Mapping[Table, list[tuple[Any, ...]]] = {
    tables.daily_market: MARKET,
    tables.assets: ASSETS,
    tables.raw_asset_list: LIST,
    tables.market_charts: CHARTS,
    tables.chart_coverage: COVERAGE,
    tables.market_revisions: REVISIONS,
    tables.api_usage: USAGE,
    tables.source_agreement: [(date(2026, 1, 1), "bitcoin", 0.1, 0.2, 0.3)],
    tables.asset_pairs: [("bitcoin", "btc-bitcoin", "manual", date(2026, 1, 1), None)],
    tables.followed_changes: [
        ("daily_returns", "coingecko", 7, datetime(2026, 1, 2, tzinfo=UTC)),
        ("source_agreement", "coinpaprika", 7, datetime(2026, 1, 2, tzinfo=UTC)),
    ],
}
KEPT = {"api_usage": len(USAGE), "market_change_counter": 1}


def count(database: Database, names: frozenset[str] = tables.MAIN_TABLES) -> dict[str, int]:
    """The rows of each table that has some."""
    with database.connect() as connection:
        found = {
            name: connection.scalar(select(func.count()).select_from(tables.metadata.tables[name])) or 0
            for name in names
        }
    return {name: rows for name, rows in found.items() if rows}


@pytest.fixture
def stocked(database: Database, second: Database) -> Iterator[Database]:
    """A database with rows of both sources, in the main tables and in the schema beside them."""
    for table, rows in STORED.items():
        store(database, table, rows)
    claim_origin(database, "live")
    store(second, tables.daily_market, MARKET[:2])
    store(second, tables.assets, ASSETS)
    yield database
    database.dispose()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a report, exports of both sources, and files of other programs."""
    monkeypatch.chdir(tmp_path)
    for name in ("report.html", "notes.csv", "data/deep/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine", encoding="utf-8")
    (tmp_path / "report.html").write_text(f'<meta name="generator" content="{GENERATOR} 0.1">', encoding="utf-8")
    return tmp_path


def put_exports(folder: Path, database: Database) -> None:
    for source, title in (("coingecko", "CoinGecko"), ("coinpaprika", "CoinPaprika")):
        words = Attribution(source, f"Data provided by {title}", f"https://www.{source}.com")
        for name in (f"{source}.csv", f"{source}.parquet", f"data/deep/{source}.arrow"):
            file_format = FORMATS[name.rsplit(".", 1)[1]]
            Export(database, Selection(tables.daily_market), file_format, attribution=words).to_file(folder / name)


def files_in(folder: Path) -> set[str]:
    """All files but a database's."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def run(database: Database, *arguments: str, answer: str = "") -> Result:
    url = database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REPORT_PATH": "report.html", "COLUMNS": "200"}
    return CliRunner().invoke(forget, arguments, env=environment, input=answer)


def test_all_of_coingecko_is_deleted_and_what_is_the_users_own_stays(stocked: Database, folder: Path) -> None:
    put_exports(folder, stocked)
    ended = run(stocked, "--yes")
    assert ended.exit_code == 0, ended.output
    assert count(stocked) == KEPT
    assert count(stocked.schema("coinpaprika"), tables.SOURCE_TABLES)["assets"] == len(ASSETS)
    assert files_in(folder) == {
        "notes.csv",
        "data/deep/notes.txt",
        "coinpaprika.csv",
        "coinpaprika.csv.attribution.txt",
        "coinpaprika.parquet",
        "data/deep/coinpaprika.arrow",
    }
    assert f"{len(MARKET)} rows of daily_market" in ended.output
    assert "0 are left." in ended.output
    assert "Deleted report.html." in ended.output
    assert "Not reached: back-ups" in ended.output


def test_of_another_source_its_schema_and_what_was_compared_with_it_is_deleted(stocked: Database, folder: Path) -> None:
    put_exports(folder, stocked)
    before = count(stocked)
    ended = run(stocked, "--source", "coinpaprika", "--yes")
    assert ended.exit_code == 0, ended.output
    assert count(stocked.schema("coinpaprika"), tables.SOURCE_TABLES) == {"market_change_counter": 1}
    del before["source_agreement"], before["asset_pairs"]
    assert count(stocked) == {**before, "followed_changes": 1}
    assert {"coingecko.csv", "coingecko.csv.attribution.txt", "coingecko.parquet"} < files_in(folder)
    assert not {name for name in files_in(folder) if "coinpaprika" in name}


def test_it_asks_and_no_is_the_answer_where_nobody_says_yes(stocked: Database, folder: Path) -> None:
    before, files = count(stocked), files_in(folder)
    for answer in ("n\n", ""):
        ended = run(stocked, answer=answer)
        assert ended.exit_code == 1
        assert "Delete all of this for good?" in ended.output
    assert (count(stocked), files_in(folder)) == (before, files)
    assert run(stocked, answer="y\n").exit_code == 0
    assert count(stocked) == KEPT
    assert "There is nothing of CoinGecko in" in run(stocked).output


def test_a_file_at_the_place_of_the_report_that_is_none_stays(stocked: Database, folder: Path) -> None:
    (folder / "report.html").write_text("mine", encoding="utf-8")
    assert run(stocked, "--yes").exit_code == 0
    assert (folder / "report.html").read_text(encoding="utf-8") == "mine"


def test_a_source_that_was_never_used_has_nothing_and_gets_no_database(
    make_database: MakeDatabase, folder: Path
) -> None:
    (folder / "report.html").unlink()
    database = make_database()
    migrate(database)
    ended = run(database, "--source", "coinpaprika", "--yes")
    assert ended.exit_code == 0
    assert "There is nothing of CoinPaprika in" in ended.output


@pytest.mark.usefixtures("folder")
def test_exports_of_another_folder_are_found_where_it_is_named(
    stocked: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "data" / "deep").mkdir(parents=True)
    put_exports(elsewhere, stocked)
    assert run(stocked, "--yes", "--exports", str(elsewhere)).exit_code == 0
    assert "coingecko.parquet" not in files_in(elsewhere)
    assert "data/deep/coingecko.arrow" in files_in(elsewhere)


def test_nothing_is_left_in_the_file_of_an_sqlite_database(tmp_path: Path, folder: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/own.db")
    migrate(database)
    with database.transaction() as connection:
        coin = {
            "asset_id": "a-coin-to-forget",
            "symbol": "s",
            "name": "n",
            "first_seen_on": date(2026, 1, 1),
            "last_seen_on": date(2026, 1, 1),
            "is_active": True,
        }
        connection.execute(insert(tables.assets), coin)
    assert run(database, "--yes").exit_code == 0
    database.dispose()
    assert not any(b"a-coin-to-forget" in path.read_bytes() for path in folder.rglob("*") if path.is_file())
