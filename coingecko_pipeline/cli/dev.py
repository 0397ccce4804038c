"""The UI on this machine."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click
import dagster as dg

from coingecko_pipeline.cli.demo import demo_sandbox, demo_settings
from coingecko_pipeline.cli.instance import project_file, use_demo_home, use_home
from coingecko_pipeline.cli.terminal import CONSOLE
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.settings import load_settings

DEFAULT_PORT = 3000
GRACE_SECONDS = 20
"""Dagster's processes end within some seconds; one that hangs must not outlive the command."""
# Dagster recommends a development tool of its own over this command, which users of the package do not have.
QUIET = {"PYTHONWARNINGS": "ignore:Function `dev_command` is superseded"}


@click.command()
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="The UI's port on 127.0.0.1.")
@click.option("--demo", "on_demo", is_flag=True, help="Show the demo's synthetic market, with the sandbox running.")
def dev(port: int, on_demo: bool) -> None:
    """Open the Dagster UI with its daemon on 127.0.0.1: assets, runs, backfills and schedules."""
    if not on_demo:
        open_warehouse(load_settings()).dispose()
        use_home()
        sys.exit(_serve(port, {}))
    use_demo_home()
    with demo_sandbox() as sandbox:
        settings = demo_settings(sandbox)
        open_warehouse(settings).dispose()
        key = settings.coingecko_api_key.get_secret_value() if settings.coingecko_api_key else ""
        sys.exit(
            _serve(
                port,
                {
                    "DATABASE_URL": settings.database_url.get_secret_value(),
                    "COINGECKO_BASE_URL": sandbox.url,
                    "COINPAPRIKA_BASE_URL": sandbox.coinpaprika_url,
                    "COINGECKO_PLAN": settings.plan.name,
                    "COINGECKO_API_KEY": key,
                    # The figures of the user's own plan mean nothing here; empty is unset.
                    "COINGECKO_CALLS_PER_MINUTE": "",
                    "COINGECKO_CREDITS_PER_MONTH": "",
                    "COINGECKO_HISTORY_DAYS": "",
                    "COINGECKO_BILLING_DAY": "",
                    # Nobody is told of a failure of the demo.
                    "ALERT_WEBHOOK_URL": "",
                },
            )
        )


def _serve(port: int, environment: dict[str, str]) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(
                f"Port {port} is in use, perhaps by another UI; choose another one with --port."
            ) from None
    CONSOLE.print(f"The UI comes up on http://127.0.0.1:{port} (Ctrl-C ends it).", highlight=False)
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "dev", "-w", str(project_file("workspace.yaml")), "-h", "127.0.0.1", "-p", str(port)]
    # A group of its own: whoever ends this process, by whatever signal, ends all that it started.
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, env={**os.environ, **QUIET, **environment}, start_new_session=True
    )

    def end(received: int, _frame: object) -> None:
        overdue = received == signal.SIGALRM
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL if overdue else signal.SIGTERM)
        if not overdue:
            signal.alarm(GRACE_SECONDS)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, end)
    code = process.wait()
    with dg.DagsterInstance.get() as instance:
        # A command that begins now must not wait for a daemon that was heard a moment ago.
        instance.wipe_daemon_heartbeats()
    return 0 if code in (0, -signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL) else code
