"""Commands that are told to end, as processes against the sandbox: by Ctrl-C and by SIGTERM, wherever they wait."""

import signal
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coingecko_pipeline.acquisition.fetching import FETCH_THREADS
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import begin, live_settings, run_program
from coingecko_pipeline_tests.databases import MakeDatabase, on_sqlite
from coingecko_pipeline_tests.running import rows_of

TODAY = datetime.now(UTC).date()
COINS = 60
DAYS = ("--from", str(TODAY - timedelta(days=10)), "--to", str(TODAY - timedelta(days=1)))
HANGS_SECONDS = 40
"""A command that has not ended by then took the signal for something else: the rate's minute alone is longer."""


@pytest.fixture
def stored(make_database: MakeDatabase) -> Database:
    database = make_database()
    migrate(database)
    return database


def charts_of(sandbox: RunningSandbox) -> int:
    return sum(call.path.endswith("/market_chart") and call.status == 200 for call in sandbox.calls)


def end_when(process: subprocess.Popen[str], sandbox: RunningSandbox, charts: int, number: int) -> str:
    """Tell a command to end once so many charts were answered; what it said."""
    while charts_of(sandbox) < charts and process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
    assert process.poll() is None, process.communicate()[0]
    process.send_signal(number)
    try:
        return process.communicate(timeout=HANGS_SECONDS)[0]
    finally:
        process.kill()


# MariaDB differs from MySQL in nothing that matters here.
@pytest.mark.parametrize("kind", ["sqlite", "mysql"], indirect=True, scope="session")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_backfill_that_waits_for_the_rate_ends_when_told_to_and_goes_on_from_there(
    number: signal.Signals, stored: Database, tmp_path: Path
) -> None:
    # 20 calls a minute: the rate is used up by the first charts, and the next ones wait for most of a minute.
    options = SandboxOptions(plan="analyst", coins=COINS, calls_per_minute=0)
    with RunningSandbox(options) as sandbox:
        settings = live_settings(sandbox.url, stored.url.render_as_string(hide_password=False))
        assert run_program(tmp_path, "daily", **settings).returncode in (0, 1)
        process = begin(tmp_path, "backfill", *DAYS, **settings, COINGECKO_CALLS_PER_MINUTE="20")
        told = end_when(process, sandbox, charts=8, number=number)
        assert process.returncode == 1, told
        assert "Ended as told" in told
        assert "Traceback" not in told
        paid = charts_of(sandbox)
        archived = rows_of(stored, "SELECT COUNT(*) FROM market_charts")[0][0]
        assert paid == archived < COINS
        ended = run_program(tmp_path, "backfill", *DAYS, **settings)
        assert ended.returncode == 0, ended.stderr
        assert charts_of(sandbox) == COINS


@on_sqlite
def test_a_command_that_the_server_told_to_wait_ends_when_told_to(stored: Database, tmp_path: Path) -> None:
    with RunningSandbox(SandboxOptions(plan="analyst", coins=COINS, calls_per_minute=8)) as sandbox:
        settings = live_settings(sandbox.url, stored.url.render_as_string(hide_password=False))
        run_program(tmp_path, "daily", **settings)
        process = begin(tmp_path, "backfill", *DAYS, **settings)
        told = end_when(process, sandbox, charts=1, number=signal.SIGTERM)
        assert process.returncode == 1, told
        assert "Ended as told" in told


@on_sqlite
def test_calls_under_way_are_archived_before_the_command_ends(stored: Database, tmp_path: Path) -> None:
    with RunningSandbox(SandboxOptions(plan="analyst", coins=COINS, latency_seconds=0.5)) as sandbox:
        settings = live_settings(sandbox.url, stored.url.render_as_string(hide_password=False))
        run_program(tmp_path, "daily", **settings)
        process = begin(tmp_path, "backfill", *DAYS, **settings)
        told = end_when(process, sandbox, charts=2, number=signal.SIGINT)
        assert "Ended as told" in told
        paid = charts_of(sandbox)
        assert paid <= 2 + 2 * FETCH_THREADS
        assert rows_of(stored, "SELECT COUNT(*) FROM market_charts")[0][0] == paid
