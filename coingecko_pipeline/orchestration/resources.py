"""What the Dagster assets work with: settings are read and checked when a run begins, never when code is loaded."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.progress import LogProgress
from coingecko_pipeline.acquisition.shared_window import SharedWindow
from coingecko_pipeline.alerts import AlertChannel
from coingecko_pipeline.orchestration.source_assets import database_of, io_manager_of, tables_of
from coingecko_pipeline.settings import Settings, load_alert_settings, load_settings
from coingecko_pipeline.sources import Opening, SnapshotClient, SnapshotSource, Source
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.registry import COINGECKO, SNAPSHOT_SOURCES
from coingecko_pipeline.tables import Origin, assert_origin, claim_origin, prepare
from coingecko_pipeline.warehouse import Database, MySQLIOManager


def open_warehouse(settings: Settings, *, known: bool = False) -> Database:
    """The database of the settings, its tables ready for use.

    Args:
        settings: Where it is.
        known: Whether its server was reached before and is worth waiting for.

    Raises:
        WarehouseError: It cannot be reached, or its tables are of another version.
    """
    database = Database(settings.database_url.get_secret_value(), known=known)
    prepare(database)
    return database


def utc_now() -> datetime:
    """The current UTC time, aware."""
    return datetime.now(UTC)


def open_coingecko(
    settings: Settings,
    database: Database,
    on_wait: Callable[[float, str], None] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> CoinGecko:
    """A client on the plan of the settings whose data go into the database.

    Args:
        settings: The plan and the key.
        database: Claimed for live or sandbox data by the first answer, and refused from then on to the other kind.
        on_wait: Told the seconds and the reason of each pause.
        now: The current UTC time, aware.

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
    )


def open_snapshot_client(
    source: SnapshotSource, settings: Settings, warehouse: Database, now: Callable[[], datetime] = utc_now
) -> SnapshotClient:
    """A client of another source, whose data go into its schema beside the warehouse.

    Args:
        source: The source.
        settings: Another address of the source, where there is one.
        warehouse: Claimed together with the schema for live or sandbox data by the first answer, and refused from then
            on to the other kind: the two sources are compared, so they must be of one kind.
        now: The current UTC time, aware.

    Raises:
        OriginError: The host is the source's own, and the warehouse or the schema holds sandbox data.
    """
    base_url: str | None = getattr(settings, f"{source.name}_base_url", None)
    databases = (warehouse, database_of(source, warehouse))
    return source.open(Opening(base_url, now, origin_guard(source, base_url, *databases)))


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
        for database in databases:
            assert_origin(database, "live")
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


def build_resources(settings: Callable[[], Settings] = load_settings) -> Mapping[str, dg.ResourceDefinition]:
    """The resources by the names that the assets ask for.

    Args:
        settings: Read when a run begins.
    """

    @dg.resource(description="The database that DATABASE_URL names.")
    def warehouse(_context: dg.InitResourceContext) -> Iterator[Database]:
        # A step that begins while the server restarts waits for it; the commands have looked before they run a job.
        database = open_warehouse(settings(), known=True)
        try:
            yield database
        finally:
            database.dispose()

    @dg.resource(description="The CoinGecko plan that COINGECKO_PLAN and COINGECKO_API_KEY name.")
    def plan(_context: dg.InitResourceContext) -> Plan:
        return settings().plan

    @dg.resource(description="The HTML file that REPORT_PATH names.")
    def report_path(_context: dg.InitResourceContext) -> Path:
        return settings().report_path

    @dg.resource(description="The memory of a statement that MEASURES_MEMORY_MB names (megabytes).")
    def measures_memory(_context: dg.InitResourceContext) -> int:
        return settings().measures_memory_mb

    @dg.resource(description="Tells how far long work is, in the run's log.")
    def progress(context: dg.InitResourceContext) -> LogProgress:
        return LogProgress(context.log) if context.log else LogProgress(dg.get_dagster_logger())

    @dg.resource(
        required_resource_keys={"warehouse", "progress", "now"},
        description="CoinGecko on the plan that COINGECKO_PLAN and COINGECKO_API_KEY name.",
    )
    def coingecko(context: dg.InitResourceContext) -> Iterator[CoinGecko]:
        resources = context.resources
        client = open_coingecko(settings(), resources.warehouse, resources.progress.pause, resources.now)
        try:
            yield client
        finally:
            client.close()

    @dg.io_manager(
        required_resource_keys={"warehouse"}, description="Reads and writes the declared tables of the warehouse."
    )
    def warehouse_io_manager(context: dg.InitResourceContext) -> MySQLIOManager:
        return MySQLIOManager(context.resources.warehouse, tables.metadata)

    @dg.resource(description="Posts to ALERT_WEBHOOK_URL; each evaluation of a sensor has one of its own.")
    def alerts(_context: dg.InitResourceContext) -> AlertChannel:
        return AlertChannel(load_alert_settings())

    others: dict[str, dg.ResourceDefinition] = {}
    for source in SNAPSHOT_SOURCES:
        others[source.name] = _client_of(source, settings)
        others[io_manager_of(source)] = _io_manager_of(source)

    return {
        **others,
        "now": dg.ResourceDefinition.hardcoded_resource(utc_now, "Tells the current UTC time."),
        "warehouse": warehouse,
        "plan": plan,
        "report_path": report_path,
        "measures_memory": measures_memory,
        "progress": progress,
        "coingecko": coingecko,
        "alerts": alerts,
        "warehouse_io_manager": warehouse_io_manager,
    }


def _client_of(source: SnapshotSource, settings: Callable[[], Settings]) -> dg.ResourceDefinition:
    @dg.resource(required_resource_keys={"warehouse", "now"}, description=f"{source.title}, as it is now.")
    def client(context: dg.InitResourceContext) -> Iterator[SnapshotClient]:
        resources = context.resources
        opened = open_snapshot_client(source, settings(), resources.warehouse, resources.now)
        try:
            yield opened
        finally:
            opened.close()

    return client


def _io_manager_of(source: Source) -> dg.ResourceDefinition:
    @dg.io_manager(
        required_resource_keys={"warehouse"},
        description=f"Reads and writes the tables of {source.title}, in a schema beside the warehouse.",
    )
    def io_manager(context: dg.InitResourceContext) -> MySQLIOManager:
        return MySQLIOManager(database_of(source, context.resources.warehouse), tables_of(source))

    return io_manager
