"""The UI's command as a process: its port, and what it leaves behind."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

from coingecko_pipeline_tests.cli.programs import OURS, PROGRAM, run_program

PATIENCE_SECONDS = 120
"""Until the UI answers or ends; a slow machine takes a tenth of it."""


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
