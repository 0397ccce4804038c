"""The partitions, and what a date means.

The row of date D is the value at 00:00:00 UTC of D, and its volume is that of the 24 hours before. So partition D
exists from 00:00 UTC of D, and a close of D is the row of D+1. CoinGecko's own history has the same convention.
"""

from datetime import date

import dagster as dg

from coingecko_pipeline.coingecko.plans import FIRST_DATE

DAILY = dg.DailyPartitionsDefinition(start_date=FIRST_DATE.isoformat(), end_offset=1, timezone="UTC")
"""One partition for each UTC date since CoinGecko's first one, today's included from its midnight on."""


RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"


def key_of(day: date) -> str:
    """The partition key of a date."""
    return day.isoformat()


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags by which one run is over a range of partitions, as Dagster's own single-run backfills have them."""
    return {RANGE_START_TAG: key_of(first), RANGE_END_TAG: key_of(last)}


def dates_of(key_range: dg.PartitionKeyRange) -> tuple[date, date]:
    """The first and the last date of a range of partition keys."""
    return date.fromisoformat(key_range.start), date.fromisoformat(key_range.end)
