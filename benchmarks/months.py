"""What each plan gives by when: the deployment simulated day by day, on MySQL, against the sandbox's own count.

Charts of 30 days instead of a year: the calls are the same and the rows are fewer.

python -m benchmarks.months --url mysql+pymysql://root@127.0.0.1:33306/bench_months [--plans demo ...] [--coins 17400]
"""

import argparse
from datetime import date

from benchmarks.databases import fresh_database
from coingecko_pipeline.sandbox import rehypothecated_beside
from coingecko_pipeline_tests.months import Day, simulate

FIRST = date(2026, 4, 1)
HISTORY_DAYS = 30
DAYS = {"keyless": 8, "demo": 92, "basic": 3, "analyst": 3, "lite": 3}
"""Days to simulate: until each plan's history is complete, and on the demo plan three whole months."""


def main() -> None:
    """Print a table for each plan, and one of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and created")
    parser.add_argument("--plans", nargs="+", choices=DAYS, default=list(DAYS))
    parser.add_argument("--coins", type=int, default=17_400)
    parser.add_argument("--days", type=int, help="another number of days")
    arguments = parser.parse_args()
    ends: list[str] = []
    for plan in arguments.plans:
        beside = rehypothecated_beside(arguments.coins)
        print(f"\n{plan}, {arguments.coins:,} coins and {beside:,} rehypothecated ones, from {FIRST}:\n", flush=True)
        print("| day | snapshot rows of active coins | charts | complete | said to be complete on | credits | 429 |")
        print("|---|---|---:|---:|---|---:|---:|", flush=True)
        database = fresh_database(arguments.url)
        days: list[Day] = []
        for day in simulate(
            database,
            plan,
            arguments.coins,
            FIRST,
            arguments.days or DAYS[plan],
            history_days=HISTORY_DAYS,
            rehypothecated=beside,
        ):
            days.append(day)
            print(
                f"| {day.day} | {day.snapshot_rows:,} of {day.active:,} | {day.charts:,} "
                f"| {day.outlook.completeness:.1%} | {day.outlook.complete_on} | {day.credits_counted:,} "
                f"| {day.refusals} |",
                flush=True,
            )
        database.dispose()
        ends.append(summary(plan, days))
    print("\n| plan | every day has its snapshot | credits of whole months | counted as the server did | complete |")
    print("|---|---|---|---|---|")
    print("\n".join(ends))


def summary(plan: str, days: list[Day]) -> str:
    """One line of the table of all plans."""
    whole = all(day.snapshot_rows >= day.active for day in days)
    same = all(day.credits_counted == day.credits_used for day in days)
    months = [
        f"{day.credits_counted:,} of {day.budget.credits:,}"
        for day in days
        if day.day == day.budget.month.last and day.budget.credits
    ]
    complete = next((number for number, day in enumerate(days, start=1) if day.outlook.completeness >= 0.999), None)
    return (
        f"| {plan} | {'yes' if whole else 'no'} | {', '.join(months) or '-'} | {'yes' if same else 'no'} "
        f"| {f'on day {complete}' if complete else f'{days[-1].outlook.completeness:.1%} after {len(days)} days'} |"
    )


if __name__ == "__main__":
    main()
