"""A disk that fills up below a command: one sentence, nothing lost, and on with it when there is room."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from coingecko_pipeline.cli.instance import project_file
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import live_settings, run_program
from coingecko_pipeline_tests.running import rows_of
from coingecko_pipeline_tests.small_disks import fill, small_disk

COINS = 40


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with RunningSandbox(SandboxOptions(plan="analyst", coins=COINS)) as running:
        yield running


def settings_of(sandbox: RunningSandbox, database: Path) -> Mapping[str, str]:
    return live_settings(sandbox.url, f"sqlite:///{database}")


def counted(database: Path) -> int:
    found = Database(f"sqlite:///{database}")
    calls = rows_of(found, "SELECT COALESCE(SUM(calls), 0) FROM api_usage")[0][0]
    found.dispose()
    return int(calls)


BACKFILL = ("backfill", "--from", "2026-01-01", "--to", "2026-01-31", "--top", "20")


def test_a_database_whose_disk_is_nearly_full_buys_nothing_and_goes_on_with_room(
    tmp_path: Path, sandbox: RunningSandbox
) -> None:
    with small_disk(tmp_path / "disk", 160) as disk:
        settings = settings_of(sandbox, disk / "market.db")
        assert run_program(tmp_path, "daily", **settings).returncode == 0
        before = counted(disk / "market.db")
        ballast = fill(disk, leaving=2**20)
        refused = run_program(tmp_path, *BACKFILL, **settings)
        assert refused.returncode == 1
        assert "has less than 64 MB left to write to, and nothing more is bought" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert counted(disk / "market.db") == before
        ballast.unlink()
        again = run_program(tmp_path, *BACKFILL, **settings)
        assert again.returncode == 0, again.stderr
        assert counted(disk / "market.db") > before


def test_a_full_home_of_dagster_is_one_sentence(tmp_path: Path, sandbox: RunningSandbox) -> None:
    with small_disk(tmp_path / "home", 8) as home:
        (home / "dagster.yaml").write_bytes(project_file("dagster.yaml").read_bytes())
        settings = {**settings_of(sandbox, tmp_path / "market.db"), "DAGSTER_HOME": str(home)}
        assert run_program(tmp_path, "daily", **settings).returncode == 0
        ballast = fill(home)
        refused = run_program(tmp_path, *BACKFILL, **settings)
        assert refused.returncode == 1
        assert f"Full: {home} (DAGSTER_HOME), where Dagster keeps its runs" in refused.stderr
        assert "Traceback" not in refused.stderr
        ballast.unlink()
        again = run_program(tmp_path, *BACKFILL, **settings)
        assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("command", ["export", "report"])
def test_a_file_that_has_no_room_is_told_and_no_part_of_it_is_left(
    tmp_path: Path, sandbox: RunningSandbox, command: str
) -> None:
    settings = settings_of(sandbox, tmp_path / "market.db")
    assert run_program(tmp_path, "daily", **settings).returncode == 0
    with small_disk(tmp_path / "files", 1) as files:
        fill(files)
        ended = run_program(tmp_path, command, "--output", str(files / "file.csv"), **settings)
        assert ended.returncode == 1
        assert f"{files / 'file.csv'} could not be written: No space left on device: make room there" in ended.stderr
        assert [path.name for path in files.iterdir()] == ["ballast"]
