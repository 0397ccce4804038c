"""The deployment in containers for an hour with a fault each minute, the daily job and a backfill going on.

At the end no run may hang, `verify` has to be clean, the credits have to be those that the sandbox counted, and each
alert that was due has to have arrived once. Needs a Docker engine; the sandbox and the receiver of the alerts are
containers of the deployment and are the only ones that no fault hits.

python -m benchmarks.hour_of_faults [--minutes 60] [--seed 1] [--restart-engine COMMAND]
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymysql

from coingecko_pipeline_tests.deployment.graphql import Webserver, wait_until
from coingecko_pipeline_tests.deployment.stack import Stack

COINS = 1_500
"""More than an hour of faults leaves time for, so that the backfill is at work to its end."""
END_SECONDS = 1_800
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
SPARED = ("sandbox", "alerts")
AWAY_SECONDS = 20
SETTLE_SECONDS = 150
"""A sensor of runs tells of those that end after its first look."""
ENGINE_AT_MINUTE = 20
"""Once, since it hits every other deployment of the machine too."""

RECEIVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Take(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        print("TAKEN " + self.path + " " + body.decode(), flush=True)
        self.send_response(200)
        self.end_headers()
    do_GET = do_POST
    def log_message(self, *args):
        pass
HTTPServer(("0.0.0.0", 9000), Take).serve_forever()
"""

SANDBOX = f"""
import json, pathlib
from coingecko_pipeline.sandbox.app import create_app
from coingecko_pipeline.sandbox.clock import utc_now
from coingecko_pipeline.sandbox.options import SandboxOptions
from coingecko_pipeline.sandbox.server import SandboxServer, listen
kept = pathlib.Path("/counted/credits")
app = create_app(SandboxOptions(plan="analyst", coins={COINS}, latency_seconds=2))
credits = app.state.ledger.credits
for _ in range(int(kept.read_text()) if kept.exists() else 0):
    credits.spend("CG-sandbox", utc_now())
try:
    SandboxServer(app).run(sockets=[listen(8765, "0.0.0.0")])
finally:
    kept.write_text(str(credits.used("CG-sandbox", utc_now())))
"""
"""The sandbox, which knows after a restart what it had counted before, as the service does."""

DISK_MEGABYTES = 1_500
"""Of the server's data, in a file system of its own that can be full."""


def services(disk: Path, counted: Path) -> dict[str, object]:
    """What this deployment has beside the usual one.

    Args:
        disk: The folder that holds the server's data.
        counted: The folder in which the sandbox keeps what it has counted.
    """
    sandbox = {"command": ["python", "-c", SANDBOX], "volumes": [f"{counted}:/counted"]}
    alerts = {"image": "coingecko-pipeline:0.1.0", "command": ["python", "-c", RECEIVER], "profiles": ["sandbox"]}
    volume = {"driver": "local", "driver_opts": {"type": "none", "o": "bind", "device": str(disk)}}
    return {
        "services": {"sandbox": sandbox, "alerts": alerts},
        "volumes": {"mysql": volume},
    }


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of a bounded size, mounted from a file; needs root."""
    image, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir()
    for command in (
        ("truncate", "--size", f"{DISK_MEGABYTES}M", str(image)),
        ("mkfs.ext4", "-q", str(image)),
        ("mount", "-o", "loop", str(image), str(mounted)),
    ):
        subprocess.run(command, check=True)
    data = mounted / "data"
    data.mkdir()
    data.chmod(0o777)
    try:
        yield data
    finally:
        subprocess.run(("umount", str(mounted)), check=False)  # noqa: S607


def say(line: str) -> None:
    """Tell with the time."""
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)


class Faults:
    """What is done to a deployment.

    Args:
        stack: The deployment.
        chance: Chooses.
        restart_engine: A command that restarts Docker's engine; none where it must not be.
    """

    def __init__(self, stack: Stack, chance: random.Random, restart_engine: str | None) -> None:
        self._stack, self._chance, self._restart_engine = stack, chance, restart_engine
        self.kinds: Sequence[Callable[[], str]] = [
            self.kill_container,
            self.stop_mysql,
            self.fill_disk,
            self.cut_run_off,
            self.terminate_run,
        ]

    def kill_container(self) -> str:
        """SIGKILL one of the containers, a run's among them."""
        spared = tuple(f"{self._stack.name}-{service}-1" for service in SPARED)
        names = [c["Name"].lstrip("/") for c in self._stack.containers() if c["Name"].lstrip("/") not in spared]
        name = self._chance.choice(names)
        self._stack.call("docker", "kill", name, ok=False)
        return f"killed {name.removeprefix(self._stack.name)}"

    def stop_mysql(self) -> str:
        """The server away for a while."""
        self._stack.compose("stop", "--timeout", "10", "mysql")
        time.sleep(AWAY_SECONDS)
        self._stack.compose("start", "mysql")
        return f"MySQL was away for {AWAY_SECONDS} s"

    def fill_disk(self) -> str:
        """No space left under the server's data for a while."""
        fill = (
            "dd if=/dev/zero of=/var/lib/mysql/filler bs=1M "
            "count=$(( $(df --output=avail -BM /var/lib/mysql | tail -n 1 | tr -d M) - 1 )) 2>&1 | tail -n 1"
        )
        self._stack.compose("exec", "-T", "mysql", "sh", "-c", fill, ok=False)
        time.sleep(AWAY_SECONDS)
        self._stack.compose("exec", "-T", "mysql", "rm", "-f", "/var/lib/mysql/filler", ok=False)
        return f"the disk was full for {AWAY_SECONDS} s"

    def cut_run_off(self) -> str:
        """A run's container without its network, for good."""
        running = self._stack.call(
            *("docker", "ps", "--quiet", "--filter", "label=dagster/run_id", "--filter", f"network={self._stack.name}")
        ).stdout.split()
        if not running:
            return self.kill_container()
        container = self._chance.choice(running)
        self._stack.call("docker", "network", "disconnect", "--force", self._stack.name, container, ok=False)
        return f"the run's container {container} lost its network"

    def terminate_run(self) -> str:
        """A run ended from the UI."""
        started = [run for run in self._stack.webserver.runs() if run["status"] == "STARTED"]
        if not started:
            return self.kill_container()
        run = self._chance.choice(started)["runId"]
        with suppress(AssertionError):
            self._stack.webserver.terminate(run)
        return f"terminated the run {run[:8]}"

    def restart_engine(self) -> str:
        """Docker's engine restarted, and with it all containers."""
        assert self._restart_engine
        subprocess.run(self._restart_engine, shell=True, check=False, capture_output=True)  # noqa: S602 - the user's
        return "Docker's engine was restarted"


def keep_at_work(stack: Stack, ui: Webserver, number: int) -> None:
    """Launch the daily job each ten minutes, and charts where none are at work."""
    runs = ui.runs()
    at_work = [run for run in runs if run["status"] not in ENDED]
    if number % 10 == 0:
        ui.launch("daily_market_job", partition=str(datetime.now(UTC).date()))
    if len(at_work) < 2 and stack.count("assets"):
        ui.launch("market_charts_job", config={"coingecko__market_charts": {"config": {"from_date": "2026-01-01"}}})


def main() -> None:
    """Print each fault, and what was found at the end; exits with 1 where something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--restart-engine", help="a shell command")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder)) as disk:
        files, counted = Path(folder) / "deployment", Path(folder) / "counted"
        files.mkdir()
        counted.mkdir()
        counted.chmod(0o777)
        Path(folder).chmod(0o755)
        stack = Stack(f"faults-{uuid.uuid4().hex[:6]}", files, {"ALERT_WEBHOOK_URL": "http://alerts:9000/hook"})
        (files / "slow-sandbox.yml").write_text(json.dumps(services(disk, counted)), encoding="utf-8")
        try:
            stack.call("make", "secrets")
            stack.compose("build", "check")
            stack.up()
            ok = run_hour(stack, chance, arguments.minutes, arguments.restart_engine)
        finally:
            Path("faults-logs.txt").write_text(stack.logs(), encoding="utf-8")
            stack.remove()
    sys.exit(0 if ok else 1)


def run_hour(stack: Stack, chance: random.Random, minutes: int, restart_engine: str | None) -> bool:
    """Do it, and look; whether everything holds."""
    faults = Faults(stack, chance, restart_engine)
    stack.webserver.launch("daily_market_job", partition=str(datetime.now(UTC).date()))
    wait_until("the coins", lambda: stack.count("assets") > 0, END_SECONDS)
    time.sleep(SETTLE_SECONDS)
    first = datetime.now(UTC)
    say("the faults begin")
    counted: Counter[str] = Counter()
    turns = list(faults.kinds)
    for number in range(minutes):
        due = first + timedelta(minutes=number + 1)
        time.sleep(max((due - datetime.now(UTC)).total_seconds(), 0))
        if not turns:
            turns = list(faults.kinds)
        is_engines = restart_engine is not None and number == ENGINE_AT_MINUTE
        kind = faults.restart_engine if is_engines else turns.pop(chance.randrange(len(turns)))
        try:
            told = kind()
        except Exception as error:  # what a fault breaks is what is looked for, not a reason to end
            told = f"{kind.__name__} could not be done: {type(error).__name__}: {str(error)[:200]}"
        counted[kind.__name__] += 1
        say(f"{number + 1:>2}: {told}")
        with suppress(AssertionError, urllib.error.URLError, OSError, pymysql.Error):
            # Docker restarts what exited, but not what `docker kill` ended.
            stack.call(
                *("docker", "compose", "--profile", "sandbox", "up", "--detach", "--no-recreate", "--no-build"),
                ok=False,
            )
            keep_at_work(stack, stack.webserver, number)
    say(f"the hour is over: {dict(counted)}")
    return looked(stack)


def looked(stack: Stack) -> bool:
    """What holds at the end."""
    stack.up()
    ui = stack.webserver
    wait_until("the daemon", lambda: "SENSOR" in ui.healthy_daemons(), END_SECONDS)
    for run in ui.runs():
        if run["status"] == "STARTED":
            say(f"{run['runId'][:8]} is still at work")
    wait_until("the end of every run", lambda: all(run["status"] in ENDED for run in ui.runs()), END_SECONDS)
    say("no run hangs")
    counted, used = credits_counted(stack), credits_of_sandbox(stack)
    say(f"credits: {counted} counted, {used} by the sandbox, before the count is corrected as it is once a day")
    # The first snapshot of a day corrects the count by what the service says: as if this one were the next day's.
    stack.sql("DELETE FROM api_usage WHERE endpoint = 'key'", user="root")
    last = ui.launch("daily_market_job", partition=str(datetime.now(UTC).date()))
    wait_until("a last snapshot", lambda: ui.run(last)["status"] in ENDED, END_SECONDS)
    found: dict[str, bool] = {"the last snapshot succeeds": ui.run(last)["status"] == "SUCCESS"}
    wait_until("the end of every run", lambda: all(run["status"] in ENDED for run in ui.runs()), END_SECONDS)
    told = stack.compose("run", "--rm", "--no-TTY", "code-location", "verify", ok=False)
    found["verify is clean"] = told.returncode == 0
    if told.returncode:
        say(told.stdout[-2_000:])
    counted, used = credits_counted(stack), credits_of_sandbox(stack)
    say(f"credits: {counted} counted, {used} by the sandbox")
    found["credits are exact"] = counted == used
    time.sleep(120)
    failed = [run["runId"] for run in ui.runs() if run["status"] == "FAILURE"]
    taken = [line for line in stack.compose("logs", "--no-color", "alerts").stdout.splitlines() if "TAKEN " in line]
    times = {run: sum(run in line for line in taken) for run in failed}
    say(f"{len(failed)} runs failed, {len(taken)} alerts arrived; {Counter(times.values())} alerts a failed run")
    for run in [run for run, count in times.items() if count != 1]:
        say(f"{run} has {times[run]} alerts: {ui.run(run)}")
    found["each alert arrived once"] = all(count == 1 for count in times.values())
    say(f"runs: {Counter(run['status'] for run in ui.runs())}, charts archived: {stack.count('market_charts')}")
    for what, holds in found.items():
        say(f"{'holds' if holds else 'DOES NOT HOLD'}: {what}")
    return all(found.values())


def credits_counted(stack: Stack) -> int:
    """What the database says was spent."""
    return int(stack.sql("SELECT COALESCE(SUM(credits), 0) FROM api_usage")[0][0])


def credits_of_sandbox(stack: Stack) -> int:
    """What the sandbox has counted for the key in the running month."""
    ask = (
        "import json,urllib.request as u;"
        "r=u.Request('http://127.0.0.1:8765/api/v3/key',headers={'x-cg-pro-api-key':'CG-sandbox'});"
        "print(json.load(u.urlopen(r))['current_total_monthly_calls'])"
    )
    return int(stack.compose("exec", "-T", "sandbox", "python", "-c", ask).stdout.split()[-1])


if __name__ == "__main__":
    main()
