"""The UI on this machine."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import click

from coingecko_pipeline.cli.demo import demo_sandbox
from coingecko_pipeline.cli.demo_market import demo_settings
from coingecko_pipeline.cli.instance import project_file, use_demo_home, use_home
from coingecko_pipeline.cli.terminal import ERRORS, tell, tell_problem
from coingecko_pipeline.cli.watching import at_work
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.settings import Settings, load_settings
from coingecko_pipeline.tables import open_database

DEFAULT_PORT = 3000
GRACE_SECONDS = 20
"""Dagster's processes end within some seconds; one that hangs must not outlive the command."""
LOG = "dev.log"
"""In the instance's home: what the services of the latest `dev` said."""
LOOK_SECONDS = 2.0
"""Between two looks at what the services did."""
LAST_LINES = 15
"""Of the log of services that ended by themselves."""

# Dagster recommends a development tool of its own over this command, which users of the package do not have.
QUIET = {"PYTHONWARNINGS": "ignore:Function `dev_command` is superseded"}


@click.command()
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="The UI's port on 127.0.0.1.")
@click.option("--verbose", is_flag=True, help="Show each line of the services' log.")
@click.option("--demo", "on_demo", is_flag=True, help="Show the demo's synthetic market, with the sandbox running.")
def dev(port: int, verbose: bool, on_demo: bool) -> None:
    """Open the Dagster UI with its daemon on 127.0.0.1: assets, runs, backfills and schedules."""
    if not on_demo:
        settings = load_settings()
        open_warehouse(settings).dispose()
        sys.exit(_serve(port, settings, use_home(), {}, verbose=verbose))
    with demo_sandbox() as sandbox:
        settings = demo_settings(sandbox.url, sandbox.coinpaprika_url)
        home = use_demo_home()
        open_warehouse(settings).dispose()
        key = settings.coingecko_api_key.get_secret_value() if settings.coingecko_api_key else ""
        environment = {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "COINGECKO_BASE_URL": sandbox.url,
            "COINPAPRIKA_BASE_URL": sandbox.coinpaprika_url,
            "COINGECKO_PLAN": settings.plan.name,
            "COINGECKO_API_KEY": key,
            "REPORT_PATH": str(settings.report_path),
            # The figures of the user's own plan mean nothing here; empty is unset.
            "COINGECKO_CALLS_PER_MINUTE": "",
            "COINGECKO_CREDITS_PER_MONTH": "",
            "COINGECKO_HISTORY_DAYS": "",
            "COINGECKO_BILLING_DAY": "",
            # Nobody is told of a failure of the demo.
            "ALERT_WEBHOOK_URL": "",
            "HEARTBEAT_URL": "",
        }
        sys.exit(_serve(port, settings, home, environment, verbose=verbose))


def _serve(port: int, settings: Settings, home: Path, environment: Mapping[str, str], *, verbose: bool) -> int:
    _refuse_taken(port)
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "dev", "-w", str(project_file("workspace.yaml")), "-h", "127.0.0.1", "-p", str(port)]
    log = home / LOG
    with log.open("w", encoding="utf-8") as file:
        # A group of its own: whoever ends this process, by whatever signal, ends all that it started.
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            env={**os.environ, **QUIET, **environment},
            start_new_session=True,
            stdout=None if verbose else file,
            stderr=None if verbose else subprocess.STDOUT,
        )

    told_to_end = False

    def end(received: int, _frame: object) -> None:
        nonlocal told_to_end
        told_to_end = True
        overdue = received == signal.SIGALRM
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL if overdue else signal.SIGTERM)
        if not overdue:
            signal.alarm(GRACE_SECONDS)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, end)
    with at_work("Starting the UI and the daemon"):
        import dagster as dg

        from coingecko_pipeline.cli.services import Services

        while not _has_ended(process, LOOK_SECONDS / 4) and not _answers(port):
            pass
    with dg.DagsterInstance.get() as instance:
        if process.poll() is None:
            services = Services(instance, f"http://127.0.0.1:{port}", log)
            services.tell_opening(open_database(settings.database_url.get_secret_value()).masked_url, verbose=verbose)
            while not told_to_end and not _has_ended(process, LOOK_SECONDS):
                services.tell_news()
        with at_work("Ending the UI and the daemon"):
            process.wait()
        signal.alarm(0)
        # A command that begins now must not wait for a daemon that was heard a moment ago.
        instance.wipe_daemon_heartbeats()
    if process.returncode in (0, -signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL):
        return 0
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
    tell_problem("Failed", f"Dagster's services have ended by themselves; the last lines of {log}:")
    for line in lines:
        tell(f"  {line}", ERRORS)
    return process.returncode


def _has_ended(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Whether a process ends within some seconds."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    return process.poll() is not None


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(
                f"Port {port} is in use, perhaps by another UI; choose another one with --port."
            ) from None


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
