"""What the services of `dev` do, in few lines: what they serve, what runs by itself, each run, and what goes wrong."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from coingecko_pipeline.cli.terminal import tell, tell_problem
from coingecko_pipeline.orchestration.schedules import ALL_SCHEDULES
from coingecko_pipeline.orchestration.sensors import ALL_SENSORS

TROUBLE = re.compile(r".* - (ERROR|CRITICAL) - (?P<words>.+)")
"""A line of the services' log that is shown."""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
DAILY = re.compile(r"(?P<minute>[0-9]+) (?P<hour>[0-9]+) \* \* \*")

BEGUN = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
ENDS = {
    dg.DagsterRunStatus.SUCCESS: "succeeded",
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "was ended",
}
RUNS_LOOKED_AT = 50
"""Runs that change between two looks at most."""


class Services:
    """The UI, the daemon and the runs that it begins.

    Args:
        instance: Where the runs are.
        url: Of the UI.
        log: What the services write.
    """

    def __init__(self, instance: dg.DagsterInstance, url: str, log: Path) -> None:
        self._instance = instance
        self._url = url
        self._log = log
        self._read = 0
        self._since = datetime.now(UTC)
        self._told: set[tuple[str, str]] = set()

    def tell_opening(self, database: str, *, verbose: bool) -> None:
        """Tell where the UI is, what it is of, and what runs by itself.

        Args:
            database: Its address without a password.
            verbose: Whether the log is shown already.
        """
        tell(f"The UI is on {self._url}; Ctrl-C ends it and the daemon.")
        tell(f"  database   {database}")
        tell(f"  log        {self._log}" + ("" if verbose else " (--verbose shows it here)"))
        tell(f"  schedules  {', '.join(_schedules())}")
        sensors = (each for each in ALL_SENSORS if each.default_status is dg.DefaultSensorStatus.RUNNING)
        tell(f"  sensors    {', '.join(each.name.removesuffix('_sensor') for each in sensors)}")

    def tell_news(self) -> None:
        """Tell each run that began or ended since the last time, and each error that was logged."""
        records = self._instance.get_run_records(
            dg.RunsFilter(updated_after=self._since), limit=RUNS_LOOKED_AT, order_by="update_timestamp", ascending=True
        )
        for record in records:
            self._since = max(self._since, record.update_timestamp.replace(tzinfo=UTC))
            self._tell_run(record)
        for words in self._troubles():
            tell_problem("Error", words)

    def _tell_run(self, record: dg.RunRecord) -> None:
        run = record.dagster_run
        what = "began" if run.status in BEGUN else ENDS.get(run.status)
        if what is None or (run.run_id, what) in self._told:
            return
        self._told.add((run.run_id, what))
        took = ""
        if run.is_finished and record.start_time and record.end_time:
            took = f" after {record.end_time - record.start_time:,.0f} s"
        failed = run.status is dg.DagsterRunStatus.FAILURE
        where = f": {self._url}/runs/{run.run_id}" if failed else ""
        line = f"{record.update_timestamp:%H:%M:%S} {_words_of(run)} {what}{took}{where}"
        if failed:
            tell_problem("Run", line)
        else:
            tell(line)

    def _troubles(self) -> Iterator[str]:
        """The errors in what was logged since the last time."""
        with self._log.open(encoding="utf-8", errors="replace") as file:
            file.seek(self._read)
            for line in file:
                if found := TROUBLE.match(COLOURS.sub("", line.rstrip())):
                    yield found["words"]
            self._read = file.tell()


def _words_of(run: dg.DagsterRun) -> str:
    """What a run is of: its job, or its assets where it was launched for some."""
    if not run.job_name.startswith("__") or not run.asset_selection:
        return run.job_name
    return f"a run of {', '.join(sorted(key.path[-1] for key in run.asset_selection))}"


def _schedules() -> Iterator[str]:
    """What runs by the clock, each with when."""
    for schedule in ALL_SCHEDULES:
        if schedule.default_status is dg.DefaultScheduleStatus.RUNNING:
            cron = str(schedule.cron_schedule)
            when = f"{int(daily['hour']):02}:{int(daily['minute']):02}" if (daily := DAILY.fullmatch(cron)) else cron
            yield f"{schedule.name.removesuffix('_schedule')} ({when} UTC)"
