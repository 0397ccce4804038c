"""Checks of the daily market, the same for every source, each over the partitions of the run that it belongs to."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache

import dagster as dg
from sqlalchemy import func, or_, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.daily import COINS_ASKED
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.market.lifetimes import living_by_date, read_lifetimes
from coingecko_pipeline.orchestration.source_assets import database_of, key_in
from coingecko_pipeline.partitions import dates_of, key_of
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.warehouse import Database

DAILY_MARKET = key_in(COINGECKO, "daily_market")

ENOUGH_COVERAGE = 0.95
LEAST_COVERAGE = 0.5
TIMELY_MINUTES = 30
"""A snapshot read later than this is no longer near the midnight that its row stands for."""
LATE = "A backfill of the date brings the exact values of 00:00 UTC from charts."
JUMP_FACTOR = 100
EXAMPLES = 20


@cache
def market_checks(source: Source) -> tuple[dg.AssetChecksDefinition, ...]:
    """The checks of a source's daily market: signs, coverage, the snapshot's time, and jumps."""
    daily_market = key_in(source, "daily_market")

    @dg.asset_check(asset=daily_market, blocking=True)
    def prices_are_not_negative(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Database]
    ) -> dg.AssetCheckResult:
        """No price, volume or market cap of these dates is below 0."""
        market = tables.daily_market
        first, last = dates_of(context.partition_key_range)
        negative = or_(market.c.price_usd < 0, market.c.volume_24h_usd < 0, market.c.market_cap_usd < 0)
        query = select(market.c.date, market.c.asset_id).where(market.c.date.between(first, last), negative)
        rows = database_of(source, warehouse).run_reading(lambda connection: connection.execute(query).all())
        return dg.AssetCheckResult(
            passed=not rows,
            metadata={
                "negative_rows": len(rows),
                "examples": dg.MetadataValue.json([f"{row.asset_id} on {row.date}" for row in rows[:EXAMPLES]]),
            },
        )

    @dg.asset_check(asset=daily_market)
    def the_day_covers_the_active_assets(
        context: dg.AssetCheckExecutionContext,
        warehouse: dg.ResourceParam[Database],
        now: dg.ResourceParam[Callable[[], datetime]],
    ) -> dg.AssetCheckResult:
        """Nearly every coin has a row: warns below 95 %, fails below 50 %; a range is judged by its worst date.

        Today is compared with the active coins of the latest list, or with those that its run was asked for where the
        config chose some; an earlier date with the coins that have rows both on or before it and on or after it.
        """
        first, last = dates_of(context.partition_key_range)
        moment = now()
        today = moment.date()
        expected, present = coverage_by_date(database_of(source, warehouse), first, last, today)
        if last == today and (asked := coins_asked(context.instance, daily_market, key_of(today))) is not None:
            expected[today] = min(asked, expected[today])
        if today > latest_complete_date(moment) and not present.get(today):
            # Charts do not hold today's point yet, and no snapshot was taken.
            expected[today] = 0
        shares = {day: min(1.0, present[day] / expected[day]) if expected[day] else 1.0 for day in present}
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

    @dg.asset_check(asset=daily_market)
    def the_snapshot_was_timely(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Database]
    ) -> dg.AssetCheckResult:
        """The newest value of a date's snapshot rows is at most 30 minutes off midnight UTC; chart rows are exact."""
        market = tables.daily_market
        first, last = dates_of(context.partition_key_range)
        query = (
            select(market.c.date, func.max(market.c.observed_at).label("read_at"), func.count().label("coins"))
            .where(market.c.date.between(first, last), market.c.source == tables.SNAPSHOT)
            .group_by(market.c.date)
        )
        rows = database_of(source, warehouse).run_reading(lambda connection: connection.execute(query).all())
        minutes = {
            row.date: (row.read_at - datetime.combine(row.date, datetime.min.time(), UTC)).total_seconds() / 60
            for row in rows
            if row.read_at
        }
        if not minutes:
            return dg.AssetCheckResult(passed=True, metadata={"snapshot_rows": 0}, description="All rows are exact.")
        latest = max(minutes, key=lambda day: abs(minutes[day]))
        timely = abs(minutes[latest]) <= TIMELY_MINUTES
        return dg.AssetCheckResult(
            passed=timely,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "minutes_after_midnight": round(minutes[latest], 1),
                "date": latest.isoformat(),
                "snapshot_rows": sum(row.coins for row in rows),
            },
            description="" if timely or source is not COINGECKO else LATE,
        )

    @dg.asset_check(asset=daily_market)
    def no_price_jumped_a_hundredfold(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Database]
    ) -> dg.AssetCheckResult:
        """No coin's price is more than 100 times, or less than a hundredth, of the day before; else they are listed.

        Real coins do this after a redenomination or with next to no trading, so it warns and changes nothing.
        """
        market = tables.daily_market
        first, last = dates_of(context.partition_key_range)
        price_before = func.lag(market.c.price_usd).over(partition_by=market.c.asset_id, order_by=market.c.date)
        date_before = func.lag(market.c.date, type_=market.c.date.type).over(
            partition_by=market.c.asset_id, order_by=market.c.date
        )
        pairs = (
            select(
                market.c.asset_id,
                market.c.date,
                market.c.price_usd,
                price_before.label("price_before"),
                date_before.label("date_before"),
            )
            .where(market.c.date.between(first - timedelta(days=1), last), market.c.price_usd > 0)
            .subquery()
        )
        now, before = pairs.c.price_usd, pairs.c.price_before
        query = select(pairs).where(or_(now > before * JUMP_FACTOR, before > now * JUMP_FACTOR)).order_by(pairs.c.date)
        rows = database_of(source, warehouse).run_reading(lambda connection: connection.execute(query).all())
        # Over a gap of days a price may have moved that far without a jump.
        jumps = [row for row in rows if row.date - row.date_before == timedelta(days=1)]
        lines = ["| coin | date | price before (USD) | price (USD) |", "|---|---|---:|---:|"]
        lines += [
            f"| {row.asset_id} | {row.date} | {row.price_before:.6g} | {row.price_usd:.6g} |"
            for row in jumps[:EXAMPLES]
        ]
        return dg.AssetCheckResult(
            passed=not jumps,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "jumps": len(jumps),
                "examples": dg.MetadataValue.md("\n".join(lines) if jumps else "none"),
            },
        )

    return (
        prices_are_not_negative,
        the_day_covers_the_active_assets,
        the_snapshot_was_timely,
        no_price_jumped_a_hundredfold,
    )


def coins_asked(instance: dg.DagsterInstance, asset: dg.AssetKey, partition: str) -> int | None:
    """How many coins the latest materialization of a partition was asked for; None where it does not say."""
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[partition])
    for record in instance.fetch_materializations(wanted, limit=1).records:
        materialization = record.asset_materialization
        said = materialization.metadata.get(COINS_ASKED) if materialization else None
        return said.value if said is not None and isinstance(said.value, int) else None
    return None


def coverage_by_date(
    warehouse: Database, first: date, last: date, today: date
) -> tuple[dict[date, int], dict[date, int]]:
    """For each date of a range: how many coins should have a row, and how many have one."""
    market, assets = tables.daily_market, tables.assets
    rows = select(market.c.date, func.count()).where(market.c.date.between(first, last)).group_by(market.c.date)
    active = select(func.count()).select_from(assets).where(assets.c.is_active)
    lifetimes = read_lifetimes(warehouse)
    with warehouse.connect() as connection:
        counted = {row.date: row[1] for row in connection.execute(rows)}
        active_now = connection.execute(active).scalar_one()
    expected = {
        day: active_now if day >= today else len(living)
        for day, living in living_by_date(lifetimes, DateRange(first, last))
    }
    return expected, {day: counted.get(day, 0) for day in expected}
