"""The sandbox over HTTP: in a thread of the tests, and as a command."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.sandbox.cli import sandbox
from coingecko_pipeline.sandbox.clock import parse_instant, running_from

from .asking import NOON, HandClock

COMMAND = [sys.executable, "-W", "error", "-c", "from coingecko_pipeline.sandbox.cli import sandbox; sandbox()"]


def test_a_running_sandbox_answers_and_remembers_its_calls() -> None:
    clock = HandClock(NOON)
    with RunningSandbox(SandboxOptions(coins=50, calls_per_minute=0, clock=clock)) as running:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/api/v3", running.url)
        chart = requests.get(f"{running.url}/coins/dps-doubloon%20/market_chart?vs_currency=usd&days=30", timeout=10)
        assert chart.status_code == 200
        requests.get(f"{running.url}/nothing", timeout=10)
        first, second = running.calls
        assert (first.method, first.path, first.query, first.status, first.at) == (
            "GET",
            "/api/v3/coins/dps-doubloon /market_chart",
            "vs_currency=usd&days=30",
            200,
            NOON,
        )
        assert second.status == 404
        running.reset_calls()
        assert running.calls == []


def test_many_clients_at_once_get_the_same_chart() -> None:
    with (
        RunningSandbox(SandboxOptions(coins=50, calls_per_minute=0, clock=HandClock(NOON))) as running,
        ThreadPoolExecutor(8) as clients,
    ):
        url = f"{running.url}/coins/bitcoin/market_chart?vs_currency=usd&days=365"
        bodies = list(clients.map(lambda _: requests.get(url, timeout=10).content, range(40)))
        assert len(set(bodies)) == 1
        assert len(running.calls) == 40


def test_two_sandboxes_run_side_by_side() -> None:
    with (
        RunningSandbox(SandboxOptions(coins=3, clock=HandClock(NOON))) as one,
        RunningSandbox(SandboxOptions(coins=4, clock=HandClock(NOON))) as other,
    ):
        assert len(requests.get(f"{one.url}/coins/list", timeout=10).json()) == 3
        assert len(requests.get(f"{other.url}/coins/list", timeout=10).json()) == 4


def test_latency_is_added_to_every_answer() -> None:
    with RunningSandbox(SandboxOptions(coins=1, latency_seconds=0.2, clock=HandClock(NOON))) as running:
        assert requests.get(f"{running.url}/ping", timeout=10).elapsed >= timedelta(seconds=0.2)


def test_a_clock_may_start_elsewhere_and_runs_on() -> None:
    start = parse_instant("2026-03-01T00:15+01:00")
    assert start == datetime(2026, 2, 28, 23, 15, tzinfo=UTC)
    assert parse_instant("2026-03-01") == datetime(2026, 3, 1, tzinfo=UTC)
    clock = running_from(start)
    assert start <= clock() <= clock() < start + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fail", "418=0.5"], "Unknown kind of fault '418'"),
        (["--fail", "500=2"], "between 0 and 1"),
        (["--fail", "500"], "KIND=SHARE"),
        (["--fail", "500=0.1", "--fail", "500=0.2"], "given twice"),
        (["--now", "soon"], "no ISO date"),
        (["--now", "2001-01-01"], "before 2013-04-28"),
        (["--coins", "0"], "0 coins"),
        (["--rehypothecated", "-1"], "-1 rehypothecated coins"),
        (["--revise-share", "2"], "between 0 and 1"),
        (["--plan", "gold"], "gold"),
        (["--per-minute", "-3"], "-3 calls"),
        (["--recordings", "/no/such/folder"], "There is no folder"),
    ],
)
def test_wrong_options_end_with_a_sentence_and_exit_code_2(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(sandbox, arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


def test_a_port_in_use_ends_with_a_sentence_and_exit_code_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(sandbox, ["--coins", "1", "--port", str(port)])
    assert result.exit_code == 1
    assert f"Port {port} of 127.0.0.1 cannot be served" in result.output


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_the_command_says_where_it_serves_and_ctrl_c_ends_it_cleanly() -> None:
    with command("--port", "0", "--coins", "30", "--now", "2026-03-01T00:20Z", "--fail", "503=0") as (process, line):
        url = line.split()[0]
        assert f"COINGECKO_BASE_URL={url}" in line
        assert "synthetic" in line
        page = requests.get(f"{url}/coins/markets?vs_currency=usd&ids=bitcoin", timeout=10)
        assert page.json()[0]["last_updated"].startswith("2026-03-01T00:2")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    assert (process.returncode, output, errors) == (0, "Stopped.\n", "")


def test_a_call_that_hangs_is_let_go_when_the_sandbox_stops() -> None:
    options = SandboxOptions(coins=1, faults={"timeout": 1.0}, clock=HandClock(NOON))
    with ThreadPoolExecutor(1) as clients:
        with RunningSandbox(options) as running:
            hanging = clients.submit(requests.get, f"{running.url}/ping", timeout=60)
            while not running.calls:
                time.sleep(0.01)
            assert not hanging.done()
        assert hanging.result(timeout=60).status_code == 500


def test_the_sandbox_imports_nothing_of_the_rest() -> None:
    folder = Path(sys.modules["coingecko_pipeline.sandbox"].__file__ or "").parent
    for path in folder.glob("*.py"):
        assert not re.search(r"^\s*(from|import) (\.\.|coingecko_pipeline)", path.read_text(), re.MULTILINE), path
