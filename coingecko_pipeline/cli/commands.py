"""daily, backfill and complete."""

import sys
from datetime import UTC, datetime
from typing import Any

import click

from coingecko_pipeline.acquisition.outlook import plan_of_today
from coingecko_pipeline.acquisition.planning import SNAPSHOT_CALLS, AcquisitionError
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.asset_list.acceptance import LIST_TAKEN
from coingecko_pipeline.cli.currencies import complete_currencies
from coingecko_pipeline.cli.dates import checked_dates
from coingecko_pipeline.cli.jobs import Outcome, run_job, running, take_missing_list
from coingecko_pipeline.cli.terminal import counted, tell
from coingecko_pipeline.databases import open_warehouse
from coingecko_pipeline.settings import Settings, load_settings
from coingecko_pipeline.sources.session import utc_now

COINS_NAMED = 5
"""Coins that the last line of a command names; the UI lists more, and the table missing_coins all."""


@click.command()
@click.option("--again", is_flag=True, help="Replace an earlier snapshot of today, which was nearer to midnight.")
@click.option("--accept-list", is_flag=True, help="Take a list that lacks more than a fifth of the active coins.")
def daily(again: bool, accept_list: bool) -> None:
    """Take the list, the coins and today's snapshot, and check them: the one-shot for cron or any scheduler.

    Where the list cannot be taken, the snapshot is of the coins known, and the command ends with 1 all the same.
    """
    settings = load_settings()
    with running(settings):
        outcome = take_daily(settings, again=again, accept_list=accept_list)
    sys.exit(0 if outcome.ok else 1)


@click.command()
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The first date (UTC).")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last date, included.")
@click.option("--top", type=click.IntRange(min=1), help="Only so many coins, the largest by market cap.")
@click.option("--asset", "asset_ids", multiple=True, help="Only this coin, by its id; can be repeated.")
@click.option("--max-calls", type=click.IntRange(min=1), help="Calls to make at most, the largest coins first.")
@click.option("--fit-budget", is_flag=True, help="Do the part that the month's credits bear, where not the whole.")
def backfill(
    first: datetime,
    last: datetime,
    top: int | None,
    asset_ids: tuple[str, ...],
    max_calls: int | None,
    fit_budget: bool,
) -> None:
    """Fill past dates from charts: a call for each coin, none for what was fetched before."""
    dates = checked_dates(first, last)
    if top and asset_ids:
        raise click.UsageError("--top and --asset choose the coins in two ways; give one of them.")
    settings = load_settings()
    with running(settings):
        if not take_missing_list(settings):
            sys.exit(1)
        outcome = take_charts(settings, dates, top=top, asset_ids=asset_ids, max_calls=max_calls, fit_budget=fit_budget)
    sys.exit(0 if outcome.ok else 1)


@click.command()
@click.option("--max-calls", type=click.IntRange(min=1), help="Calls to make at most.")
def complete(max_calls: int | None) -> None:
    """Spend today's share of the month's credits on the history that is missing or only a snapshot.

    Before it the past of the currencies that CURRENCIES names.
    """
    settings = load_settings()
    ok = complete_currencies(settings)
    database = open_warehouse(settings)
    try:
        todays = plan_of_today(database, settings.plan, utc_now())
    except AcquisitionError as error:
        raise click.ClickException(str(error)) from None
    finally:
        database.dispose()
    if todays.calls:
        with running(settings):
            ok = take_charts(settings, None, max_calls=max_calls, complete_history=True).ok and ok
    else:
        tell(todays.reason)
    sys.exit(0 if ok else 1)


def take_daily(settings: Settings, *, again: bool = False, accept_list: bool = False) -> Outcome:
    """Run the daily job for today, then the checks, and tell what it stored and cost.

    Args:
        settings: What the resources are made from.
        again: Whether the values replace those of an earlier snapshot of today, which was nearer to midnight.
        accept_list: Whether to take a list that lacks more than a fifth of the active coins.
    """
    today = datetime.now(UTC).date()
    # The bound of the schedule: a run that begins just before midnight may find its date in the past.
    market: dict[str, Any] = {"max_calls": SNAPSHOT_CALLS} | ({"again": True} if again else {})
    ops = {"coingecko__daily_market": {"config": market}}
    if accept_list:
        ops["coingecko__raw_asset_list"] = {"config": {"accept_shrunken_list": True}}
    outcome = run_job("daily_market_job", settings, DateRange(today, today), ops)
    if outcome.metadata.get("raw_asset_list", {}).get(LIST_TAKEN, True):
        _tell("the list", outcome, "raw_asset_list")
    _tell(f"the snapshot of {today}", outcome, "daily_market")
    return outcome.and_then(lambda: run_job("market_checks_job", settings))


def take_charts(
    settings: Settings,
    dates: DateRange | None,
    *,
    top: int | None = None,
    asset_ids: tuple[str, ...] = (),
    max_calls: int | None = None,
    fit_budget: bool = False,
    complete_history: bool = False,
) -> Outcome:
    """Ask for the charts that some coins lack, then run the checks, and tell what was stored and what it cost.

    Args:
        settings: What the resources are made from.
        dates: The dates that are wanted; None for all that the plan serves.
        top: Only so many coins, the largest by market cap.
        asset_ids: Only these coins.
        max_calls: Calls to make at most.
        fit_budget: Whether to do the part that the month's credits bear.
        complete_history: Whether to choose the coins by what their history lacks.
    """
    config = {
        "from_date": dates.first.isoformat() if dates else None,
        "to_date": dates.last.isoformat() if dates else None,
        "asset_ids": list(asset_ids),
        "top": top,
        "max_calls": max_calls,
        "fit_budget": fit_budget,
        "complete_history": complete_history,
    }
    config = {name: value for name, value in config.items() if value}
    outcome = run_job("market_charts_job", settings, ops={"coingecko__market_charts": {"config": config}})
    _tell(f"the charts for {dates}" if dates else "the charts that were missing", outcome, "market_charts")
    return outcome.and_then(lambda: run_job("market_checks_job", settings))


def _tell(what: str, outcome: Outcome, table: str) -> None:
    facts: dict[str, Any] = dict(outcome.metadata.get(table, {}))
    if not facts:
        return
    rows = facts.get("rows_written", 0)
    cost = f"{counted(facts.get('calls', 0), 'call')} and {counted(facts.get('credits', 0), 'credit')}"
    line = f"Stored {what}: {counted(rows, 'row')} for {cost}"
    if facts.get("coins_left"):
        line += f"; {counted(facts['coins_left'], 'coin')} left for another run"
    if missing := facts.get("coins_missing"):
        named = ", ".join(facts["coins_missing_examples"][:COINS_NAMED])
        line += f"; {counted(missing, 'coin')} of the list had none: {named}{', …' if missing > COINS_NAMED else ''}"
    if survived := facts.get("failures_survived"):
        line += f"; survived {', '.join(f'{count:,} {kind}' for kind, count in survived.items())}"
    tell(f"{line}.")
