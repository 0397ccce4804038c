"""docs/adding-a-source.md is true: its folder and its line, put into a copy of the package, make a source that runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import coingecko_pipeline
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA
from coingecko_pipeline.sources.registry import COINGECKO, SOURCES

PACKAGE = Path(coingecko_pipeline.__file__).parent
PAGE = PACKAGE.parent / "docs" / "adding-a-source.md"

RUN = """
import json
from datetime import UTC, datetime

import dagster as dg
import requests

from coingecko_pipeline.sources.registry import SNAPSHOT_SOURCES
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.sources import Opening
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.tables import migrate

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

NOW = datetime(2026, 3, 9, 0, 4, tzinfo=UTC)
BODIES = {
    "/v2/coins": [{"id": "a", "ticker": "AAA", "title": "Alpha"}, {"id": "b", "ticker": "BBB", "title": "Beta"}],
    "/v2/prices": [{"id": "a", "usd": 2.5, "cap": None, "at": "2026-03-09T00:03:00Z"},
                   {"id": "b", "usd": None, "cap": 7, "at": "2026-03-09T00:03:00Z"}],
}


class Server(requests.adapters.BaseAdapter):
    def send(self, request, **options):
        answer = requests.Response()
        answer.status_code = 200
        answer._content = json.dumps(BODIES[request.path_url]).encode()
        return answer

    def close(self):
        pass


source = SNAPSHOT_SOURCES[-1]
client = source.open(Opening(now=lambda: NOW, adapter=Server()))
database = Database("sqlite:///market.db")
migrate(database)
hardcoded = dg.ResourceDefinition.hardcoded_resource
definitions = build_definitions(
    {"warehouse": hardcoded(database), source.name: hardcoded(client), "now": hardcoded(lambda: NOW)}
)
with dg.DagsterInstance.ephemeral() as instance:
    result = definitions.resolve_job_def(f"{source.name}_daily_job").execute_in_process(
        instance=instance, partition_key="2026-03-09", run_config=QUIET
    )
    checked = definitions.resolve_job_def(f"{source.name}_checks_job").execute_in_process(
        instance=instance, run_config=QUIET
    )
with database.schema(source.name).connect() as connection:
    rows = connection.exec_driver_sql(
        "SELECT asset_id, price_usd, volume_24h_usd, market_cap_usd, source FROM daily_market ORDER BY asset_id"
    ).fetchall()
with database.connect() as connection:
    usage = connection.exec_driver_sql("SELECT plan, endpoint, calls FROM api_usage ORDER BY endpoint").fetchall()
checks = checked.get_asset_check_evaluations()
print(json.dumps({
    "assets": sorted("/".join(spec.key.path) for spec in definitions.resolve_all_asset_specs()
                     if spec.key.path[0] == source.name),
    "schedule": definitions.resolve_schedule_def(f"{source.name}_daily_schedule").default_status.value,
    "checks": [check.passed for check in checks],
    "rows": [list(row) for row in rows],
    "usage": [list(row) for row in usage],
}))
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_folder_and_the_line_of_the_page_make_a_source_that_runs(tmp_path: Path) -> None:
    copy = tmp_path / "code" / "coingecko_pipeline"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (folder,) = blocks("python")
    (copy / "sources" / "examplecoin").mkdir()
    (copy / "sources" / "examplecoin" / "__init__.py").write_text(folder, encoding="utf-8")
    listing = copy / "sources" / "registry.py"
    text = listing.read_text(encoding="utf-8")
    (diff,) = blocks("diff")
    before, after, anchor, added = diff.splitlines()
    for old, new in ((before[1:], after[1:]), (anchor[1:], f"{anchor[1:]}\n{added[1:]}")):
        assert text.count(f"{old}\n") == 1
        text = text.replace(old, new)
    listing.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUN],
        cwd=tmp_path,
        env={"PATH": os.defpath, "PYTHONPATH": str(tmp_path / "code")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout.splitlines()[-1])
    assert len(result["checks"]) >= 7
    assert result == {
        "assets": [
            f"examplecoin/{table}"
            for table in ("asset_changes", "assets", "daily_market", "market_changes", "raw_asset_list")
        ],
        "schedule": "STOPPED",
        "checks": [True] * len(result["checks"]),
        "rows": [["a", 2.5, None, None, "snapshot"], ["b", None, None, 7.0, "snapshot"]],
        "usage": [["examplecoin", "coins", 1], ["examplecoin", "prices", 1]],
    }
    assert (tmp_path / "market_examplecoin.db").exists()


def test_the_sources_are_two() -> None:
    assert SOURCES == (COINGECKO, COINPAPRIKA)
