"""Single steps of the program, each timed in a process of its own whose memory is told too.

It runs with the version of the package that PYTHONPATH names first, so it takes its names from either layout.

python -m benchmarks.steps tick|gaps|lost_rows|refresh --last 2026-11-24
"""

import argparse
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import ModuleType
from typing import Any


def module_of(*names: str) -> ModuleType:
    """The first of some modules that this version has.

    Raises:
        SystemExit: It has none of them.
    """
    for name in names:
        try:
            return importlib.import_module(f"coingecko_pipeline.{name}")
        except ModuleNotFoundError:
            continue
    raise SystemExit(f"This version has none of {', '.join(names)}.")


def tick(database: Any, plan: Any, _last: date) -> str:
    """The completion schedule's tick."""
    dagster = importlib.import_module("dagster")
    schedule = module_of("orchestration.schedules", "schedules").history_completion_schedule
    known = {"now": lambda: datetime.now(UTC), "warehouse": database, "plan": plan}
    resources = {name: value for name, value in known.items() if name in schedule.required_resource_keys}
    with dagster.DagsterInstance.ephemeral() as instance:
        context = dagster.build_schedule_context(
            instance, scheduled_execution_time=datetime.now(UTC), resources=resources
        )
        return " ".join(str(schedule(context)).split())[:100]


def gaps(database: Any, _plan: Any, last: date) -> str:
    """What the check of gaps reads on a day: the latest date and the 30 before it."""
    if is_before_the_answers():
        dates = module_of("acquisition.planning").DateRange(last - timedelta(days=30), last)
        found = module_of("checks.gaps").read_gaps(database, dates)
        return f"{sum(gap.coins for gap in found.to_fill):,} to fill"
    check = module_of("orchestration.checks.archive").no_date_is_missing_between_a_coins_first_and_last_day
    return f"{check(database).metadata['gaps_to_fill'].value:,} to fill"


def lost_rows(database: Any, _plan: Any, _last: date) -> str:
    """What the check of lost rows reads on a day."""
    if is_before_the_answers():
        return "there is no such check"
    check = module_of("orchestration.checks.archive").every_archived_value_has_its_row
    return f"{check(database, lambda: datetime.now(UTC)).metadata['coins_with_lost_rows'].value:,} coins"


def refresh(database: Any, plan: Any, _last: date) -> str:
    """The calls that ask for every coin again whose newest rows are no chart's, and how much they bring."""
    now = datetime.now(UTC)
    planning = module_of("acquisition.planning")
    work = module_of("acquisition.outlook", "acquisition.history").read_work(database, plan, now)
    if is_before_the_answers():
        archived = module_of("acquisition.archive").ChartArchive(database).coverage()
        asked = {
            coin: planning.chart_call(coin, work.earliest, archived.get(coin), plan, now.date()).days
            for coin in work.in_order
        }
    else:
        asked = {
            coin: planning.ChartCall(coin, work.first_missing[coin]).days(plan, now.date()) for coin in work.in_order
        }
    with database.connect() as connection:
        lives = dict(connection.exec_driver_sql("SELECT asset_id, first_on FROM bench_lives").all())
    points = sum(min(days, (now.date() - lives[coin]).days + 1) for coin, days in asked.items())
    days = sum(asked.values())
    # The longest chart of a day's answer that was recorded has 488 kB for 4,699 days.
    size = 488_000 / 4_699
    return (
        f"{len(asked):,} calls for {days:,} days, {points:,} of them lived: {points * size / 1e9:.2f} GB "
        f"({days * size / 1e9:.2f} GB, were every coin as old as the market)"
    )


def is_before_the_answers() -> bool:
    """Whether this version's archive keeps one chart a coin."""
    return hasattr(module_of("warehouse.tables", "tables"), "raw_market_charts")


STEPS: dict[str, Callable[[Any, Any, date], str]] = {
    "tick": tick,
    "gaps": gaps,
    "lost_rows": lost_rows,
    "refresh": refresh,
}


def main() -> None:
    """Print the seconds, the peak memory in MB and what came of it, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--last", type=date.fromisoformat, required=True, help="the last date with rows")
    arguments = parser.parse_args()
    module_of("definitions")  # imports all that a step takes, before its time is taken
    settings = module_of("settings").load_settings()
    database = module_of("warehouse").Database(settings.database_url.get_secret_value())
    began = time.perf_counter()
    came = STEPS[arguments.step](database, settings.plan, arguments.last)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"seconds": seconds, "peak_megabytes": peak, "came": came}, sys.stdout)


if __name__ == "__main__":
    main()
