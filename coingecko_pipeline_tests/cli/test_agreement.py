"""The second source from the command line."""

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result
from sqlalchemy.engine import URL

from coingecko_pipeline.cli.migrate import migrate_command
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.sandbox.paprika import DISAGREEMENTS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import live_settings, run_program
from coingecko_pipeline_tests.databases import on_servers, run_on
from coingecko_pipeline_tests.running import rows_of


def test_agreement_tells_which_of_the_largest_coins_disagree(tmp_path: Path) -> None:
    with RunningSandbox(SandboxOptions(plan="analyst", coins=200)) as sandbox:
        settings = {
            **live_settings(sandbox.url, "sqlite:///here/market.db"),
            "COINPAPRIKA_BASE_URL": sandbox.coinpaprika_url,
        }
        assert run_program(tmp_path, "daily", **settings).returncode == 0
        told = run_program(tmp_path, "agreement", **settings)
    assert told.returncode == 0, told.stderr
    assert "for 1 call." in told.stdout
    assert "2 ambiguous coins left without." in told.stdout
    assert "Check warns: source_agreement: the_hundred_largest_agree_on_the_price" in told.stderr
    assert f"the prices of {len(DISAGREEMENTS)} differ by more than 2%" in told.stdout
    assert all(coin in told.stdout for coin in DISAGREEMENTS)
    assert (tmp_path / "here" / "market_coinpaprika.db").exists()


def migrate_at(url: URL) -> Result:
    return CliRunner().invoke(migrate_command, env={"DATABASE_URL": url.render_as_string(hide_password=False)})


@on_servers
def test_migrate_makes_the_tables_of_the_second_source_too(empty_database: Database) -> None:
    ended = migrate_at(empty_database.url)
    assert ended.exit_code == 0, ended.output
    assert ended.output.count("is at version") == 2
    second = empty_database.schema("coinpaprika")
    assert rows_of(second, "SELECT COUNT(*) FROM daily_market") == [(0,)]


@on_servers
def test_who_may_use_the_main_database_only_can_migrate_and_is_told(
    kind: str, servers: Callable[[str], URL], empty_database: Database
) -> None:
    server, name = servers(kind), empty_database.url.database
    user = f"u{(name or '')[-12:]}"
    run_on(server, f"CREATE USER {user}@'%' IDENTIFIED BY 'hush'", f"GRANT ALL ON {name}.* TO {user}@'%'")
    try:
        ended = migrate_at(server.set(username=user, password="hush", database=name))
    finally:
        run_on(server, f"DROP USER {user}@'%'")
    assert ended.exit_code == 0, ended.output
    assert "The tables of CoinPaprika were not made, and only CoinPaprika needs them" in ended.output
    assert f"{name}_coinpaprika" in ended.output
    assert "hush" not in ended.output
