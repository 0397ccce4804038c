"""Fills the database that DATABASE_URL names, by whichever version of the program is first on PYTHONPATH.

Coins are listed in between; some have a chart of which only a part is in the table, some have an empty one, and some
have a snapshot only. The last line tells the dates of the backfill, as JSON.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta

from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline_tests.previous_version.commands import run

PLAN = "analyst"
HISTORY_DAYS = 90
"""A chart reaches so far back: a completion is a run of as many partitions."""
FIRST_COINS, COINS = 56, 60
TOP = 30
BACKFILLED_DAYS = 60
COMPLETED = 6
PARTLY_WRITTEN = ("quoted-and-slashed", "wrapped-ether-of-someone", "boringdao-[old]", "4")
"""Coins whose chart is asked for and written in part; those of the last two are empty."""


def work_on(sandbox: RunningSandbox) -> None:
    """Point the program at a sandbox."""
    os.environ["COINGECKO_BASE_URL"] = sandbox.url
    os.environ["COINPAPRIKA_BASE_URL"] = sandbox.coinpaprika_url


def main() -> None:
    """Fill the database."""
    os.environ["COINGECKO_PLAN"] = PLAN
    os.environ["COINGECKO_API_KEY"] = "CG-earlier"
    os.environ["COINGECKO_HISTORY_DAYS"] = str(HISTORY_DAYS)
    os.environ["COINGECKO_CALLS_PER_MINUTE"] = "100000"
    last = datetime.now(UTC).date() - timedelta(days=5)
    first = last - timedelta(days=BACKFILLED_DAYS - 1)
    run(["migrate"])
    with RunningSandbox(SandboxOptions(coins=FIRST_COINS, plan=PLAN, calls_per_minute=0)) as sandbox:
        work_on(sandbox)
        run(["daily"])
    with RunningSandbox(SandboxOptions(coins=COINS, plan=PLAN, calls_per_minute=0)) as sandbox:
        work_on(sandbox)
        run(["daily"])
        run(["backfill", "--from", str(first), "--to", str(last), "--top", str(TOP)])
        run(["complete", "--max-calls", str(COMPLETED)])
        chosen = [word for coin in PARTLY_WRITTEN for word in ("--asset", coin)]
        run(["backfill", "--from", str(last - timedelta(days=9)), "--to", str(last), *chosen])
        run(["measures", "--from", str(first), "--to", str(last)])
        run(["agreement"])
    sys.stdout.write(json.dumps({"first": str(first), "last": str(last)}))


if __name__ == "__main__":
    main()
