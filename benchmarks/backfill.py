"""A year of charts into MySQL at the plan's rate, from the first call to the last commit: ours, and the peers'.

Each contender has a sandbox of its own, of the same market, with 250 ms latency, whose window enforces the rate, and an
empty database. The coins are those with a value on each of the 365 dates.

python -m benchmarks.backfill --url mysql+pymysql://root@127.0.0.1:33306/bench_backfill
    [--peers-python .venv-bench/bin/python] [--cases 120@500 120@100 600@500 1000@500] [--only ours loop sdk dlt]
    [--revision COMMIT]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.charts import KEY, CommitWatch, Stored, Truth, first_chart_call, settings_of, settled_year, stored
from benchmarks.databases import empty_database
from benchmarks.processes import PROGRAM, ROOT, Finished, run, succeed
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline_tests.previous_version import export_revision

LATENCY_SECONDS = 0.25
TIMEOUT_SECONDS = 15 * 60
WINDOW_SECONDS = 62
"""After so long the calls that a contender made before count in nobody's window any more."""
WATCH_SECONDS = 0.05


@dataclass(frozen=True)
class Case:
    """Charts to fetch at a rate.

    Attributes:
        coins: How many.
        calls_per_minute: The rate.
        plan: A plan that has it.
        bound_seconds: What ours may take at most, from the first call to the last commit.
        bound_command_seconds: What our whole command may take.
    """

    coins: int
    calls_per_minute: int
    plan: str
    bound_seconds: float
    bound_command_seconds: float

    @property
    def options(self) -> SandboxOptions:
        """A sandbox for it; about six coins of ten have a value on each date of a year."""
        return SandboxOptions(
            coins=2 * self.coins,
            plan=self.plan,
            calls_per_minute=self.calls_per_minute,
            latency_seconds=LATENCY_SECONDS,
        )


CASES = {
    f"{case.coins}@{case.calls_per_minute}": case
    for case in (
        Case(120, 500, "analyst", 6, 11),
        Case(120, 100, "demo", 64, 69),
        Case(600, 500, "analyst", 66, 71),
        Case(1_000, 500, "analyst", 76, 81),
    )
}

PEERS = {
    "loop": ("pycoingecko in a loop, to_sql", "benchmarks.peers.loop"),
    "sdk": ("coingecko-sdk, 16 at once, to_sql", "benchmarks.peers.official_sdk"),
    "dlt": ("dlt, merge", "benchmarks.peers.dlt_pipeline"),
}


@dataclass(frozen=True)
class Measured:
    """One contender's run.

    Attributes:
        seconds: From its first call to its last commit, or to its end where it failed; None where it did
            not come so far.
        command_seconds: Of the whole command, from its start to its exit.
        calls: Answers that the sandbox gave.
        refusals: Those of them with status 429.
        found: What the table holds afterwards.
        peak_megabytes: The most memory that its process held.
        remark: How it failed, or nothing.
    """

    seconds: float | None
    command_seconds: float
    calls: int
    refusals: int
    found: Stored
    peak_megabytes: float | None
    remark: str = ""


def task_of(case: Case) -> tuple[DateRange, list[str]]:
    """The dates and the coins that every contender is told."""
    dates = settled_year()
    return dates, Truth(case.options).coins_of_a_year(dates, case.coins)


def measure_ours(case: Case, url: str, package: Path) -> Measured:
    """`coingecko-pipeline backfill`, after the daily job has stored the list and today's snapshot."""
    dates, coin_ids = task_of(case)
    with tempfile.TemporaryDirectory() as name, RunningSandbox(case.options) as sandbox:
        folder, database = Path(name), empty_database(url)
        settings = settings_of(sandbox, case.plan, url)
        for command in ("migrate", "daily"):
            succeed([*PROGRAM, command], folder, settings, package)
        time.sleep(WINDOW_SECONDS)
        sandbox.reset_calls()
        chosen = [word for coin_id in coin_ids for word in ("--asset", coin_id)]
        backfill = ["backfill", "--from", str(dates.first), "--to", str(dates.last), *chosen]
        with CommitWatch(database, dates.last, WATCH_SECONDS) as watch:
            finished = run([*PROGRAM, *backfill], folder, settings, package, TIMEOUT_SECONDS)
        seconds = watch.seconds_since(first_chart_call(sandbox))
        found = stored(database, coin_ids, "source = 'chart'")
        database.dispose()
        return _measured(sandbox, finished, found, seconds, f"{finished.output} {finished.errors}")


def measure_peer(case: Case, module: str, python: str, url: str) -> Measured:
    """A peer's script, which tells its seconds itself."""
    dates, coin_ids = task_of(case)
    with tempfile.TemporaryDirectory() as name, RunningSandbox(case.options) as sandbox:
        folder, database = Path(name), empty_database(url)
        coins = folder / "coins.json"
        coins.write_text(json.dumps(coin_ids))
        command = [
            python, "-W", "ignore", "-m", module, "--base-url", sandbox.url, "--api-key", KEY, "--url", url,
            "--coins", str(coins), *([] if case.plan == "demo" else ["--paid"]),
        ]  # fmt: skip
        settings = {"DLT_DATA_DIR": str(folder), "RUNTIME__DLTHUB_TELEMETRY": "false"}
        finished = run(command, folder, settings, timeout=TIMEOUT_SECONDS)
        lines = [line for line in finished.output.splitlines() if line.startswith("{")]
        told = json.loads(lines[-1]) if lines else {}
        condition = f"date BETWEEN '{dates.first}' AND '{dates.last}'"
        found = stored(database, coin_ids, condition)
        database.dispose()
        return _measured(sandbox, finished, found, told.get("seconds"), told.get("error") or finished.errors)


def _measured(
    sandbox: RunningSandbox, finished: Finished, found: Stored, seconds: float | None, words: str
) -> Measured:
    remark = ""
    if finished.code is None:
        remark, seconds = f"ended after {TIMEOUT_SECONDS / 60:.0f} minutes", TIMEOUT_SECONDS
    elif finished.code:
        remark = f"failed with exit code {finished.code}: {' '.join(words.split())[:600]}"
    refusals = sum(call.status == 429 for call in sandbox.calls)
    return Measured(seconds, finished.seconds, len(sandbox.calls), refusals, found, finished.peak_megabytes, remark)


def measure_case(case: Case, url: str, python: str | None, only: Sequence[str], package: Path) -> None:
    """Print a table of all contenders."""
    print(
        f"\n{case.coins:,} coins at {case.calls_per_minute} calls a minute ({case.plan} plan); "
        f"ours may take {case.bound_seconds:g} s, and {case.bound_command_seconds:g} s from start to exit:\n\n"
        "| way | seconds | whole command (s) | calls | 429 | complete | lost | rows | peak memory (MB) |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        flush=True,
    )
    remarks: list[str] = []

    def line(way: str, measured: Measured) -> None:
        seconds = "-" if measured.seconds is None else f"{measured.seconds:.1f}"
        if measured.remark:
            seconds = f"failed after {seconds}"
        peak = "-" if measured.peak_megabytes is None else f"{measured.peak_megabytes:.0f}"
        complete = measured.found.complete
        print(
            f"| {way} | {seconds} | {measured.command_seconds:.1f} | {measured.calls:,} | {measured.refusals:,} "
            f"| {complete:,} | {case.coins - complete:,} | {measured.found.rows:,} | {peak} |",
            flush=True,
        )
        if measured.remark:
            remarks.append(f"{way}: {measured.remark}")

    if "ours" in only:
        line("**coingecko-pipeline backfill**", measure_ours(case, url, package))
    for name, (way, module) in PEERS.items():
        if python and name in only:
            interpreter = str(Path(python).absolute())  # unresolved: the link is what names its environment
            line(way, measure_peer(case, module, interpreter, url))
    if remarks:
        print("\n" + "\n".join(f"- {remark}" for remark in remarks))


def main() -> None:
    """Measure the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--peers-python", help="an interpreter with requirements-bench.lock; without it only ours")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), help="COINS@CALLS_A_MINUTE")
    parser.add_argument("--only", nargs="+", choices=["ours", *PEERS], default=["ours", *PEERS], help="contenders")
    parser.add_argument("--revision", help="the commit whose version is ours; this checkout by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        package = export_revision(arguments.revision, Path(folder)) if arguments.revision else ROOT
        for name in arguments.cases:
            measure_case(CASES[name], arguments.url, arguments.peers_python, arguments.only, package)


if __name__ == "__main__":
    main()
