"""Where the demo keeps its own market. No settings, which a price does not wait for."""

from pathlib import Path

import click

DEMO = Path("data") / "demo"
DEMO_DATABASE = DEMO / "coingecko.db"
DEMO_REPORT = DEMO / "report" / "index.html"
DEMO_HOME = DEMO / "dagster"

demo_option = click.option("--demo", "on_demo", is_flag=True, help="Read the demo's synthetic market.")
"""The option of a command that reads: the demo's market, wherever DATABASE_URL points."""
