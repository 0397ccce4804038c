"""What a day and a backfill leave in Dagster's own database: rows, check records and bytes, on SQLite and on MySQL.

The UI's server and the daemon run as they do for a user, so everything that schedules, sensors and the daemon write is
counted. The sandbox stands for CoinGecko.

day: the runs that the daily schedule and the completion schedule ask for on the demo plan, on the first day of a
billing month, with 17,400 coins: the list, the snapshot, a day's share of the charts; and all runs that sensors ask for
then.
backfill: 365 dates of 50 coins as one backfill from the UI, after the list, and all runs that follow.

python -m benchmarks.dagster_events [--url mysql+pymysql://root@127.0.0.1:33306/bench_dagster]
    [--revision COMMIT] [--cases day backfill]
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import requests
import yaml

from benchmarks.dagster_storage import Contents, mysql_contents, sqlite_contents
from benchmarks.databases import empty_database
from benchmarks.processes import PROGRAM, ROOT, succeed
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.previous_version import environment_of, export_revision

DAY_COINS, BACKFILL_COINS, BACKFILL_DAYS = 17_400, 50, 365
SETTLED_SECONDS = 140
"""With no run at work for so long nothing follows any more: sensors look once a minute."""
LONGEST_SECONDS = 3_600
START_SECONDS = 120
UNFINISHED = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
BACKFILL_AT_WORK = "REQUESTED"

RUNS = """query { runsOrError(limit: 500) { ... on PythonError { message } ... on Runs { results {
    runId jobName status startTime endTime assetSelection { path } stats { ... on RunStatsSnapshot { stepsFailed } }
} } } partitionBackfillsOrError(limit: 100) { ... on PythonError { message }
    ... on PartitionBackfills { results { id status } } } }"""
DRY_RUN = """mutation ($selector: ScheduleSelector!, $at: Float!) {
    scheduleDryRun(selectorData: $selector, timestamp: $at) { __typename
    ... on DryRunInstigationTick { evaluationResult { skipReason error { message }
        runRequests { jobName runConfigYaml tags { key value } } } }
    ... on PythonError { message } } }"""
JOB = """query ($selector: ScheduleSelector!) { scheduleOrError(scheduleSelector: $selector) {
    ... on Schedule { pipelineName } } }"""
LAUNCH = """mutation ($parameters: ExecutionParams!) {
    launchPipelineExecution(executionParams: $parameters) { __typename
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } } } }"""
BACKFILL = """mutation ($parameters: LaunchBackfillParams!) {
    launchPartitionBackfill(backfillParams: $parameters) { __typename
    ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
PLACE = {"repositoryLocationName": "coingecko_pipeline", "repositoryName": "__repository__"}


@dataclass(frozen=True)
class Deployment:
    """A running UI with its daemon.

    Attributes:
        url: Of its GraphQL.
    """

    url: str

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The data that a GraphQL query gives.

        Raises:
            SystemExit: The server did not answer it.
        """
        answer = requests.post(self.url, json={"query": query, "variables": dict(variables or {})}, timeout=300).json()
        if answer.get("errors"):
            raise SystemExit(f"The UI's server answered {answer['errors']}")
        data: dict[str, Any] = answer["data"]
        return data

    def launch_what_a_schedule_asks_for(self, name: str, at: datetime) -> None:
        """Evaluate a schedule at a moment and launch its runs.

        Raises:
            SystemExit: It asks for none, or they could not be launched.
        """
        selector = {**PLACE, "scheduleName": name}
        tick = self.ask(DRY_RUN, {"selector": selector, "at": at.timestamp()})["scheduleDryRun"]
        asked = (tick.get("evaluationResult") or {}).get("runRequests")
        if not asked:
            raise SystemExit(f"{name} asked for no run: {tick}")
        job = self.ask(JOB, {"selector": selector})["scheduleOrError"]["pipelineName"]
        for request in asked:
            self.launch(job, yaml.safe_load(request["runConfigYaml"]) or {}, request["tags"])

    def launch(
        self, job: str, config: Mapping[str, Any] | None = None, tags: list[dict[str, str]] | None = None
    ) -> None:
        """Launch a job.

        Raises:
            SystemExit: It could not be launched.
        """
        parameters = {
            "selector": {**PLACE, "pipelineName": job},
            "runConfigData": dict(config or {}),
            "executionMetadata": {"tags": [{"key": tag["key"], "value": tag["value"]} for tag in tags or []]},
        }
        answer = self.ask(LAUNCH, {"parameters": parameters})["launchPipelineExecution"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise SystemExit(f"{job} could not be launched: {answer}")

    def backfill(self, asset: list[str], keys: list[str]) -> None:
        """Launch a backfill of partitions as the UI does.

        Raises:
            SystemExit: It could not be launched.
        """
        parameters = {"assetSelection": [{"path": asset}], "partitionNames": keys}
        answer = self.ask(BACKFILL, {"parameters": parameters})["launchPartitionBackfill"]
        if answer["__typename"] != "LaunchBackfillSuccess":
            raise SystemExit(f"The backfill could not be launched: {answer}")

    def runs_and_backfills(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """All runs, the latest first, and all backfills; what cannot be read at the moment is read again."""
        for _ in range(START_SECONDS):
            found = self.ask(RUNS)
            if all("results" in part for part in found.values()):
                return found["runsOrError"]["results"], found["partitionBackfillsOrError"]["results"]
            time.sleep(1)
        raise SystemExit(f"The UI's server cannot read the runs: {found}")

    def settle(self) -> list[dict[str, Any]]:
        """Wait until nothing has been at work for a while; all runs, the oldest first.

        Raises:
            SystemExit: It never came to rest.
        """
        began = quiet_since = time.monotonic()
        known = 0
        while time.monotonic() - quiet_since < SETTLED_SECONDS:
            if time.monotonic() - began > LONGEST_SECONDS:
                raise SystemExit("The runs did not come to an end.")
            time.sleep(2)
            runs, backfills = self.runs_and_backfills()
            at_work = any(run["status"] in UNFINISHED for run in runs)
            at_work = at_work or any(backfill["status"] == BACKFILL_AT_WORK for backfill in backfills)
            if at_work or len(runs) != known:
                quiet_since, known = time.monotonic(), len(runs)
        return list(reversed(runs))

    def finish(self) -> None:
        """Wait until no run is at work."""
        while any(run["status"] in UNFINISHED for run in self.runs_and_backfills()[0]):
            time.sleep(1)


@contextmanager
def deployed(package: Path, folder: Path, settings: Mapping[str, str]) -> Iterator[Deployment]:
    """The UI's server and the daemon of a version, ended afterwards with all that they started.

    Args:
        package: Where the version is.
        folder: The working folder; the server's output is kept there.
        settings: Environment variables.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "dev", "-w", str(package / "workspace.yaml")]
    with (folder / "dev.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "-h", "127.0.0.1", "-p", str(port)],
            cwd=folder,
            env=environment_of(package, settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deployment = Deployment(f"http://127.0.0.1:{port}/graphql")
        _wait_for(deployment, folder / "dev.log")
        yield deployment
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _wait_for(deployment: Deployment, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            deployment.ask("query { version }")
        except requests.ConnectionError:
            if time.monotonic() > until:
                raise SystemExit(f"The UI did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.5)
        else:
            return


def prepare_home(folder: Path, package: Path, url: str | None) -> Path:
    """A Dagster home with the version's own settings, kept in SQLite files or in a MySQL database."""
    home = folder / "home"
    home.mkdir()
    settings = (package / "dagster.yaml").read_text(encoding="utf-8")
    if url is not None:
        settings += f"\nstorage:\n  mysql:\n    mysql_url: {url.replace('mysql+pymysql', 'mysql+mysqlconnector')}\n"
    (home / "dagster.yaml").write_text(settings, encoding="utf-8")
    return home


def measure(case: str, package: Path, url: str | None) -> None:
    """Print what a case leaves behind in one storage."""
    options = SandboxOptions(
        coins=DAY_COINS if case == "day" else BACKFILL_COINS,
        plan="demo" if case == "day" else "analyst",
        calls_per_minute=0,
    )
    with tempfile.TemporaryDirectory() as name, RunningSandbox(options) as sandbox:
        folder, now = Path(name), datetime.now(UTC)
        if url is not None:
            empty_database(url).dispose()
        home = prepare_home(folder, package, url)
        settings = {
            "DAGSTER_HOME": str(home),
            "DATABASE_URL": f"sqlite:///{folder}/market.db",
            "COINGECKO_BASE_URL": sandbox.url,
            "COINPAPRIKA_BASE_URL": sandbox.coinpaprika_url,
            "COINGECKO_API_KEY": "CG-bench",
            "COINGECKO_PLAN": options.plan,
            "COINGECKO_CALLS_PER_MINUTE": "100000",
            "COINGECKO_BILLING_DAY": str(now.day),
            "REPORT_PATH": str(folder / "report.html"),
        }
        succeed([*PROGRAM, "migrate"], folder, settings, package)
        read = partial(sqlite_contents, home) if url is None else partial(mysql_contents, Database(url))
        with deployed(package, folder, settings) as deployment:
            if case == "backfill":
                deployment.launch("asset_list_job")
            deployment.settle()
            before = read()
            first_runs = len(deployment.runs_and_backfills()[0])
            if case == "day":
                midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
                deployment.launch_what_a_schedule_asks_for("daily_market_schedule", midnight)
                deployment.finish()
                deployment.launch_what_a_schedule_asks_for("history_completion_schedule", datetime.now(UTC))
            else:
                days = [now.date() - timedelta(days=number) for number in range(BACKFILL_DAYS, 0, -1)]
                deployment.backfill(["coingecko", "daily_market"], [day.isoformat() for day in days])
            runs = deployment.settle()[first_runs:]
        charts = sum(call.path.endswith("/market_chart") for call in sandbox.calls)
        tell(f"{case}, {'SQLite' if url is None else 'MySQL'}, {charts} charts", before, read(), runs)


def tell(what: str, before: Contents, after: Contents, runs: list[dict[str, Any]]) -> None:
    """Print the differences, and what each run left."""
    print(f"\n### {what}\n\n| what | number |\n|---|---:|")
    for name, number in after.less(before).lines():
        print(f"| {name} | {number:,} |")
    print("\n| run of | assets | status | seconds | events | bytes of events |\n|---|---:|---|---:|---:|---:|")
    for run in runs:
        events, size = after.by_run.get(run["runId"], (0, 0))
        seconds = (run["endTime"] or 0) - (run["startTime"] or 0)
        assets = ", ".join(key["path"][-1] for key in run["assetSelection"] or [])
        job = run["jobName"].strip("_").lower()
        print(f"| {job} | {assets} | {run['status'].lower()} | {seconds:.1f} | {events:,} | {size:,} |", flush=True)


def main() -> None:
    """Measure the cases on the storages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a MySQL database for Dagster, dropped and created; without it SQLite alone")
    parser.add_argument("--revision", help="the commit whose version is measured; this checkout by default")
    parser.add_argument("--cases", nargs="+", choices=["day", "backfill"], default=["day", "backfill"])
    parser.add_argument("--storages", nargs="+", choices=["sqlite", "mysql"], default=["sqlite", "mysql"])
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    with tempfile.TemporaryDirectory() as name:
        package = export_revision(arguments.revision, Path(name)) if arguments.revision else ROOT
        for case in arguments.cases:
            for storage in arguments.storages:
                if storage == "sqlite" or arguments.url:
                    measure(case, package, None if storage == "sqlite" else arguments.url)


if __name__ == "__main__":
    main()
