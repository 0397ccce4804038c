"""`daily` where the list cannot be taken, from the command line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import live_settings, run_program
from coingecko_pipeline_tests.running import rows_of

TODAY = datetime.now(UTC).date()


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, str]:
    """The settings for an SQLite file that knows 300 coins."""
    with RunningSandbox(SandboxOptions(plan="analyst", coins=300)) as sandbox:
        settings = dict(live_settings(sandbox.url, "sqlite:///market.db"))
        taken = run_program(tmp_path, "daily", **settings)
    assert taken.returncode == 0, taken.stderr
    return settings


def test_a_list_that_lost_a_third_is_refused_the_snapshot_taken_and_the_list_accepted_when_told(
    tmp_path: Path, whole: dict[str, str]
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'market.db'}")
    active = "SELECT COUNT(*) FROM assets WHERE is_active"
    with RunningSandbox(SandboxOptions(plan="analyst", coins=200)) as sandbox:
        settings = {**whole, "COINGECKO_BASE_URL": sandbox.url}
        refused = run_program(tmp_path, "daily", "--again", **settings)
        assert refused.returncode == 1
        assert "Stored the list" not in refused.stdout
        assert f"Stored the snapshot of {TODAY}: 200 rows" in refused.stdout
        assert "the_list_was_taken" in refused.stderr
        assert "lacks 100 of the 300 active coins" in refused.stderr
        assert "coingecko-pipeline daily --accept-list" in refused.stderr
        assert rows_of(database, active) == [(300,)]
        accepted = run_program(tmp_path, "daily", "--again", "--accept-list", **settings)
    assert "Stored the list: 200 rows" in accepted.stdout
    assert "the_list" not in accepted.stderr
    assert rows_of(database, active) == [(200,)]
    database.dispose()
