"""The deployment as a user brings it up, from a copy of the checkout's files, with ports and a network of its own."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pymysql

from coingecko_pipeline_tests.deployment.checkout import PROJECT
from coingecko_pipeline_tests.deployment.graphql import Webserver

FILES = (
    *("docker", "coingecko_pipeline", "docker-compose.yml", "Makefile", ".dockerignore", ".env.example"),
    *("pyproject.toml", "requirements.lock", "requirements-build.lock", "README.md", "LICENSE", "CHANGELOG.md"),
    *("dagster.yaml", "workspace.yaml"),
)
# Slow enough to be killed in the middle of a backfill, small enough to be quick all the same.
SLOW_SANDBOX = """
services:
  sandbox:
    command: [sandbox, --host, 0.0.0.0, --plan, analyst, --coins, "2000", --latency-ms, "1000"]
"""
COMMAND_SECONDS = 600
OURS = (
    *("COINGECKO_", "COINPAPRIKA_", "DATABASE_", "MYSQL_", "DAGSTER_", "COMPOSE_"),
    *("RUN_", "PIPELINE_", "WEBSERVER_", "REPORT_", "DOCKER_GID"),
    # A make inside of make tells more than it is asked.
    *("MAKE", "MFLAGS"),
)


def free_port() -> int:
    """A port of this machine that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """A deployment by its name.

    Args:
        name: Of the compose project and the network.
        folder: An empty folder for the files.
        settings: Lines of .env.
    """

    def __init__(self, name: str, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.name, self.folder = name, folder
        for file in FILES:
            source = PROJECT / file
            if source.is_dir():
                shutil.copytree(source, folder / file, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, folder / file)
        (folder / "slow-sandbox.yml").write_text(SLOW_SANDBOX, encoding="utf-8")
        self.write_settings(
            {
                "COMPOSE_PROJECT_NAME": name,
                "COMPOSE_FILE": "docker-compose.yml:slow-sandbox.yml",
                "RUN_NETWORK": name,
                "WEBSERVER_PORT": str(free_port()),
                "MYSQL_PORT": str(free_port()),
                "REPORT_PORT": str(free_port()),
                **(settings or {}),
            }
        )

    def write_settings(self, changes: Mapping[str, str]) -> None:
        """Change lines of .env."""
        path = self.folder / ".env"
        settings = {**(self.settings if path.exists() else {}), **changes}
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")

    @property
    def settings(self) -> dict[str, str]:
        """What .env says."""
        lines = (self.folder / ".env").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    @property
    def passwords(self) -> list[str]:
        """Every password of .env."""
        return [value for name, value in self.settings.items() if name.endswith("_PASSWORD")]

    @property
    def webserver(self) -> Webserver:
        """Its webserver."""
        return Webserver(f"http://127.0.0.1:{self.settings['WEBSERVER_PORT']}")

    def call(self, *command: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program in the folder, with nothing of the deployment's in its environment but .env."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0 or not ok, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done

    def compose(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run docker compose with the sandbox's profile."""
        return self.call("docker", "compose", "--profile", "sandbox", *arguments, ok=ok)

    def up(self) -> None:
        """Start what does not run, and wait until it is usable."""
        self.compose("up", "--detach", "--wait")

    def containers(self) -> Sequence[dict[str, Any]]:
        """What Docker says of each running container on its network, the runs' included."""
        ids = self.call("docker", "ps", "--quiet", "--filter", f"network={self.name}").stdout.split()
        found: list[dict[str, Any]] = json.loads(self.call("docker", "inspect", *ids).stdout) if ids else []
        return found

    def run_containers(self, run_ids: Sequence[str] | None = None) -> Sequence[str]:
        """The ids of the containers of runs, or of some of them; those that have ended included."""
        of_runs = ["--filter", "label=dagster/run_id", "--filter", f"network={self.name}"]
        label = '{{.ID}} {{.Label "dagster/run_id"}}'
        lines = self.call("docker", "ps", "--all", "--format", label, *of_runs).stdout.splitlines()
        pairs = [line.split() for line in lines]
        return [container for container, run_id in pairs if run_ids is None or run_id in run_ids]

    def sql(self, statement: str, user: str = "reader") -> tuple[tuple[Any, ...], ...]:
        """The rows of a statement, through the published port."""
        with pymysql.connect(
            host="127.0.0.1",
            port=int(self.settings["MYSQL_PORT"]),
            user=user,
            password=self.settings[f"MYSQL_{user.upper()}_PASSWORD"],
            database="dagster" if user == "dagster" else "coingecko",
            autocommit=True,
        ) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall()

    def count(self, table: str, where: str = "TRUE") -> int:
        """Rows of a table."""
        return int(self.sql(f"SELECT COUNT(*) FROM {table} WHERE {where}")[0][0])

    def logs(self) -> str:
        """Everything that its services said."""
        return self.compose("logs", "--no-color").stdout

    def remove(self) -> None:
        """End and delete everything."""
        for container in self.run_containers():
            self.call("docker", "rm", "--force", container, ok=False)
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5", ok=False)
