from pathlib import Path

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from coingecko_pipeline.cli.instance import project_file, use_demo_home, use_home
from coingecko_pipeline.cli.queued import daemon_at_work
from coingecko_pipeline.settings import SettingsError


def test_a_daemon_is_at_work_while_it_gives_signs_of_life(instance: dg.DagsterInstance) -> None:
    assert not daemon_at_work(instance)
    instance.add_daemon_heartbeat(DaemonHeartbeat(1_000.0, "QUEUED_RUN_COORDINATOR", "some-id", []))
    assert daemon_at_work(instance, lambda: 1_030.0)
    assert not daemon_at_work(instance, lambda: 1_080.0)


def test_a_home_that_is_set_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert use_home() == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_the_default_home_gets_the_projects_dagster_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", "")
    home = use_home()
    assert home == tmp_path / "data" / "dagster"
    assert (home / "dagster.yaml").read_text() == project_file("dagster.yaml").read_text()


def test_the_demo_has_a_home_of_its_own_wherever_the_others_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "mine"))
    assert use_demo_home() == tmp_path / "data" / "demo" / "dagster"
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("home", ["dagster", "~/dagster", "/no/such/folder", "./"])
def test_a_home_that_dagster_does_not_take_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("DAGSTER_HOME", home)
    with pytest.raises(SettingsError, match="DAGSTER_HOME is '"):
        use_home()
