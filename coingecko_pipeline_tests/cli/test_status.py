"""What status tells of the checks."""

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from coingecko_pipeline.cli.status import read_status, show_status
from coingecko_pipeline.market.check_results import StoredCheck, store_checks
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite

ASSET = "coingecko/market_changes"
AT = datetime(2026, 3, 9, 0, 12, tzinfo=UTC)
COVERS, TIMELY, SIGNS = "the_day_covers_the_active_assets", "the_snapshot_was_timely", "no_value_is_negative"


@pytest.fixture
def checked(database: Database) -> Database:
    found = [
        StoredCheck(ASSET, TIMELY, False, False, "minutes_after_midnight 45", AT),
        StoredCheck(ASSET, COVERS, False, True, "share 0.25", AT),
        StoredCheck(ASSET, SIGNS, True, True, "negative_rows 0", AT),
    ]
    store_checks(database, ASSET, [COVERS, TIMELY, SIGNS], found)
    return database


@on_sqlite
def test_the_checks_that_do_not_hold_are_told_errors_first(
    checked: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    show_status(read_status(checked, PLANS["demo"]))
    error, warning = (line for line in capsys.readouterr().out.splitlines() if line.startswith("Check "))
    assert error == f"Check failed: {ASSET}: {COVERS} (share 0.25), on 2026-03-09 00:12 UTC."
    assert warning == f"Check warns: {ASSET}: {TIMELY} (minutes_after_midnight 45), on 2026-03-09 00:12 UTC."


@on_sqlite
def test_the_json_has_them_too(checked: Database) -> None:
    told = json.loads(json.dumps(dataclasses.asdict(read_status(checked, PLANS["demo"])), default=str))
    assert [check["check_name"] for check in told["failed_checks"]] == [COVERS, TIMELY]
