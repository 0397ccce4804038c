import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from filelock import FileLock

from coingecko_pipeline.cli.instance import LOCK_TAG, living, project_file, use_demo_home, use_home, wait_for_pool
from coingecko_pipeline.orchestration.failures import COINGECKO_POOL


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance as the commands make it."""
    shutil.copyfile(project_file("dagster.yaml"), tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as found:
        yield found


def started_run(instance: dg.DagsterInstance, lock: str | None) -> str:
    """A run that has begun and has the only place in the pool."""
    tags = {LOCK_TAG: lock} if lock else {}
    run = create_run_for_test(instance, job_name="daily_market_job", status=dg.DagsterRunStatus.STARTED, tags=tags)
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(COINGECKO_POOL)
    storage.claim_concurrency_slot(COINGECKO_POOL, run.run_id, "coingecko__daily_market")
    assert storage.get_concurrency_info(COINGECKO_POOL).active_run_ids == {run.run_id}
    return str(run.run_id)


def status_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_the_run_of_a_killed_command_ends_and_gives_its_place_back(instance: dg.DagsterInstance) -> None:
    run_id = started_run(instance, lock="killed")
    with living(instance):
        assert status_of(instance, run_id) == dg.DagsterRunStatus.FAILURE
        assert not instance.event_log_storage.get_concurrency_info(COINGECKO_POOL).active_run_ids


def test_the_run_of_a_command_at_work_is_left_alone(instance: dg.DagsterInstance) -> None:
    run_id = started_run(instance, lock="at-work")
    locks = Path(instance.root_directory) / "locks"
    locks.mkdir()
    with FileLock(locks / "at-work"), living(instance):
        assert status_of(instance, run_id) == dg.DagsterRunStatus.STARTED


def test_a_run_of_the_daemon_is_left_alone(instance: dg.DagsterInstance) -> None:
    run_id = started_run(instance, lock=None)
    with living(instance):
        assert status_of(instance, run_id) == dg.DagsterRunStatus.STARTED


def test_a_commands_own_runs_carry_its_lock_while_it_lives(instance: dg.DagsterInstance) -> None:
    with living(instance) as tags:
        run_id = started_run(instance, lock=tags[LOCK_TAG])
        with living(instance):
            assert status_of(instance, run_id) == dg.DagsterRunStatus.STARTED
    with living(instance):
        assert status_of(instance, run_id) == dg.DagsterRunStatus.FAILURE


def test_a_command_tells_once_which_run_it_waits_for(instance: dg.DagsterInstance) -> None:
    run_id = started_run(instance, lock=None)
    told: list[str] = []
    sleeps: list[float] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 3:
            instance.event_log_storage.free_concurrency_slots_for_run(run_id)

    wait_for_pool(instance, COINGECKO_POOL, told.append, sleep)
    assert len(sleeps) == 3
    assert told == [f"Waiting for the run {run_id}, which uses the key (Ctrl-C gives up)."]


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
