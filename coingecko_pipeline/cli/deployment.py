"""What the services of docker-compose.yml run."""

import os

import click
import dagster as dg
from docker.errors import DockerException
from pydantic import SecretStr
from sqlalchemy.engine import URL

from coingecko_pipeline.cli.terminal import CONSOLE
from coingecko_pipeline.deployment.accounts import WAREHOUSE, create_accounts
from coingecko_pipeline.deployment.docker_gate import DOCKER_SOCKET, serve
from coingecko_pipeline.deployment.passwords import check_passwords
from coingecko_pipeline.settings import ServerSettings, SettingsError, load_server_settings, load_settings
from coingecko_pipeline.warehouse import Database, migrate


@click.group()
def deployment() -> None:
    """What the services of docker-compose.yml run, in the order in which it starts them."""


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
    database = Database(url.render_as_string(hide_password=False))
    revision = migrate(database)
    database.dispose()
    CONSOLE.print(f"The tables are at version {revision}.", highlight=False)
    with dg.DagsterInstance.get() as instance:
        instance.upgrade()
    CONSOLE.print(f"Dagster's storage is at the version of Dagster {dg.__version__}.", highlight=False)


@deployment.command("docker-gate")
def docker_gate() -> None:
    """Let a run's container through to Docker, and nothing else; RUN_IMAGE and RUN_NETWORK say which."""
    missing = [name for name in ("RUN_IMAGE", "RUN_NETWORK") if not os.environ.get(name)]
    if missing:
        raise SettingsError(f"{' and '.join(missing)} must say which containers may be launched.")
    volumes = frozenset(os.environ.get("RUN_VOLUMES", "").split())
    try:
        serve(os.environ["RUN_IMAGE"], os.environ["RUN_NETWORK"], volumes)
    except DockerException as error:
        raise click.ClickException(
            f"Docker does not answer at {DOCKER_SOCKET} ({error}). The socket's group must be DOCKER_GID in .env: "
            "`make secrets` finds it out; or do without Docker for the runs, see docs/operations.md."
        ) from None


def _server(settings: ServerSettings, user: str, password: SecretStr) -> URL:
    return URL.create(
        "mysql+pymysql", user, password.get_secret_value(), settings.database_host, settings.database_port
    )
