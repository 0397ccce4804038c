"""Which tables are expected by when: Dagster's freshness policies, and what is late of what is turned on.

Dagster takes a policy when the code is loaded; whether a source's schedule or HOURLY_TOP is on is known later. So the
main source's daily tables have policies, and the others are expected here alone, where they are on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import dagster as dg

from coingecko_pipeline.orchestration.source_assets import key_in
from coingecko_pipeline.orchestration.ticks import is_turned_on
from coingecko_pipeline.sources import Source
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.registry import COINGECKO, SNAPSHOT_SOURCES


@dataclass(frozen=True)
class WithinTime:
    """At least once within some time.

    Attributes:
        late: After so long it is late.
        warn: After so long the UI warns.
    """

    late: timedelta
    warn: timedelta

    @property
    def policy(self) -> dg.FreshnessPolicy:
        """The same for Dagster."""
        return dg.FreshnessPolicy.time_window(fail_window=self.late, warn_window=self.warn)

    def is_late(self, made_at: datetime, now: datetime) -> bool:
        """Whether what was made last at a moment is late now."""
        return now - made_at >= self.late


@dataclass(frozen=True)
class DailyBy:
    """Every day between midnight UTC and an hour.

    Attributes:
        hour: From this hour on it is late.
    """

    hour: int

    @property
    def policy(self) -> dg.FreshnessPolicy:
        """The same for Dagster."""
        return dg.FreshnessPolicy.cron(f"0 {self.hour} * * *", lower_bound_delta=timedelta(hours=self.hour))

    def is_late(self, made_at: datetime, now: datetime) -> bool:
        """Whether what was made last at a moment is late now."""
        day = (now - timedelta(hours=self.hour)).date()
        return made_at < datetime.combine(day, time(), UTC)


Expected = WithinTime | DailyBy

A_DAY = WithinTime(late=timedelta(hours=49), warn=timedelta(hours=25))
OF_EVERY_SOURCE: Mapping[str, Expected] = {"raw_asset_list": A_DAY, "assets": A_DAY, "daily_market": DailyBy(hour=1)}
OF_COINGECKO: Mapping[str, Expected] = {**OF_EVERY_SOURCE, "fx_rates": A_DAY}
HOURLY = WithinTime(late=timedelta(hours=3), warn=timedelta(minutes=90))


def policy_of(source: Source, table: str) -> dg.FreshnessPolicy | None:
    """Dagster's policy of a table that is expected whatever is turned on; None for others."""
    return OF_COINGECKO[table].policy if source is COINGECKO else None


def expected_tables(instance: dg.DagsterInstance, plan: Plan) -> Mapping[dg.AssetKey, Expected]:
    """What is expected now: another source's tables where its schedule is on, the hours where HOURLY_TOP is set.

    Args:
        instance: Where the schedules' states are.
        plan: The CoinGecko plan of the settings.
    """
    expected = {key_in(COINGECKO, table): when for table, when in OF_COINGECKO.items()}
    if plan.hourly_top:
        expected[key_in(COINGECKO, "hourly_market")] = HOURLY
    for source in SNAPSHOT_SOURCES:
        if is_turned_on(instance, f"{source.name}_daily_schedule"):
            expected |= {key_in(source, table): when for table, when in OF_EVERY_SOURCE.items()}
    return expected


@dataclass(frozen=True)
class Late:
    """A table that is late.

    Attributes:
        asset: Its key.
        made_at: When it was made last (UTC).
    """

    asset: dg.AssetKey
    made_at: datetime


def late_tables(instance: dg.DagsterInstance, plan: Plan, now: datetime) -> Sequence[Late]:
    """What is late; what never was made is not, since nobody has asked for it yet.

    Args:
        instance: Where the materializations are.
        plan: The CoinGecko plan of the settings.
        now: The current UTC time, aware.
    """
    found = []
    for asset, when in expected_tables(instance, plan).items():
        event = instance.get_latest_materialization_event(asset)
        if event and when.is_late(made_at := datetime.fromtimestamp(event.timestamp, UTC), now):
            found.append(Late(asset, made_at))
    return found
