"""Checks of the daily market beside the archive of charts: what is missing, what was lost, what was revised."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import dagster as dg

from coingecko_pipeline.acquisition.universe import count_active
from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.market.gaps import DayOfGaps, read_gaps
from coingecko_pipeline.market.missing import UNKNOWN, missing_on
from coingecko_pipeline.market.revisions import read_revisions
from coingecko_pipeline.market.verify import coins_with_lost_rows, count_unwritten, dates_of_the_day
from coingecko_pipeline.orchestration.checks.market import (
    EXAMPLES,
    coins_asked,
    has_snapshot,
    latest_dates,
    nothing_stored,
)
from coingecko_pipeline.orchestration.source_assets import DAILY_MARKET
from coingecko_pipeline.partitions import key_of
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.markdown import LEFT, RIGHT, markdown_table

DATES_SHOWN = 20
REVISED_WITHIN = timedelta(days=7)
"""How long a revision is told by the check: the table keeps it for ever."""


def no_date_is_missing_between_a_coins_first_and_last_day(warehouse: Database) -> dg.AssetCheckResult:
    """Every coin has a row for every one of the latest 31 dates that lies between two of its rows, or that a chart has.

    A missing date that an answer has spoken for is CoinGecko's own gap: it has no value then. These are counted and do
    not warn. What `gaps_in_archive` counts costs no call: the next completion, or a backfill of the dates, writes it.
    """
    window = latest_dates(warehouse)
    if window is None:
        return nothing_stored()
    gaps = read_gaps(warehouse, read_coverage(warehouse), window)
    missing = sum(gap.coins for gap in gaps.to_fill)
    return dg.AssetCheckResult(
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "dates": str(window),
            "gaps_to_fill": missing,
            "gaps_in_archive": gaps.archived,
            "dates_to_fill": len(gaps.to_fill),
            "gaps_of_coingecko": sum(gap.coins for gap in gaps.of_coingecko),
            "examples": dg.MetadataValue.md(show_latest(gaps.to_fill)),
            "examples_of_coingecko": dg.MetadataValue.md(show_latest(gaps.of_coingecko)),
        },
        description="The schedule history_completion_schedule fills what is missing on its own; a backfill of the "
        "dates fills it at once."
        if missing
        else "",
    )


def every_archived_value_has_its_row(warehouse: Database, now: Callable[[], datetime]) -> dg.AssetCheckResult:
    """Each date that an archived chart has a value of has its row: of as many dates as two million values are of.

    Where more are stored, each day another part of the dates has its turn. The next completion writes what is missing
    without a call; `coingecko-pipeline verify --repair` does so at once, and compares the values too.
    """
    coverage = read_coverage(warehouse)
    dates = dates_of_the_day(coverage, now().date())
    lost = coins_with_lost_rows(warehouse, coverage, dates) if dates else []
    unwritten = count_unwritten(warehouse)
    return dg.AssetCheckResult(
        passed=not lost and not unwritten,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "dates": str(dates) if dates else "none",
            "coins_with_lost_rows": len(lost),
            "answers_to_write": unwritten,
            "examples": dg.MetadataValue.json(lost[:EXAMPLES]),
        },
    )


def every_coin_of_the_list_has_a_row_or_a_reason(
    context: dg.AssetCheckExecutionContext, warehouse: Database
) -> dg.AssetCheckResult:
    """Every active coin has a row on the latest date with a snapshot of all coins, or it is known why it has none.

    The reasons: `not_served`, the markets did not have it, also when it was asked for by its id; `not_asked`, no call
    was left for it; `too_late`, its page would have been one of the next day; `listed_later`, it came with a list after
    the snapshot. The table `missing_coins` has them by date.
    """
    window = latest_dates(warehouse)
    if window is None:
        return nothing_stored()
    asked = coins_asked(context.instance, DAILY_MARKET, key_of(window.last))
    if not has_snapshot(warehouse, window.last) or (asked is not None and asked < count_active(warehouse)):
        return dg.AssetCheckResult(passed=True, description=f"There is no snapshot of all coins of {window.last}.")
    missing = missing_on(warehouse, window.last)
    unknown = missing.get(UNKNOWN, [])
    return dg.AssetCheckResult(
        passed=not unknown,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "date": window.last.isoformat(),
            "coins_without_a_row": sum(map(len, missing.values())),
            **{reason: len(coins) for reason, coins in missing.items()},
            "examples": dg.MetadataValue.json(list(unknown[:EXAMPLES])),
        },
        description="Materialize the latest partition of coingecko/daily_market again: what is there stays."
        if unknown
        else "",
    )


def coingecko_revised_no_day_that_was_over(warehouse: Database, now: Callable[[], datetime]) -> dg.AssetCheckResult:
    """In the last seven days no chart had another value than an earlier one of a day that was over; else they are told.

    The new value is in `daily_market`, the old one in `market_revisions`, and the derived tables follow by themselves.
    """
    revisions = read_revisions(warehouse, since=now() - REVISED_WITHIN, limit=EXAMPLES)
    shown = markdown_table(
        {"coin": LEFT, "values revised": RIGHT, "from": LEFT, "to": LEFT},
        ((coin.asset_id, f"{coin.values:,}", coin.first, coin.last) for coin in revisions.coins),
    )
    return dg.AssetCheckResult(
        passed=not revisions.values,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "values_revised": revisions.values,
            "examples": dg.MetadataValue.md(shown if revisions.values else "none"),
        },
    )


ARCHIVE_CHECKS = (
    no_date_is_missing_between_a_coins_first_and_last_day,
    every_archived_value_has_its_row,
    every_coin_of_the_list_has_a_row_or_a_reason,
    coingecko_revised_no_day_that_was_over,
)


def show_latest(days: Sequence[DayOfGaps]) -> str:
    """The latest dates with gaps, the latest first, as a Markdown table."""
    if not days:
        return "none"
    shown = markdown_table(
        {"date": LEFT, "coins missing": RIGHT, "the first of them": LEFT},
        (
            (
                gap.day,
                f"{gap.coins:,}",
                ", ".join([*gap.first_coins, *(["…"] if gap.coins > len(gap.first_coins) else [])]),
            )
            for gap in reversed(days[-DATES_SHOWN:])
        ),
    )
    if len(days) > DATES_SHOWN:
        shown += f"\n\nDates with gaps before these: {len(days) - DATES_SHOWN:,}."
    return shown
