"""Checks of the daily market, the same for every source: of the latest dates, whatever run changed them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache

import dagster as dg
from sqlalchemy import exists, func, or_, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.history import COINS_ASKED
from coingecko_pipeline.acquisition.universe import count_active
from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.databases import database_of
from coingecko_pipeline.market.gaps import read_gaps
from coingecko_pipeline.orchestration.checks.in_one_step import Check
from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.partitions import key_of
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.markdown import LEFT, RIGHT, markdown_table

WINDOW_DAYS = 31
"""Dates that a check looks at, the latest one included: a month, so that a day on which the machine was off is seen for
as long, and no more, so that its cost does not grow with what is stored."""
ENOUGH_COVERAGE = 0.95
LEAST_COVERAGE = 0.5
TIMELY_MINUTES = 30
"""A snapshot read later than this is no longer near the midnight that its row stands for."""
LATE = "The completion brings the exact values of 00:00 UTC from charts; a backfill of the date does at once."
JUMP_FACTOR = 100
EXAMPLES = 20


@cache
def market_checks(source: Source) -> tuple[Check, ...]:
    """The checks of a source's daily market: signs, coverage, the snapshot's time, and jumps."""

    def no_value_is_negative(warehouse: Database) -> dg.AssetCheckResult:
        """No price, volume or market cap of the latest 31 dates is below 0: what is received so is stored as NULL."""
        database, market = database_of(source, warehouse), tables.daily_market
        window = latest_dates(database)
        if window is None:
            return nothing_stored()
        negative = or_(market.c.price_usd < 0, market.c.volume_24h_usd < 0, market.c.market_cap_usd < 0)
        query = select(market.c.date, market.c.asset_id).where(
            market.c.date.between(window.first, window.last), negative
        )
        rows = database.run_reading(lambda connection: connection.execute(query).all())
        return dg.AssetCheckResult(
            passed=not rows,
            metadata={
                "dates": str(window),
                "negative_rows": len(rows),
                "examples": dg.MetadataValue.json([f"{row.asset_id} on {row.date}" for row in rows[:EXAMPLES]]),
            },
        )

    def the_day_covers_the_active_assets(
        context: dg.AssetCheckExecutionContext,
        warehouse: Database,
        now: Callable[[], datetime],
    ) -> dg.AssetCheckResult:
        """Nearly every coin has a row on each of the latest 31 dates: warns below 95 %, fails below 50 %.

        Today is compared with the active coins of the latest list, or with those that its run was asked for where the
        config chose some, once anybody has asked for today; an earlier date with the coins that the archive has a value
        of, and with those that have rows both before and after it. A date that CoinGecko has no value for is not
        expected.
        """
        database = database_of(source, warehouse)
        window = latest_dates(database)
        if window is None:
            return nothing_stored()
        gaps = read_gaps(database, read_coverage(database) if source is COINGECKO else {}, window)
        expected, present = gaps.expected, gaps.present
        today = now().date()
        if window.last == today:
            asked = coins_asked(context.instance, key_in(source, "daily_market"), key_of(today))
            active = count_active(database)
            if asked is not None:
                expected[today] = max(present[today], min(asked, active))
            elif has_snapshot(database, today):
                expected[today] = max(present[today], active)
            else:
                # The charts of some coins brought today's point along, and nobody asked for today.
                expected[today] = present[today]
        shares = {day: present[day] / expected[day] if expected[day] else 1.0 for day in present}
        worst = min(shares, key=lambda day: shares[day])
        share = shares[worst]
        return dg.AssetCheckResult(
            passed=share >= ENOUGH_COVERAGE,
            severity=dg.AssetCheckSeverity.WARN if share >= LEAST_COVERAGE else dg.AssetCheckSeverity.ERROR,
            metadata={
                "share": share,
                "date": worst.isoformat(),
                "coins_expected": expected[worst],
                "coins_present": present[worst],
            },
        )

    def the_snapshot_was_timely(warehouse: Database) -> dg.AssetCheckResult:
        """The newest value of the latest date's snapshot rows is at most 30 minutes off midnight UTC."""
        database, market = database_of(source, warehouse), tables.daily_market
        window = latest_dates(database)
        if window is None:
            return nothing_stored()
        query = select(func.max(market.c.observed_at), func.count()).where(
            market.c.date == window.last, market.c.source == tables.SNAPSHOT
        )
        read_at, coins = database.run_reading(lambda connection: connection.execute(query).one())
        if read_at is None:
            return dg.AssetCheckResult(
                passed=True, metadata={"snapshot_rows": coins}, description="All rows of the latest date are exact."
            )
        minutes = (read_at - datetime.combine(window.last, datetime.min.time(), UTC)).total_seconds() / 60
        timely = abs(minutes) <= TIMELY_MINUTES
        return dg.AssetCheckResult(
            passed=timely,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "minutes_after_midnight": round(minutes, 1),
                "date": window.last.isoformat(),
                "snapshot_rows": coins,
            },
            description="" if timely or source is not COINGECKO else LATE,
        )

    def no_price_jumped_a_hundredfold(warehouse: Database) -> dg.AssetCheckResult:
        """No coin's price of the latest date is 100 times, or a hundredth, of the day before; else they are listed.

        Real coins do this after a redenomination or with next to no trading, so it warns and changes nothing.
        """
        database = database_of(source, warehouse)
        market, before = tables.daily_market, tables.daily_market.alias("before")
        window = latest_dates(database)
        if window is None:
            return nothing_stored()
        now_usd, before_usd = market.c.price_usd, before.c.price_usd
        query = (
            select(market.c.asset_id, now_usd, before_usd.label("price_before"))
            .join(before, before.c.asset_id == market.c.asset_id)
            .where(
                market.c.date == window.last,
                before.c.date == window.last - timedelta(days=1),
                now_usd > 0,
                before_usd > 0,
                or_(now_usd > before_usd * JUMP_FACTOR, before_usd > now_usd * JUMP_FACTOR),
            )
            .order_by(market.c.asset_id)
        )
        jumps = database.run_reading(lambda connection: connection.execute(query).all())
        shown = markdown_table(
            {"coin": LEFT, "price before (USD)": RIGHT, "price (USD)": RIGHT},
            ((row.asset_id, f"{row.price_before:.6g}", f"{row.price_usd:.6g}") for row in jumps[:EXAMPLES]),
        )
        return dg.AssetCheckResult(
            passed=not jumps,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "date": window.last.isoformat(),
                "jumps": len(jumps),
                "examples": dg.MetadataValue.md(shown if jumps else "none"),
            },
        )

    return (
        no_value_is_negative,
        the_day_covers_the_active_assets,
        the_snapshot_was_timely,
        no_price_jumped_a_hundredfold,
    )


def latest_dates(database: Database) -> DateRange | None:
    """The latest `WINDOW_DAYS` dates up to the last that has rows; None where none has."""
    market = tables.daily_market
    first, last = database.run_reading(
        lambda connection: [connection.scalar(select(pick(market.c.date))) for pick in (func.min, func.max)]
    )
    if first is None or last is None:
        return None
    return DateRange(max(first, last - timedelta(days=WINDOW_DAYS - 1)), last)


def has_snapshot(database: Database, day: date) -> bool:
    """Whether a date has a row that was read from the current market."""
    market = tables.daily_market
    query = select(exists().where(market.c.date == day, market.c.source != tables.CHART))
    return bool(database.run_reading(lambda connection: connection.scalar(query)))


def nothing_stored() -> dg.AssetCheckResult:
    """The result of a check where there is nothing to look at yet."""
    return dg.AssetCheckResult(passed=True, description="There are no rows yet.")


def coins_asked(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str) -> int | None:
    """How many coins the latest materialization of a partition was asked for; None where it does not say."""
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[partition])
    for record in instance.fetch_materializations(wanted, limit=1).records:
        materialization = record.asset_materialization
        said = materialization.metadata.get(COINS_ASKED) if materialization else None
        return said.value if said is not None and isinstance(said.value, int) else None
    return None
