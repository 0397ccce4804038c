"""What the Dagster assets work with: settings are read and checked when a run begins, never when code is loaded."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
from pydantic import Field

from coingecko_pipeline.acquisition.progress import LogProgress, Progress
from coingecko_pipeline.acquisition.shared_window import SharedWindow
from coingecko_pipeline.alerts import AlertChannel, Heartbeat
from coingecko_pipeline.databases import database_of, open_warehouse, tables_of
from coingecko_pipeline.measures import Thresholds
from coingecko_pipeline.orchestration.asked_runs import assert_same_database, patience_of
from coingecko_pipeline.orchestration.lost_runs import run_lock
from coingecko_pipeline.orchestration.source_assets import io_manager_of
from coingecko_pipeline.settings import Settings, load_alert_settings, load_settings
from coingecko_pipeline.sources import Opening, SnapshotClient, SnapshotSource, Source
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.registry import COINGECKO, SNAPSHOT_SOURCES
from coingecko_pipeline.tables import Origin, assert_origin, claim_origin
from coingecko_pipeline.warehouse import Database, MySQLIOManager


def utc_now() -> datetime:
    """The current UTC time, aware."""
    return datetime.now(UTC)


def open_coingecko(
    settings: Settings,
    database: Database,
    on_wait: Callable[[float, str], None] | None = None,
    now: Callable[[], datetime] = utc_now,
    patience: float | None = None,
) -> CoinGecko:
    """A client on the plan of the settings whose data go into the database.

    Args:
        settings: The plan and the key.
        database: Claimed for live or sandbox data by the first answer, and refused from then on to the other kind.
        on_wait: Told the seconds and the reason of each pause.
        now: The current UTC time, aware.
        patience: Seconds for which CoinGecko is tried where it is not reached; None for as long as after any failure.

    Raises:
        OriginError: The plan's host is CoinGecko's own, and the database holds sandbox data.
    """
    plan = settings.plan
    return CoinGecko(
        plan,
        settings.coingecko_api_key,
        now=now,
        on_origin=origin_guard(COINGECKO, plan.base_url, database),
        on_wait=on_wait,
        window=SharedWindow(database, plan.name),
        patience=patience,
    )


def open_snapshot_client(
    source: SnapshotSource,
    settings: Settings,
    warehouse: Database,
    now: Callable[[], datetime] = utc_now,
    on_wait: Callable[[float, str], None] | None = None,
    patience: float | None = None,
) -> SnapshotClient:
    """A client of another source, whose data go into its schema beside the warehouse.

    Args:
        source: The source.
        settings: Another address of the source, where there is one.
        warehouse: Claimed together with the schema for live or sandbox data by the first answer, and refused from then
            on to the other kind: the two sources are compared, so they must be of one kind.
        now: The current UTC time, aware.
        on_wait: Told the seconds and the reason of each wait for a source that is not reached.
        patience: Seconds for which it is tried then; None for as long as after any failure.

    Raises:
        OriginError: The host is the source's own, and the warehouse or the schema holds sandbox data.
    """
    base_url: str | None = getattr(settings, f"{source.name}_base_url", None)
    databases = (warehouse, database_of(source, warehouse))
    guard = origin_guard(source, base_url, *databases)
    return source.open(Opening(base_url, now, guard, on_wait=on_wait, patience=patience))


def origin_guard(source: Source, base_url: str | None, *databases: Database) -> Callable[[str], None]:
    """What is told of each answer's origin, so that sandbox and live data never meet.

    Args:
        source: Whose answers they are.
        base_url: Where its calls go; None for the source's own address.
        databases: Claimed for live or sandbox data by the first answer, and refused from then on to the other kind.

    Raises:
        OriginError: The host is the source's own, and a database holds sandbox data.
    """
    if base_url is None or (urlsplit(base_url).hostname or "").endswith(source.domain):
        # Whoever works on a sandbox's data and gets here has most likely left a variable out.
        advice = f"set {source.name.upper()}_BASE_URL to the sandbox's address, or DATABASE_URL to another database"
        for database in databases:
            assert_origin(database, "live", advice)
    claimed: set[str] = set()

    def claim(origin: str) -> None:
        if origin not in claimed:
            kind: Origin = "sandbox" if origin == "sandbox" else "live"
            # All are asked before one is claimed, so that a refusal changes none.
            for act in (assert_origin, claim_origin):
                for database in databases:
                    act(database, kind)
            claimed.add(origin)

    return claim


# The resources without a dependency and a field are functions: of a class without any field Dagster 1.13 asks for an
# attribute that Pydantic warns of.
@dg.resource(description="The settings, from the environment and the file .env; read and checked when a run begins.")
def environment_settings(_context: dg.InitResourceContext) -> Settings:
    """The settings, read and checked."""
    return load_settings()


@dg.resource(description="Tells how far long work is, in the run's log.")
def log_progress(context: dg.InitResourceContext) -> LogProgress:
    """Progress in the run's log, where there is a run."""
    return LogProgress(context.log or dg.get_dagster_logger())


@dg.resource(description="Posts to ALERT_WEBHOOK_URL; each evaluation of a sensor has one of its own.")
def webhook_alerts(_context: dg.InitResourceContext) -> AlertChannel:
    """A channel by the settings of alerts alone, so that another wrong one cannot keep an alert back."""
    return AlertChannel(load_alert_settings())


@dg.resource(description="Asks for HEARTBEAT_URL; each evaluation of a sensor has one of its own.")
def monitor_heartbeat(_context: dg.InitResourceContext) -> Heartbeat:
    """A heartbeat by the settings of alerts alone."""
    return Heartbeat(load_alert_settings())


@dg.resource(description="So many values that were revised within a day are told: ALERT_REVISED_VALUES.")
def revised_values(_context: dg.InitResourceContext) -> int:
    """The figure of the settings of alerts alone."""
    return load_alert_settings().alert_revised_values


class PlanResource(dg.ConfigurableResource[Plan]):
    """The CoinGecko plan that COINGECKO_PLAN and COINGECKO_API_KEY name."""

    settings: dg.ResourceDependency[Settings]

    def create_resource(self, context: dg.InitResourceContext) -> Plan:  # noqa: ARG002
        """The plan of the settings."""
        return self.settings.plan


class ReportPath(dg.ConfigurableResource[Path]):
    """The HTML file that REPORT_PATH names."""

    settings: dg.ResourceDependency[Settings]

    def create_resource(self, context: dg.InitResourceContext) -> Path:  # noqa: ARG002
        """The path of the settings."""
        return self.settings.report_path


class MeasuresMemory(dg.ConfigurableResource[int]):
    """The memory of a statement that MEASURES_MEMORY_MB names (megabytes)."""

    settings: dg.ResourceDependency[Settings]

    def create_resource(self, context: dg.InitResourceContext) -> int:  # noqa: ARG002
        """The figure of the settings."""
        return self.settings.measures_memory_mb


class FlagThresholds(dg.ConfigurableResource[Thresholds]):
    """From where on a row is odd, as the settings that begin with FLAG_ tell."""

    settings: dg.ResourceDependency[Settings]

    def create_resource(self, context: dg.InitResourceContext) -> Thresholds:  # noqa: ARG002
        """The figures of the settings."""
        settings = self.settings
        return Thresholds(
            spike_factor=settings.flag_spike_factor,
            cap_off_pct=settings.flag_cap_off_pct,
            volume_times_cap=settings.flag_volume_times_cap,
            candle_off_pct=settings.flag_candle_off_pct,
        )


class KeepPagesDays(dg.ConfigurableResource[int]):
    """The days for which pages are kept that KEEP_PAGES_DAYS names."""

    settings: dg.ResourceDependency[Settings]

    def create_resource(self, context: dg.InitResourceContext) -> int:  # noqa: ARG002
        """The figure of the settings."""
        return self.settings.keep_pages_days


class KeepEventsDays(dg.ConfigurableResource[int]):
    """The days for which Dagster's records of runs are kept that KEEP_EVENTS_DAYS names."""

    settings: dg.ResourceDependency[Settings]

    def create_resource(self, context: dg.InitResourceContext) -> int:  # noqa: ARG002
        """The figure of the settings."""
        return self.settings.keep_events_days


class LakeUri(dg.ConfigurableResource[str]):
    """Where the lake is that LAKE_URI names; empty where there is none."""

    settings: dg.ResourceDependency[Settings]

    def create_resource(self, context: dg.InitResourceContext) -> str:  # noqa: ARG002
        """The address of the settings."""
        return self.settings.lake_uri or ""


class LakeKeepDays(dg.ConfigurableResource[int]):
    """The days for which a version of the lake can be read that LAKE_KEEP_DAYS names."""

    settings: dg.ResourceDependency[Settings]

    def create_resource(self, context: dg.InitResourceContext) -> int:  # noqa: ARG002
        """The figure of the settings."""
        return self.settings.lake_keep_days


class Currencies(dg.ConfigurableResource[Sequence[str]]):
    """The currencies that CURRENCIES names."""

    settings: dg.ResourceDependency[Settings]

    def create_resource(self, context: dg.InitResourceContext) -> Sequence[str]:  # noqa: ARG002
        """The codes of the settings."""
        return self.settings.currencies


class WarehouseResource(dg.ConfigurableResource[Database]):
    """The database that DATABASE_URL names, its tables ready for use."""

    settings: dg.ResourceDependency[Settings]

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Database]:
        """Open it, and close its connections when the run ends; a run's lock is held meanwhile.

        Raises:
            WarehouseError: It cannot be reached, its tables are of another version, or the run was asked for by a
                command that works on another database.
        """
        database = self.create_resource(context)
        try:
            if context.run and context.instance:
                assert_same_database(context.run, database)
                with run_lock(database, context.instance, context.run.run_id):
                    yield database
            else:
                yield database
        finally:
            database.dispose()

    def create_resource(self, context: dg.InitResourceContext) -> Database:  # noqa: ARG002
        """Open it. A step that begins while the server restarts waits: the commands have looked before they run a job.

        Raises:
            WarehouseError: It cannot be reached, or its tables are of another version.
        """
        return open_warehouse(self.settings, known=True)


class CoinGeckoResource(dg.ConfigurableResource[CoinGecko]):
    """CoinGecko on the plan that COINGECKO_PLAN and COINGECKO_API_KEY name."""

    settings: dg.ResourceDependency[Settings]
    warehouse: dg.ResourceDependency[Database]
    progress: dg.ResourceDependency[Progress]
    now: dg.ResourceDependency[Callable[[], datetime]]

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[CoinGecko]:
        """Open a client, and close it when the run ends."""
        with closing(self.create_resource(context)) as client:
            yield client

    def create_resource(self, context: dg.InitResourceContext) -> CoinGecko:
        """Open a client.

        Raises:
            OriginError: The plan's host is CoinGecko's own, and the database holds sandbox data.
        """
        patience = patience_of(context.run)
        return open_coingecko(self.settings, self.warehouse, self.progress.pause, self.now, patience)


class SnapshotClientResource(dg.ConfigurableResource[SnapshotClient]):
    """Another source, as it is now."""

    source: str = Field(description="The source's name.")
    settings: dg.ResourceDependency[Settings]
    warehouse: dg.ResourceDependency[Database]
    progress: dg.ResourceDependency[Progress]
    now: dg.ResourceDependency[Callable[[], datetime]]

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[SnapshotClient]:
        """Open a client, and close it when the run ends."""
        with closing(self.create_resource(context)) as client:
            yield client

    def create_resource(self, context: dg.InitResourceContext) -> SnapshotClient:
        """Open a client.

        Raises:
            OriginError: The host is the source's own, and the warehouse or the schema holds sandbox data.
        """
        (source,) = (each for each in SNAPSHOT_SOURCES if each.name == self.source)
        patience = patience_of(context.run)
        return open_snapshot_client(source, self.settings, self.warehouse, self.now, self.progress.pause, patience)


class WarehouseIOManager(dg.ConfigurableIOManagerFactory[MySQLIOManager]):
    """Reads and writes the declared tables of one source, in the warehouse or in a schema beside it."""

    source: str = Field(description="The name of the source whose tables they are.")
    warehouse: dg.ResourceDependency[Database]

    def create_io_manager(self, context: dg.InitResourceContext) -> MySQLIOManager:  # noqa: ARG002
        """The IO manager of the source's database and tables.

        Raises:
            WarehouseError: The schema cannot be reached, or its tables are of another version.
        """
        (source,) = (each for each in (COINGECKO, *SNAPSHOT_SOURCES) if each.name == self.source)
        return MySQLIOManager(database_of(source, self.warehouse), tables_of(source))


def build_resources(overrides: Mapping[str, object] | None = None) -> Mapping[str, object]:
    """The resources by the names that the assets ask for.

    Args:
        overrides: Other resources in the place of those of the same name, also where others are made from them.
    """
    chosen: dict[str, Any] = {
        "settings": environment_settings,
        "now": dg.ResourceDefinition.hardcoded_resource(utc_now, "Tells the current UTC time."),
        "progress": log_progress,
        **(overrides or {}),
    }
    settings, now, progress = (chosen[name] for name in ("settings", "now", "progress"))
    # Configured at launch, so that a run has one database: a nested resource that is configured at once is made anew
    # for each one that needs it.
    warehouse = chosen.setdefault("warehouse", WarehouseResource.configure_at_launch(settings=settings))
    defaults: dict[str, object] = {
        "plan": PlanResource(settings=settings),
        "report_path": ReportPath(settings=settings),
        "measures_memory": MeasuresMemory(settings=settings),
        "flag_thresholds": FlagThresholds(settings=settings),
        "keep_pages_days": KeepPagesDays(settings=settings),
        "keep_events_days": KeepEventsDays(settings=settings),
        "currencies": Currencies(settings=settings),
        "lake_uri": LakeUri(settings=settings),
        "lake_keep_days": LakeKeepDays(settings=settings),
        "alerts": webhook_alerts,
        "heartbeat": monitor_heartbeat,
        "alert_revised_values": revised_values,
        "coingecko": CoinGeckoResource(settings=settings, warehouse=warehouse, progress=progress, now=now),
        io_manager_of(COINGECKO): WarehouseIOManager(source=COINGECKO.name, warehouse=warehouse),
    }
    for source in SNAPSHOT_SOURCES:
        defaults[source.name] = SnapshotClientResource(
            source=source.name, settings=settings, warehouse=warehouse, progress=progress, now=now
        )
        defaults[io_manager_of(source)] = WarehouseIOManager(source=source.name, warehouse=warehouse)
    return {**defaults, **chosen}
