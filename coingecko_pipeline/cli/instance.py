"""The Dagster instance that the commands and the UI share."""

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

import coingecko_pipeline

DEFAULT_HOME = Path("data") / "dagster"
DEMO_HOME = Path("data") / "demo" / "dagster"

POLL_SECONDS = 1.0

LOCK_TAG = "coingecko_pipeline/lock"
"""On each run of a command: the name of the lock that its process holds while it lives."""


def project_file(name: str) -> Path:
    """A file of the project's top level: from the checkout, or as the installed package carries it."""
    package = Path(coingecko_pipeline.__file__).parent
    carried = package / name
    return carried if carried.exists() else package.parent / name


def use_home() -> Path:
    """The instance's home: DAGSTER_HOME as it is set, else data/dagster with the project's dagster.yaml in it."""
    if home := os.environ.get("DAGSTER_HOME"):
        return Path(home)
    return _make_home(DEFAULT_HOME)


def use_demo_home() -> Path:
    """The demo's own home, wherever DAGSTER_HOME points: runs on a synthetic market are no history of a live one."""
    return _make_home(DEMO_HOME)


def _make_home(relative: Path) -> Path:
    folder = relative.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(project_file("dagster.yaml"), folder / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


def wait_for_pool(
    instance: dg.DagsterInstance,
    pool: str,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until no other run has a place in a pool. Inside a run Dagster waits as well, but deaf to Ctrl-C.

    Args:
        instance: The instance.
        pool: The pool's name.
        tell: Told once which run is waited for.
        sleep: Lets seconds pass.
    """
    told = False
    while runs := instance.event_log_storage.get_concurrency_info(pool).active_run_ids:
        if not told:
            tell(f"Waiting for the run {', '.join(sorted(runs))}, which uses the key (Ctrl-C gives up).")
            told = True
        sleep(POLL_SECONDS)


@contextmanager
def living(instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Mark this process's runs as alive; ends the runs of commands that are not.

    A process that was killed leaves its run as started and its place in the pool taken, so that the next run would
    wait for ever. Its lock, which the operating system frees, tells it from one that is at work.

    Args:
        instance: The instance.

    Returns:
        The tags for this process's runs.
    """
    folder = Path(instance.root_directory) / "locks"
    folder.mkdir(exist_ok=True)
    _end_dead_runs(instance, folder)
    name = uuid.uuid4().hex
    with FileLock(folder / name):
        yield {LOCK_TAG: name}
    (folder / name).unlink(missing_ok=True)


def _end_dead_runs(instance: dg.DagsterInstance, folder: Path) -> None:
    unfinished = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    for run in instance.get_runs(dg.RunsFilter(statuses=unfinished)):
        name = run.tags.get(LOCK_TAG)
        if name is None:
            continue
        try:
            with FileLock(folder / name, timeout=0):
                instance.report_run_failed(run, "The process of the command ended before the run did.")
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        except Timeout:
            continue
        (folder / name).unlink(missing_ok=True)
