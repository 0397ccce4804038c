"""What a command imports before it begins."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import click
import pytest
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.cli import COMMANDS, cli
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite

SLOW = ("dagster", "pandas")
LOADED = f"""
import json, sys
from coingecko_pipeline.cli import cli
try:
    cli(json.loads(sys.argv[1]))
finally:
    print([name for name in {SLOW} if name in sys.modules], file=sys.stderr)
"""


def run(folder: Path, *arguments: str, **settings: str) -> tuple[int, str, str]:
    """Run a command in a process of its own; its exit code, output and the last line of what it told of itself."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADED, json.dumps(arguments)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.splitlines()[-1]


@on_sqlite
@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["status", "--json"],
        ["verify"],
        ["export", "--table", "assets", "--output", "-", "--format", "csv"],
        ["migrate"],
    ],
    ids=" ".join,
)
def test_a_command_that_runs_no_job_loads_no_dagster(database: Database, tmp_path: Path, arguments: list[str]) -> None:
    day = date(2026, 3, 9)
    coin = {"asset_id": "a", "symbol": "a", "name": "A", "first_seen_on": day, "last_seen_on": day, "is_active": True}
    with database.transaction() as connection:
        connection.execute(insert(tables.assets), coin)
    url = database.url.render_as_string(hide_password=False)
    code, output, loaded = run(tmp_path, *arguments, DATABASE_URL=url)
    assert code == 0, output
    assert "dagster" not in loaded
    # The others read frames, or give values to Arrow, which imports pandas then.
    assert arguments[0] != "status" or "pandas" not in loaded


ALL_HELP = """
import sys
import click
from coingecko_pipeline.cli import COMMANDS, cli
context = click.Context(cli, info_name="coingecko-pipeline", terminal_width=80, max_content_width=80)
print(cli.get_help(context))
print([name for name in ("sqlalchemy", "pydantic", "pyarrow") if name in sys.modules])
for name in COMMANDS:
    print(click.Context(cli.get_command(context, name), info_name=name, parent=context).get_help())
print([name for name in ("dagster", "pandas") if name in sys.modules])
"""


def test_the_list_of_commands_loads_next_to_nothing_and_no_help_loads_dagster_or_pandas(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALL_HELP],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("Usage: ") == 1 + len(COMMANDS)
    assert [line for line in done.stdout.splitlines() if line.startswith("[")] == ["[]", "[]"]
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_commands_tells_of_each_what_its_own_help_does() -> None:
    context = click.Context(cli, info_name="coingecko-pipeline", terminal_width=80, max_content_width=80)
    listed = cli.get_help(context).partition("Commands:\n")[2]
    assert "..." not in listed
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert f"{name} " in listed
        assert command.get_short_help_str(1000).rstrip(".") in " ".join(listed.split())


def test_a_command_that_there_is_not_is_wrong_use(tmp_path: Path) -> None:
    code, _, _ = run(tmp_path, "statsu")
    assert code == 2
