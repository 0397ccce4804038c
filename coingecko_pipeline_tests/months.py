"""Weeks and months of the deployment, day by day, on a clock that only the simulation moves.

The server is the sandbox on the same clock, so what it counted and refused is told by it and not by the pipeline. Each
day has what a day of the deployment has: the daily job at midnight, the sensor, the completion schedule at 01:00, and
the hours where they are on, all evaluated and run as they are defined.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import dagster as dg
from pydantic import SecretStr

from coingecko_pipeline.acquisition.budget import Budget, read_budget
from coingecko_pipeline.acquisition.outlook import Outlook, read_outlook
from coingecko_pipeline.acquisition.shared_window import SharedWindow
from coingecko_pipeline.orchestration.schedules import (
    daily_market_schedule,
    history_completion_schedule,
    hourly_market_schedule,
)
from coingecko_pipeline.orchestration.sensors import new_coins_sensor
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import choose_plan
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.fakes import FakeClock
from coingecko_pipeline_tests.instances import stored_instance
from coingecko_pipeline_tests.running import rows_of, run_job

KEY = "CG-simulated"

ARRIVAL_MILLISECONDS = 5_000


class UnhurriedClock(FakeClock):
    """Passes time only when every call that was let through has arrived: a server's minute does not pass meanwhile."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.arrived: Callable[[], int] = lambda: 0
        self.let_through = 0

    def sleep(self, seconds: float) -> None:
        for _ in range(ARRIVAL_MILLISECONDS):
            if self.arrived() >= self.let_through:
                break
            threading.Event().wait(0.001)
        # A call whose connection broke never arrives; it is tried again and counted anew.
        self.let_through = self.arrived()
        super().sleep(seconds)


class CountedWindow(SharedWindow):
    """The shared window, which tells the clock of each call that it lets through."""

    def __init__(self, database: Database, plan: str, clock: UnhurriedClock) -> None:
        super().__init__(database, plan, clock.now)
        self._clock = clock

    def take(self, limit: int, wanted: int) -> tuple[int, float]:
        granted, wait = super().take(limit, wanted)
        self._clock.let_through += granted
        return granted, wait


@dataclass(frozen=True)
class Day:
    """What a day of the simulation ended with.

    Attributes:
        day: The day.
        snapshot_rows: Rows of that date.
        active: Coins of the latest list.
        charts: Coins whose chart is in the archive.
        credits_counted: Credits of the billing month that the pipeline counted.
        credits_used: Credits of the calendar month that the server counted.
        refusals: Calls that the server answered 429.
        budget: What the month still bears.
        outlook: How complete the history is.
        asked_for: Newly listed coins that the sensor asked for.
        hourly_rows: Rows of that date's hours.
    """

    day: date
    snapshot_rows: int
    active: int
    charts: int
    credits_counted: int
    credits_used: int
    refusals: int
    budget: Budget
    outlook: Outlook
    asked_for: int
    hourly_rows: int


def simulate(
    database: Database,
    plan_name: str,
    coins: int,
    first: date,
    days: int,
    *,
    credits_per_month: int | None = None,
    history_days: int | None = None,
    hourly_top: int = 0,
    rehypothecated: int = 0,
) -> Iterator[Day]:
    """Run the deployment for some days.

    Args:
        database: Empty tables.
        plan_name: The plan.
        coins: Coins of the market.
        first: The first day.
        days: How many.
        credits_per_month: Another figure than the plan's.
        history_days: Another figure than the plan's; fewer days cost as many calls and fewer rows.
        hourly_top: How many of the largest coins are asked for in each hour.
        rehypothecated: Wrapped, staked and bridged coins beside.
    """
    clock = UnhurriedClock(datetime.combine(first, time(0, 0, 30), UTC))
    options = SandboxOptions(coins=coins, rehypothecated=rehypothecated, plan=plan_name, clock=clock.now)
    with RunningSandbox(options) as sandbox, stored_instance() as instance:
        plan = choose_plan(
            plan_name,
            has_key=plan_name != "keyless",
            base_url=sandbox.url,
            credits_per_month=credits_per_month,
            history_days=history_days,
            hourly_top=hourly_top,
        )
        clock.arrived = lambda: len(sandbox.calls)
        key = None if plan_name == "keyless" else SecretStr(KEY)
        used = refusals = 0
        for number in range(days):
            day = first + timedelta(days=number)
            clock.move_to(datetime.combine(day, time(0, 0, 30), UTC))
            client = CoinGecko(plan, key, clock=clock, now=clock.now, window=CountedWindow(database, plan.name, clock))
            resources = {"now": clock.now, "warehouse": database, "plan": plan}
            _run(database, client, daily_market_schedule, resources, instance)
            asked_for = _run(database, client, new_coins_sensor, resources, instance)
            for hour in range(24 if hourly_top else 2):
                clock.move_to(datetime.combine(day, time(hour), UTC))
                if hour == 1:
                    _run(database, client, history_completion_schedule, resources, instance)
                clock.move_to(datetime.combine(day, time(hour, 5), UTC))
                _run(database, client, hourly_market_schedule, resources, instance)
            client.close()
            used = (0 if day.day == 1 else used) + sum(call.status == 200 for call in sandbox.calls)
            refusals += sum(call.status == 429 for call in sandbox.calls)
            clock.let_through = 0
            sandbox.reset_calls()
            budget = read_budget(database, plan, day)
            yield Day(
                day=day,
                snapshot_rows=_count(database, f"SELECT COUNT(*) FROM daily_market WHERE date = '{day}'"),
                active=_count(database, "SELECT COUNT(*) FROM assets WHERE is_active"),
                charts=_count(database, "SELECT COUNT(DISTINCT asset_id) FROM market_charts"),
                credits_counted=budget.spent,
                credits_used=used,
                refusals=refusals,
                budget=budget,
                outlook=read_outlook(database, plan, clock.now()),
                asked_for=asked_for,
                hourly_rows=_count(database, f"SELECT COUNT(*) FROM hourly_market WHERE DATE(hour_at) = '{day}'"),
            )


def _run(
    database: Database, client: CoinGecko, trigger: Any, resources: dict[str, Any], instance: dg.DagsterInstance
) -> int:
    """Evaluate a schedule or sensor and make the run that it asks for; the coins that it chose, if any."""
    if isinstance(trigger, dg.SensorDefinition):
        request = trigger(dg.build_sensor_context(instance, resources=resources))
    else:
        now: Callable[[], datetime] = resources["now"]
        names = {name: value for name, value in resources.items() if name in trigger.required_resource_keys}
        request = trigger(dg.build_schedule_context(instance, scheduled_execution_time=now(), resources=names))
    if not isinstance(request, dg.RunRequest):
        return 0
    config = {op: values["config"] for op, values in request.run_config.get("ops", {}).items()}
    assert run_job(trigger.job_name, database, client, request.partition_key, config).success
    return len(config.get("coingecko__market_charts", {}).get("asset_ids", ()))


def _count(database: Database, statement: str) -> int:
    return int(rows_of(database, statement)[0][0])
