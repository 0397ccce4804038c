"""A range of charts from a server that fails in every way that was ever seen."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import SecretStr

from coingecko_pipeline.acquisition.shared_window import SharedWindow
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import choose_plan
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import MakeDatabase
from coingecko_pipeline_tests.fakes import FakeClock
from coingecko_pipeline_tests.running import Runner, metadata_of, rows_of

KEY = "CG-never-shown"
COINS = 250
FAULTS = {"429": 0.1, "500": 0.025, "503": 0.025, "cut-json": 0.02, "html-200": 0.02, "timeout": 0.01}
MARKET = "SELECT date, asset_id, price_usd, volume_24h_usd, market_cap_usd FROM daily_market ORDER BY 1, 2"


def backfill(database: Database, faults: dict[str, float], messages: list[str]) -> dg.ExecuteInProcessResult:
    """The list and ten days of all coins; waits pass at once, and a hanging call is given up after a second."""
    clock = FakeClock()
    today = datetime.now(UTC).date()
    with RunningSandbox(SandboxOptions(plan="analyst", coins=COINS, calls_per_minute=0, faults=faults)) as sandbox:
        client = CoinGecko(
            choose_plan("analyst", has_key=True, base_url=sandbox.url),
            SecretStr(KEY),
            clock=clock,
            window=SharedWindow(database, "analyst", clock.now),
            timeouts=(5.0, 1.0),
        )
        runner = Runner(database, client, messages=messages)
        assert runner.run("asset_list_job").success
        return runner.materialize(["daily_market"], DateRange(today - timedelta(days=10), today - timedelta(days=1)))


def test_the_table_is_the_same_and_the_log_says_in_one_line_what_was_survived(
    database: Database, make_database: MakeDatabase
) -> None:
    calm = make_database()
    migrate(calm)
    assert backfill(calm, {}, []).success
    messages: list[str] = []
    result = backfill(database, FAULTS, messages)
    assert result.success
    facts = metadata_of(result, "daily_market")
    # A coin whose three answers were all broken, one in some 16,000, is told and asked again on the next day.
    faulty = set(facts["coins_faulty"])
    assert len(faulty) <= 2
    assert rows_of(database, MARKET) == [row for row in rows_of(calm, MARKET) if row[1] not in faulty]
    survived = facts["failures_survived"]
    assert {"RateLimited", "ServiceUnavailable", "BrokenAnswer", "ConnectionFailed"} == survived.keys()
    (line,) = [message for message in messages if "Survived" in message]
    assert all(f"{count} {kind}" in line for kind, count in survived.items())
    assert KEY not in "".join(messages)
