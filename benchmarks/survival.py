"""What a backfill survives, on MySQL: SIGKILL at random moments, and a second run at once on the demo plan's rate.

python -m benchmarks.survival --url mysql+pymysql://root@127.0.0.1:33306/bench_survival [--kills 20] [--coins 500]
"""

import argparse
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import text

from benchmarks.charts import settings_of, settled_year
from benchmarks.databases import fresh_database
from benchmarks.processes import PROGRAM, ROOT, succeed
from coingecko_pipeline.acquisition.fetching import FETCH_THREADS
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.previous_version import environment_of

LATENCY_SECONDS = 0.25
SEED = 20261124
MARKET = (
    "SELECT date, asset_id, price_usd, volume_24h_usd, market_cap_usd FROM daily_market WHERE source = 'chart' "
    "ORDER BY date, asset_id"
)


def begin(folder: Path, settings: Mapping[str, str], dates: DateRange, *options: str) -> subprocess.Popen[bytes]:
    """Start a backfill."""
    return subprocess.Popen(
        [*PROGRAM, "backfill", "--from", str(dates.first), "--to", str(dates.last), *options],
        cwd=folder,
        env=environment_of(ROOT, settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def charts_of(sandbox: RunningSandbox) -> int:
    return sum(call.path.endswith("/market_chart") for call in sandbox.calls)


def rows_of(database: Database) -> list[tuple[object, ...]]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(text(MARKET))]


def measure_kills(url: str, coins: int, kills: int) -> None:
    """Kill a backfill again and again, let it end, and compare with one that was left alone."""
    moments, dates = random.Random(SEED), settled_year()
    options = SandboxOptions(coins=coins, plan="analyst", calls_per_minute=0, latency_seconds=LATENCY_SECONDS)
    with tempfile.TemporaryDirectory() as name, RunningSandbox(options) as sandbox:
        disturbed, calm = fresh_database(url), fresh_database(f"{url}_calm")
        settings = {**settings_of(sandbox, "analyst", url), "COINGECKO_CALLS_PER_MINUTE": "100000"}
        succeed([*PROGRAM, "daily"], Path(name), settings)
        done = 0
        while done < kills:
            process = begin(Path(name), settings, dates)
            until = charts_of(sandbox) + moments.randrange(1, max(2, coins // kills))
            while charts_of(sandbox) < until and process.poll() is None:
                time.sleep(0.002)
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1
        ended = begin(Path(name), settings, dates).wait()
        paid = charts_of(sandbox)
        with tempfile.TemporaryDirectory() as undisturbed:
            settings = {**settings, "DATABASE_URL": f"{url}_calm"}
            succeed([*PROGRAM, "daily"], Path(undisturbed), settings)
            begin(Path(undisturbed), settings, dates).wait()
        same = rows_of(disturbed) == rows_of(calm)
        print("| coins | kills | exit code at last | charts paid for | at most | same table |")
        print("|---:|---:|---:|---:|---:|---|")
        bound = coins + FETCH_THREADS * done
        print(f"| {coins} | {done} | {ended} | {paid} | {bound} | {'yes' if same else 'no'} |", flush=True)
        disturbed.dispose()
        calm.dispose()


def measure_two_at_once(url: str, coins: int, calls_per_minute: int) -> None:
    """Two processes, each with an instance of its own, on different coins and the same dates at one rate."""
    dates = settled_year()
    options = SandboxOptions(
        coins=coins, plan="demo", calls_per_minute=calls_per_minute, latency_seconds=LATENCY_SECONDS
    )
    with tempfile.TemporaryDirectory() as name, RunningSandbox(options) as sandbox:
        database = fresh_database(url)
        settings = settings_of(sandbox, "demo", url)
        succeed([*PROGRAM, "daily"], Path(name), settings)
        with database.connect() as connection:
            ids = list(connection.scalars(text("SELECT asset_id FROM assets ORDER BY asset_id")))
        began = []
        for number in range(2):
            folder = Path(name) / str(number)
            folder.mkdir()
            chosen = [word for coin_id in ids[number::2] for word in ("--asset", coin_id)]
            began.append(begin(folder, settings, dates, *chosen))
        codes = [process.wait() for process in began]
        times = sorted(call.at.timestamp() for call in sandbox.calls)
        most = max(sum(1 for later in times if moment <= later < moment + 60) for moment in times)
        refused = sum(call.status == 429 for call in sandbox.calls)
        print("\n| runs at once | coins | calls a minute | exit codes | calls | most in any 60 s | 429 | seconds |")
        print("|---:|---:|---:|---|---:|---:|---:|---:|")
        print(
            f"| 2 | {coins} | {calls_per_minute} | {codes[0]}, {codes[1]} | {len(times)} | {most} | {refused} "
            f"| {times[-1] - times[0]:.1f} |"
        )
        database.dispose()


def main() -> None:
    """Print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--coins", type=int, default=500)
    arguments = parser.parse_args()
    measure_kills(arguments.url, arguments.coins, arguments.kills)
    measure_two_at_once(arguments.url, 240, 100)


if __name__ == "__main__":
    main()
