"""The main job from the command line: the sandbox on one side, a real database on the other."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coingecko_pipeline.cli.instance import project_file
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.sources.coingecko.charts import SERIES
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import KEY, live_settings, run_program
from coingecko_pipeline_tests.recordings import load, recordings_dir
from coingecko_pipeline_tests.running import rows_of

TODAY = datetime.now(UTC).date()


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def recorded() -> Iterator[RunningSandbox]:
    """A sandbox that serves the recorded answers."""
    with RunningSandbox(SandboxOptions(plan="analyst", recordings=recordings_dir())) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def synthetic() -> Iterator[RunningSandbox]:
    """A sandbox with a small synthetic market."""
    with RunningSandbox(SandboxOptions(plan="analyst", coins=300)) as sandbox:
        yield sandbox


def test_daily_and_backfill_end_with_the_recorded_rows_in_the_tables(
    database: Database, recorded: RunningSandbox, tmp_path: Path
) -> None:
    settings = live_settings(recorded.url, url_of(database))
    taken = run_program(tmp_path, "daily", **settings)
    # The recordings hold the market of 3,000 coins and a list of 18,939: the check of the coverage has to say so.
    assert "the_day_covers_the_active_assets" in taken.stderr
    assert taken.returncode == 1
    # What was recorded on 2025-02-14 is no value of today: it is kept as received, and is in no sum.
    rows = {row["id"]: row for page in range(1, 13) for row in load(f"coins_markets/2025-02-14/page_{page:02}.json.gz")}
    stored = rows_of(
        database,
        "SELECT asset_id, price_usd, volume_24h_usd, market_cap_usd, source FROM daily_market",
    )
    assert {row[0]: row[1:] for row in stored} == {
        coin: (float(row["current_price"]), float(row["total_volume"]), float(row["market_cap"]), "stale")
        for coin, row in rows.items()
    }
    listed = load("coins_list/2026-02-03.json.gz")
    assert set(rows_of(database, "SELECT asset_id, symbol, name FROM assets")) == {
        (entry["id"], entry["symbol"], entry["name"]) for entry in listed
    }

    coins = ("cardano", "ripple", "stellar", "binancecoin", "tether")
    first, last = date(2022, 10, 1), date(2023, 9, 30)
    options = [option for coin in coins for option in ("--asset", coin)]
    filled = run_program(tmp_path, "backfill", "--from", str(first), "--to", str(last), *options, **settings)
    # The checks look at the latest dates, so that day is told again.
    told = [line for line in filled.stderr.splitlines() if "failed" in line.lower()]
    assert [("the_day_covers_the_active_assets" in line) for line in told] == [True]
    assert "for 5 calls and 5 credits." in filled.stdout
    assert filled.stdout.splitlines()[-1].startswith("It took ")
    for coin in coins:
        body = load(f"market_chart/2023-10-25/{coin}.json.gz")
        expected: dict[str, list[Any]] = {}
        for series in SERIES.values():
            for stamp, value in body[series]:
                moment = datetime.fromtimestamp(stamp / 1000, UTC)
                if stamp % 86_400_000 == 0:
                    expected.setdefault(str(moment.date()), []).append(value)
        found = rows_of(
            database,
            "SELECT date, price_usd, volume_24h_usd, market_cap_usd FROM daily_market "
            f"WHERE asset_id = '{coin}' AND source = 'chart' ORDER BY date",
        )
        assert {str(day): values for day, *values in found} == expected
        assert len(found) >= 365

    again = run_program(tmp_path, "backfill", "--from", "2023-01-01", "--to", "2023-01-31", *options, **settings)
    assert "for 0 calls and 0 credits" in again.stdout
    verified = run_program(tmp_path, "verify", **settings)
    assert verified.returncode == 0, verified.stderr
    assert "Nothing differs." in verified.stdout


def test_the_commands_share_one_instance_and_status_tells_what_they_did(
    synthetic: RunningSandbox, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(project_file("dagster.yaml"), home / "dagster.yaml")
    (tmp_path / ".env").write_text(f"DAGSTER_HOME={home}\n")
    settings = live_settings(synthetic.url, "sqlite:///here/market.db")
    first = TODAY - timedelta(days=9)
    filled = run_program(tmp_path, "backfill", "--from", str(first), "--to", str(TODAY), "--top", "5", **settings)
    assert filled.returncode == 0, filled.stderr
    assert "There are no coins yet: taking the asset list first." in filled.stdout
    assert run_program(tmp_path, "daily", **settings).returncode == 0
    told = run_program(tmp_path, "status", "--json", **settings)
    status = json.loads(told.stdout)
    assert status["origin"] == "sandbox"
    assert (status["coins_active"], status["charts_archived"]) == (300, 5)
    # Asked for ten days, the five charts brought their year.
    assert status["first_date"] < str(first)
    assert (status["last_date"], status["dates_missing"]) == (str(TODAY), 0)
    assert (status["answers_to_write"], status["values_revised"]) == (0, 0)
    assert status["latest_coverage"] == 1.0
    # The list twice, what the key has used, the largest coins once, five charts, two pages, the chains and the rates.
    assert status["credits_spent"] == 13
    assert status["credits_left"] == status["credits_per_month"] - 13 - status["credits_reserved"]
    assert status["history"]["coins_never_fetched"] == 295
    assert status["history"]["complete_on"] == str(TODAY)
    shown = run_program(tmp_path, "status", **settings)
    assert shown.returncode == 0
    assert "sqlite:///here/market.db (sandbox)" in shown.stdout
    live = {name: value for name, value in settings.items() if name != "COINGECKO_BASE_URL"}
    refused = run_program(tmp_path, "daily", **live)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Failed: sqlite:///here/market.db holds sandbox data")
    assert (home / "history" / "runs.db").exists()
    assert not (tmp_path / "data").exists()
    stored = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in stored if KEY.encode() in path.read_bytes()]
    assert KEY not in filled.stdout + filled.stderr + told.stdout + shown.stdout


def test_daily_again_replaces_the_snapshot_and_daily_alone_keeps_it(synthetic: RunningSandbox, tmp_path: Path) -> None:
    settings = live_settings(synthetic.url, f"sqlite:///{tmp_path}/market.db")
    assert run_program(tmp_path, "daily", **settings).returncode == 0
    database = Database(settings["DATABASE_URL"])
    with database.transaction() as connection:
        connection.exec_driver_sql(
            f"UPDATE daily_market SET price_usd = 1, observed_at = '{TODAY - timedelta(days=1)} 23:59:59.000000' "
            "WHERE source = 'snapshot'"
        )
    ones = "SELECT COUNT(*) FROM daily_market WHERE price_usd = 1"
    changed = rows_of(database, ones)
    assert run_program(tmp_path, "daily", **settings).returncode == 0
    assert rows_of(database, ones) == changed
    again = run_program(tmp_path, "daily", "--again", **settings)
    assert again.returncode == 0, again.stderr
    assert rows_of(database, ones) == [(0,)]
    database.dispose()
    # Whoever never asked for the second source has none of its tables.
    assert not (tmp_path / "market_coinpaprika.db").exists()


def test_complete_spends_todays_share_and_verify_finds_and_repairs_what_was_lost(tmp_path: Path) -> None:
    with RunningSandbox(SandboxOptions(plan="analyst", coins=30)) as sandbox:
        settings = live_settings(sandbox.url, f"sqlite:///{tmp_path}/market.db")
        assert run_program(tmp_path, "daily", **settings).returncode == 0
        completed = run_program(tmp_path, "complete", **settings)
        assert completed.returncode == 0, completed.stderr
        assert "Stored the charts that were missing: " in completed.stdout
        assert "for 30 calls and 30 credits." in completed.stdout
        again = run_program(tmp_path, "complete", **settings)
        assert (again.returncode, again.stdout) == (0, "Every coin's history is complete.\n")
    database = Database(settings["DATABASE_URL"])
    day = TODAY - timedelta(days=40)
    stored = f"SELECT * FROM daily_market WHERE date = '{day}' ORDER BY asset_id"
    whole = rows_of(database, stored)
    with database.transaction() as connection:
        connection.exec_driver_sql(f"DELETE FROM daily_market WHERE date = '{day}'")
    found = run_program(tmp_path, "verify", **settings)
    assert found.returncode == 1
    assert f"on {day}" in found.stdout
    repaired = run_program(tmp_path, "verify", "--repair", "--from", str(day), "--to", str(day), **settings)
    assert repaired.returncode == 0
    assert rows_of(database, stored) == whole
    database.dispose()
    assert run_program(tmp_path, "verify", **settings).returncode == 0


def test_a_wrong_key_ends_with_1_and_tells_what_to_check(tmp_path: Path) -> None:
    with RunningSandbox(SandboxOptions(plan="demo", coins=50, api_key="CG-right")) as sandbox:
        ended = run_program(tmp_path, "daily", **live_settings(sandbox.url, "sqlite:///market.db", plan="demo"))
        assert len(sandbox.calls) == 1
    assert ended.returncode == 1
    assert "check COINGECKO_API_KEY and COINGECKO_PLAN" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert KEY not in ended.stdout + ended.stderr


def test_a_key_of_another_plan_ends_with_1_and_tells_which_setting_is_wrong(tmp_path: Path) -> None:
    with RunningSandbox(SandboxOptions(plan="demo", coins=50)) as sandbox:
        ended = run_program(tmp_path, "daily", **live_settings(sandbox.url, "sqlite:///market.db", plan="analyst"))
    assert ended.returncode == 1
    assert "the key belongs to the other host; set COINGECKO_PLAN to the plan of the key" in ended.stderr
