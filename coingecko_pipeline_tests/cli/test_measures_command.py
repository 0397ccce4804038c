"""The command that computes the roll-ups and measures where no daemon runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import run_program
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.measures.charts import planted, store
from coingecko_pipeline_tests.measures.deriving import changed, log
from coingecko_pipeline_tests.running import rows_of


@on_sqlite
def test_the_command_follows_what_changed_or_makes_dates_anew_without_a_call(
    database: Database, tmp_path: Path
) -> None:
    today = datetime.now(UTC).date()
    first = today - timedelta(days=59)
    store(database, {"coin": planted(first, range(1, 61))})

    def run(*options: str) -> str:
        url = database.url.render_as_string(hide_password=False)
        environment = {"DATABASE_URL": url, "COINGECKO_BASE_URL": "http://127.0.0.1:9/api/v3"}
        done = run_program(tmp_path, "measures", *options, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = run()
    assert "daily_returns: 60 rows in" in told
    assert "(the whole table)" in told
    assert "It took" in told
    for table in ("daily_returns", "global_market_daily"):
        assert rows_of(database, f"SELECT MIN(date), MAX(date), COUNT(*) FROM {table}") == [
            (str(first), str(today), 60)
        ]
    log(database, changed(today))
    assert "daily_returns: 1 row in" in (told := run())
    assert "(1 change)" in told
    assert "daily_returns: 0 rows in" in run()
    day = str(today - timedelta(days=3))
    assert "daily_returns: 4 rows in" in (told := run("--from", day, "--to", day))
    assert "global_market_daily: 2 rows in" in told


@on_sqlite
def test_verify_tells_by_table_and_kind_what_differs_of_what_was_computed_and_repairs_it(
    database: Database, tmp_path: Path
) -> None:
    first = datetime.now(UTC).date() - timedelta(days=59)
    store(database, {"coin": planted(first, range(1, 61))})
    with database.transaction() as connection:
        connection.execute(
            insert(tables.assets).values(
                asset_id="coin", symbol="c", name="Coin", first_seen_on=first, last_seen_on=first, is_active=True
            )
        )
    settings = {"DATABASE_URL": database.url.render_as_string(hide_password=False)}
    assert run_program(tmp_path, "measures", **settings).returncode == 0
    day = first + timedelta(days=10)
    with database.transaction() as connection:
        connection.exec_driver_sql(f"DELETE FROM daily_returns WHERE date = '{day}'")
        connection.exec_driver_sql(f"UPDATE global_market_daily SET coins_up = 7 WHERE date = '{day}'")
    found = run_program(tmp_path, "verify", **settings)
    assert found.returncode == 1
    told = [[cell.strip() for cell in line.split("│")[1:-1]] for line in found.stdout.splitlines() if "│" in line]
    assert told == [
        ["daily_returns", "missing", "1", f"coin on {day}"],
        ["global_market_daily", "different", "1", str(day)],
    ]
    assert "Never computed: source_agreement." in found.stdout
    repaired = run_program(tmp_path, "verify", "--repair", **settings)
    assert (repaired.returncode, "What was repaired" in repaired.stdout) == (0, True)
    assert "Nothing differs." in run_program(tmp_path, "verify", **settings).stdout
