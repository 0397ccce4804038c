"""The UI's command as a process: its port, and what it leaves behind."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline_tests.cli.programs import OURS, PROGRAM, begin, live_settings, run_program
from coingecko_pipeline_tests.deployment.graphql import Webserver, wait_until

PATIENCE_SECONDS = 120
"""Until the UI answers or ends; a slow machine takes a tenth of it."""


QUEUE_DAEMON = "QUEUED_RUN_COORDINATOR"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/server_info", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_program(tmp_path, "dev", "--port", str(port))
    assert ended.returncode == 1
    assert f"Port {port} is in use" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_ending_the_command_ends_the_ui_and_the_daemon(tmp_path: Path) -> None:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(PROGRAM), "dev", "--demo", "--port", str(port)], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers(port):
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert not answers(port)
    assert "CG-sandbox" not in (tmp_path / "log").read_text()


def test_a_command_beside_the_ui_is_done_by_its_daemon_and_ends_from_the_ui(tmp_path: Path) -> None:
    port = free_port()
    options = SandboxOptions(plan="analyst", coins=400, latency_seconds=1.0)
    with RunningSandbox(options) as sandbox, (tmp_path / "log").open("wb") as log:
        settings = live_settings(sandbox.url, f"sqlite:///{tmp_path}/market.db")
        run_program(tmp_path, "daily", **settings)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        process = subprocess.Popen(
            [str(PROGRAM), "dev", "--port", str(port)],
            cwd=tmp_path,
            env={**environment, **settings},
            stdout=log,
            stderr=log,
        )
        command = None
        try:
            wait_until("the UI", lambda: answers(port), PATIENCE_SECONDS)
            ui = Webserver(f"http://127.0.0.1:{port}")
            wait_until("the daemon", lambda: QUEUE_DAEMON in ui.healthy_daemons(), PATIENCE_SECONDS)
            command = begin(tmp_path, "backfill", "--from", "2026-01-01", "--to", "2026-01-31", **settings)
            wait_until("charts", lambda: charts_of(sandbox) > 0 or command.poll() is not None, PATIENCE_SECONDS)
            (run,) = (run for run in ui.runs() if run["status"] == "STARTED")
            ui.terminate(run["runId"])
            told = command.communicate(timeout=PATIENCE_SECONDS)[0]
            assert "A daemon is at work" in told
            assert "Ended as told" in told
            assert command.returncode == 1
            assert ui.run(run["runId"])["status"] == "CANCELED"
            assert charts_of(sandbox) < options.coins
        finally:
            if command:
                command.kill()
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)


def charts_of(sandbox: RunningSandbox) -> int:
    return sum(call.path.endswith("/market_chart") for call in sandbox.calls)
