"""What docker-compose.yml runs once before the services."""

import click
from pydantic import SecretStr
from sqlalchemy.engine import URL

from coingecko_pipeline.cli.migrate import migrate_all
from coingecko_pipeline.cli.terminal import CONSOLE
from coingecko_pipeline.deployment.accounts import WAREHOUSE, create_accounts
from coingecko_pipeline.deployment.passwords import check_passwords
from coingecko_pipeline.settings import ServerSettings, load_server_settings, load_settings
from coingecko_pipeline.tables import open_database


@click.group()
def deployment() -> None:
    """What docker-compose.yml runs once before the services: first check, then set-up; and drain before an upgrade."""


@deployment.command()
def check() -> None:
    """Check the secrets and settings before anything is started."""
    check_passwords(load_server_settings().passwords)
    plan = load_settings().plan
    CONSOLE.print(f"The secrets and settings can be used; the CoinGecko plan is {plan.name}.", highlight=False)


@deployment.command("set-up")
def set_up() -> None:
    """Create the accounts, and bring the tables and Dagster's storage to this version."""
    settings = load_server_settings()
    check_passwords(settings.passwords)
    accounts = {
        name: settings.passwords[f"MYSQL_{name.upper()}_PASSWORD"]
        for name in ("pipeline", "migrator", "dagster", "reader")
    }
    create_accounts(_server(settings, settings.database_admin, settings.mysql_root_password), accounts)
    CONSOLE.print("The accounts are there: pipeline, migrator, dagster and reader.", highlight=False)
    url = _server(settings, "migrator", settings.mysql_migrator_password).set(database=WAREHOUSE)
    migrate_all(open_database(url.render_as_string(hide_password=False)))
    # Here, since Dagster takes longer to load than the check before it.
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        instance.upgrade()
    CONSOLE.print(f"Dagster's storage is at the version of Dagster {dg.__version__}.", highlight=False)


@deployment.command("drain")
@click.option("--seconds", type=click.FloatRange(min=0), default=600.0, show_default=True, help="Then runs are ended.")
def drain_command(seconds: float) -> None:
    """Wait for the runs at work, and end those that take too long; what waits in the queue stays there.

    The daemon must be stopped, so that no run is begun meanwhile. What an ended run has committed stays, and its next
    run goes on from there.
    """
    import dagster as dg

    from coingecko_pipeline.orchestration.draining import drain

    with dg.DagsterInstance.get() as instance:
        left = drain(instance, seconds, lambda line: CONSOLE.print(line, highlight=False, soft_wrap=True))
    if left:
        raise click.ClickException(f"Still at work, or lost: {', '.join(left)}. Their containers can be stopped.")
    CONSOLE.print("No run is at work.")


def _server(settings: ServerSettings, user: str, password: SecretStr) -> URL:
    return URL.create(
        "mysql+pymysql", user, password.get_secret_value(), settings.database_host, settings.database_port
    )
