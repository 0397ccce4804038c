"""The partitions, and what a date means.

The row of date D is the value at 00:00:00 UTC of D, and its volume is that of the 24 hours before. So partition D
exists from 00:00 UTC of D, and a close of D is the row of D+1. CoinGecko's own history has the same convention.
"""

from datetime import UTC, date, datetime

import dagster as dg

from coingecko_pipeline.sources.coingecko.plans import FIRST_DATE

DAILY = dg.DailyPartitionsDefinition(start_date=FIRST_DATE.isoformat(), end_offset=1, timezone="UTC")
"""One partition for each UTC date since CoinGecko's first one, today's included from its midnight on."""

FIRST_HOUR = datetime(2026, 1, 1, tzinfo=UTC)
"""The first hour that a partition is made of. Hours can only be taken while they last, so earlier ones would never have
rows, and Dagster bears some 100,000 partitions: these reach it in 2037."""

HOUR_FORMAT = "%Y-%m-%d-%H:%M"

HOURLY = dg.HourlyPartitionsDefinition(
    start_date=FIRST_HOUR.strftime(HOUR_FORMAT), end_offset=1, timezone="UTC", fmt=HOUR_FORMAT
)
"""One partition for each UTC hour, the one that has begun included."""

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"


def key_of(day: date) -> str:
    """The partition key of a date."""
    return day.isoformat()


def hour_of(moment: datetime) -> datetime:
    """The UTC hour that a moment (aware) lies in, as the moment at which it began."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hour_key_of(hour: datetime) -> str:
    """The partition key of an hour (UTC)."""
    return hour.strftime(HOUR_FORMAT)


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags by which one run is over a range of partitions, as Dagster's own single-run backfills have them."""
    return {RANGE_START_TAG: key_of(first), RANGE_END_TAG: key_of(last)}


def dates_of(key_range: dg.PartitionKeyRange) -> tuple[date, date]:
    """The first and the last date of a range of partition keys."""
    return date.fromisoformat(key_range.start), date.fromisoformat(key_range.end)
