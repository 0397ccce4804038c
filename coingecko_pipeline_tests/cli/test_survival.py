"""What a backfill survives, as processes against the sandbox: SIGKILL at random moments, and another run at once."""

import random
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coingecko_pipeline.acquisition.fetching import FETCH_THREADS
from coingecko_pipeline.market.verify import verify_market
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import KEY, begin, live_settings, run_program
from coingecko_pipeline_tests.databases import MakeDatabase
from coingecko_pipeline_tests.running import rows_of

TODAY = datetime.now(UTC).date()
COINS = 120
KILLS = 4
DAYS = ("--from", str(TODAY - timedelta(days=10)), "--to", str(TODAY - timedelta(days=1)))
MARKET = "SELECT date, asset_id, price_usd, volume_24h_usd, market_cap_usd, source FROM daily_market ORDER BY 1, 2"


def settings_of(sandbox: RunningSandbox, database: Database) -> Mapping[str, str]:
    return live_settings(sandbox.url, database.url.render_as_string(hide_password=False))


def charts_of(sandbox: RunningSandbox) -> int:
    return sum(call.path.endswith("/market_chart") for call in sandbox.calls)


def command_line_of(process: subprocess.Popen[str]) -> str:
    """What `ps` shows of a process, on systems with a /proc."""
    shown = Path("/proc", str(process.pid), "cmdline")
    return shown.read_text() if shown.exists() else str(process.args)


@pytest.fixture
def other_database(make_database: MakeDatabase) -> Database:
    """A second database, for the same without any disturbance."""
    database = make_database()
    migrate(database)
    return database


# MariaDB differs from MySQL in nothing that matters here, and each kill takes seconds.
@pytest.mark.parametrize("kind", ["sqlite", "mysql"], indirect=True, scope="session")
def test_a_backfill_that_is_killed_again_and_again_ends_with_the_same_table_and_pays_for_nothing_twice(
    database: Database, other_database: Database, tmp_path: Path
) -> None:
    moments = random.Random(20261124)
    with RunningSandbox(SandboxOptions(plan="analyst", coins=COINS, latency_seconds=0.05)) as sandbox:
        settings = settings_of(sandbox, database)
        begin(tmp_path, "daily", **settings).communicate()
        for number in range(KILLS):
            process = begin(tmp_path, "backfill", *DAYS, **settings)
            assert KEY not in command_line_of(process)
            until = charts_of(sandbox) + moments.randrange(1, COINS // (KILLS + 1))
            while charts_of(sandbox) < until and process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.01)
            assert process.poll() is None, f"run {number} ended before it was killed: {process.communicate()[0]}"
            process.send_signal(signal.SIGKILL)
            process.communicate()
        ended = run_program(tmp_path, "backfill", *DAYS, **settings)
        assert ended.returncode == 0, ended.stderr
        paid = charts_of(sandbox)
        assert COINS <= paid <= COINS + FETCH_THREADS * KILLS
        assert all(call.status == 200 for call in sandbox.calls)
        undisturbed = tmp_path / "undisturbed"
        undisturbed.mkdir()
        settings = settings_of(sandbox, other_database)
        assert run_program(undisturbed, "daily", **settings).returncode == 0
        assert run_program(undisturbed, "backfill", *DAYS, **settings).returncode == 0
    chart_rows = f"{MARKET.split(' ORDER')[0]} WHERE source = 'chart' ORDER BY 1, 2"
    assert rows_of(database, chart_rows) == rows_of(other_database, chart_rows)
    counted = rows_of(database, "SELECT SUM(credits) FROM api_usage WHERE endpoint = 'coins/market_chart'")[0][0]
    # What was stored was counted with it; only calls whose answers were lost are not.
    assert COINS <= int(counted) <= paid


@pytest.mark.parametrize("kind", ["sqlite", "mysql"], indirect=True, scope="session")
def test_two_runs_at_once_on_the_same_and_on_neighbouring_dates_both_complete(
    database: Database, tmp_path: Path
) -> None:
    ranges = [
        ("--from", str(TODAY - timedelta(days=first)), "--to", str(TODAY - timedelta(days=last)))
        for first, last in ((20, 11), (20, 11), (10, 1))
    ]
    with RunningSandbox(SandboxOptions(plan="analyst", coins=COINS, latency_seconds=0.02)) as sandbox:
        settings = settings_of(sandbox, database)
        begin(tmp_path, "daily", **settings).communicate()
        began = []
        for number, options in enumerate(ranges):
            # Each on an instance of its own, so that no pool keeps one waiting for another.
            folder = tmp_path / str(number)
            folder.mkdir()
            began.append(begin(folder, "backfill", *options, **settings))
        told = [process.communicate()[0] for process in began]
        assert [process.returncode for process in began] == [0, 0, 0], told
        assert all(call.status == 200 for call in sandbox.calls)
    found = verify_market(database)
    assert (found.is_clean, found.unwritten, found.coins) == (True, 0, COINS), found.examples
    # Whatever dates were asked for, each chart's whole year is stored.
    assert found.rows > COINS * 20
    assert KEY not in "".join(told)
