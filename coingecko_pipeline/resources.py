"""What the Dagster assets work with: settings are read and checked when a run begins, never when code is loaded."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg

from coingecko_pipeline.acquisition.progress import LogProgress
from coingecko_pipeline.acquisition.shared_window import SharedWindow
from coingecko_pipeline.alerts import AlertChannel
from coingecko_pipeline.coingecko import CoinGecko
from coingecko_pipeline.coingecko.plans import Plan
from coingecko_pipeline.settings import Settings, load_alert_settings, load_settings
from coingecko_pipeline.warehouse import Database, MySQLIOManager, assert_origin, claim_origin, prepare, tables


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
    if (urlsplit(plan.base_url).hostname or "").endswith("coingecko.com"):
        assert_origin(database, "live")
    claimed: set[str] = set()

    def claim(origin: str) -> None:
        if origin not in claimed:
            claim_origin(database, "sandbox" if origin == "sandbox" else "live")
            claimed.add(origin)

    return CoinGecko(
        plan,
        settings.coingecko_api_key,
        now=now,
        on_origin=claim,
        on_wait=on_wait,
        window=SharedWindow(database, plan.name),
    )


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

    return {
        "now": dg.ResourceDefinition.hardcoded_resource(utc_now, "Tells the current UTC time."),
        "warehouse": warehouse,
        "plan": plan,
        "report_path": report_path,
        "progress": progress,
        "coingecko": coingecko,
        "alerts": alerts,
        "warehouse_io_manager": warehouse_io_manager,
    }
