"""What the deployment survives: containers killed amid a backfill, a restart, and the loss of its server."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.verify import Differences, verify_market
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.deployment.graphql import wait_until
from coingecko_pipeline_tests.deployment.stack import Stack

pytestmark = pytest.mark.containers

DAYS = 20
COINS = 150
CHARTS_BEFORE_THE_KILL = 30
END_SECONDS = 600


Kill = Callable[[Stack, str], object]


def kill_service(service: str) -> Kill:
    return lambda stack, _: stack.compose("kill", service)


def kill_run(stack: Stack, backfill: str) -> None:
    (container,) = stack.run_containers(list(stack.webserver.runs_of(backfill)))
    stack.call("docker", "kill", container)


@pytest.fixture(scope="module")
def coins(stack: Stack) -> Sequence[str]:
    """The active coins; the list is taken where nobody has yet."""
    if not stack.count("assets"):
        run = stack.webserver.launch("asset_list_job")
        wait_until("the list of coins", lambda: stack.webserver.run(run)["status"] == "SUCCESS", END_SECONDS)
    return [str(row[0]) for row in stack.sql("SELECT asset_id FROM assets WHERE is_active ORDER BY asset_id DESC")]


@pytest.mark.parametrize(
    ("victim", "kill"),
    [
        ("the run", kill_run),
        ("mysql", kill_service("mysql")),
        ("the daemon", kill_service("daemon")),
        ("the code location", kill_service("code-location")),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_a_backfill_ends_complete_after_a_kill_in_its_middle(
    stack: Stack, coins: Sequence[str], victim: str, kill: Kill
) -> None:
    turn = ["the run", "mysql", "the daemon", "the code location"].index(victim)
    chosen = list(coins[turn * COINS : (turn + 1) * COINS])
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    dates = DateRange(yesterday - timedelta(days=DAYS - 1), yesterday)
    before = stack.count("market_charts")
    keys = [str(dates.first + timedelta(days=day)) for day in range(DAYS)]
    backfill = stack.webserver.backfill("daily_market", keys, {"asset_ids": chosen})
    wait_until(
        "the first charts",
        lambda: stack.count("market_charts") >= before + CHARTS_BEFORE_THE_KILL,
        END_SECONDS,
    )
    assert stack.count("market_charts") < before + COINS, "it was over before it could be killed"
    kill(stack, backfill)
    stack.up()
    ended = stack.webserver.wait_for_backfill(backfill, END_SECONDS)
    assert ended == "COMPLETED_SUCCESS", said_by_runs(stack, backfill)
    found = compare(stack, chosen, dates)
    assert (found.is_clean, found.unwritten, found.coins) == (True, 0, COINS), found.examples
    assert found.rows > COINS / 2 * DAYS
    runs = stack.webserver.runs_of(backfill)
    assert set(runs.values()) <= {"SUCCESS", "FAILURE"}, "none hangs as started"
    wait_until("the end of its runs' containers", lambda: not stack.run_containers(list(runs)), 60)


def said_by_runs(stack: Stack, backfill: str) -> str:
    """The last that each run of a backfill said."""
    told = []
    for run, status in stack.webserver.runs_of(backfill).items():
        messages = [
            f"{event.get('message')} {event.get('error') or ''}"[:2000] for event in stack.webserver.events(run)
        ]
        told.append("\n".join([f"{run} {status}", *messages[-25:]]))
    return "\n\n".join(told)


def begin_charts(stack: Stack, chosen: Sequence[str]) -> str:
    """A run of charts that is in its middle, by its id."""
    before = stack.count("market_charts")
    config = {"coingecko__market_charts": {"config": {"asset_ids": list(chosen), "from_date": "2025-12-01"}}}
    run = stack.webserver.launch("market_charts_job", config=config)
    wait_until("the first charts", lambda: stack.count("market_charts") > before, END_SECONDS)
    return run


def status_of(stack: Stack, run: str) -> str:
    return str(stack.webserver.run(run)["status"])


def test_a_run_that_is_terminated_in_the_ui_ends_with_what_it_had_and_the_next_one_goes_on(
    stack: Stack, coins: Sequence[str]
) -> None:
    chosen = coins[4 * COINS : 5 * COINS]
    run = begin_charts(stack, chosen)
    stack.webserver.terminate(run)
    wait_until("the end of the run", lambda: status_of(stack, run) == "CANCELED", 30)
    wait_until("the end of its container", lambda: not stack.run_containers([run]), 60)
    archived = stack.count("market_charts")
    finished = stack.compose(
        *("run", "--rm", "--no-TTY", "code-location", "backfill", "--from", "2025-12-01", "--to", "2025-12-31"),
        *(word for coin in chosen[:COINS] for word in ("--asset", coin)),
    )
    assert "A daemon is at work" in finished.stdout
    assert "The daemon has the run" in finished.stdout or "Charts for" in finished.stdout
    assert stack.count("market_charts") - archived < COINS, "charts that were archived were asked for again"
    assert compare(stack, chosen, DateRange(date(2025, 12, 1), date(2025, 12, 31))).coins == COINS


def test_an_upgrade_waits_for_the_runs_at_work_and_ends_those_that_take_too_long(
    stack: Stack, coins: Sequence[str]
) -> None:
    run = begin_charts(stack, coins[5 * COINS : 8 * COINS])
    told = stack.call("env", "DRAIN_SECONDS=5", "make", "up", "PROFILE=sandbox")
    assert f"Ending market_charts_job ({run[:8]})" in told.stdout
    assert status_of(stack, run) == "CANCELED"
    assert not stack.run_containers([run])
    wait_until("the daemon", lambda: "SENSOR" in stack.webserver.healthy_daemons(), END_SECONDS)


def compare(stack: Stack, chosen: Sequence[str], dates: DateRange) -> Differences:
    """The rows of coins beside what was received for them."""
    database = Database(
        f"mysql+pymysql://reader:{stack.settings['MYSQL_READER_PASSWORD']}@127.0.0.1:{stack.settings['MYSQL_PORT']}/coingecko"
    )
    found = verify_market(database, dates, chosen)
    database.dispose()
    return found


def stored(stack: Stack) -> dict[str, int]:
    """What there is of data."""
    return {name: stack.count(name) for name in ("assets", "daily_market", "market_charts", "api_usage")}


def run_ids(stack: Stack) -> set[str]:
    """The runs that are known."""
    return {run["runId"] for run in stack.webserver.runs()}


@pytest.mark.usefixtures("coins")
def test_data_and_the_history_of_runs_outlive_down_and_up(stack: Stack) -> None:
    data, runs = stored(stack), run_ids(stack)
    stack.call("make", "down")
    stack.up()
    assert stored(stack) == data
    assert runs
    assert runs <= run_ids(stack)


@pytest.mark.usefixtures("coins")
def test_a_backup_restores_into_an_empty_server_and_no_other(stack: Stack) -> None:
    data, runs = stored(stack), run_ids(stack)
    assert data["daily_market"]
    backup = stack.call("make", "backup").stdout.splitlines()[-1]
    refused = stack.call("make", "restore", f"BACKUP={backup}", ok=False)
    assert refused.returncode
    assert "Restore into an empty server" in refused.stderr
    stack.call("docker/down", "--volumes")
    stack.call("make", "restore", f"BACKUP={backup}")
    stack.up()
    assert stored(stack) == data
    assert runs <= run_ids(stack)
    assert stack.compose("run", "--rm", "--no-TTY", "code-location", "verify").returncode == 0
