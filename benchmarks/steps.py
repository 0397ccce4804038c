"""Single steps of the program, each timed in a process of its own whose memory is told too.

It runs with the version of the package that PYTHONPATH names first, so it takes its names from either layout.

python -m benchmarks.steps tick|gaps [--last 2026-11-24]
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
        return str(schedule(context))[:300]


def gaps(database: Any, _plan: Any, last: date) -> str:
    """What the check of gaps reads in a run of one date: that date and the 30 before it."""
    dates = module_of("acquisition.planning").DateRange(last - timedelta(days=30), last)
    found = module_of("orchestration.checks.gaps", "checks.gaps").read_gaps(database, dates)
    return f"{sum(gap.coins for gap in found.to_fill)} to fill"


def all_gaps(database: Any, plan: Any, last: date) -> str:
    """What it reads in a run of every date."""
    plans = module_of("sources.coingecko.plans", "coingecko.plans")
    dates = module_of("acquisition.planning").DateRange(plan.earliest_date(last), last)
    assert dates.first >= plans.FIRST_DATE
    found = module_of("orchestration.checks.gaps", "checks.gaps").read_gaps(database, dates)
    return f"{sum(gap.coins for gap in found.to_fill)} to fill"


STEPS: dict[str, Callable[[Any, Any, date], str]] = {"tick": tick, "gaps": gaps, "all_gaps": all_gaps}


def main() -> None:
    """Print the seconds, the peak memory in MB and what came of it, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--last", type=date.fromisoformat, required=True, help="the last date with rows")
    arguments = parser.parse_args()
    settings = module_of("settings").load_settings()
    database = module_of("warehouse").Database(settings.database_url.get_secret_value())
    began = time.perf_counter()
    came = STEPS[arguments.step](database, settings.plan, arguments.last)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"seconds": seconds, "peak_megabytes": peak, "came": came}, sys.stdout)


if __name__ == "__main__":
    main()
