"""Real jobs in process, on an ephemeral instance, with a client and a database of the test's own."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import dagster as dg

from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.partitions import RANGE_END_TAG, RANGE_START_TAG, range_tags
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coinpaprika import CoinPaprika
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.instances import empty_instance

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The config of a run that tells the terminal nothing."""

Dates = DateRange | dg.PartitionKeyRange | date | str | None
Config = Mapping[str, Mapping[str, Any]]

_given: ContextVar[Mapping[str, Any]] = ContextVar("given")
"""The resources of the run at work, by name."""


@cache
def _definitions(*names: str) -> dg.Definitions:
    """The definitions, where each run is given some of the resources: to build them takes a tenth of a run."""
    given = {name: dg.ResourceDefinition(lambda _, name=name: _given.get()[name]) for name in names}
    return build_definitions(given)


@dataclass(frozen=True)
class Runner:
    """What runs work with.

    Attributes:
        database: With the tables.
        client: Stands for CoinGecko; None where no call may be made.
        now: The clock of the checks; by default the client's.
        messages: Filled with the lines of the runs' logs.
        coinpaprika: Stands for CoinPaprika; None where no call may be made to it.
        instance: Where the runs are kept; by default nowhere.
    """

    database: Database
    client: CoinGecko | None = None
    now: Callable[[], datetime] | None = None
    messages: list[str] | None = None
    coinpaprika: CoinPaprika | None = None
    instance: dg.DagsterInstance | None = None

    def run(self, name: str, dates: Dates = None, config: Config | None = None) -> dg.ExecuteInProcessResult:
        """Run a job of the definitions; its result tells whether it succeeded.

        Args:
            name: The job's name.
            dates: One partition, by its date or its key, or a range of them in one run.
            config: Config by op.
        """
        return self._execute(_definitions(*self._resources).resolve_job_def(name), dates, config)

    def materialize(self, assets: Sequence[str], dates: Dates = None, **config: Any) -> dg.ExecuteInProcessResult:
        """Materialize assets of CoinGecko with their checks, as the UI launches them.

        Args:
            assets: By the names of their tables.
            dates: One partition, or a range of them in one run.
            config: Of the first asset.
        """
        ops = {f"coingecko__{assets[0]}": config} if config else {}
        keys = [dg.AssetKey(["coingecko", asset]) for asset in assets]
        job = _definitions(*self._resources).resolve_implicit_global_asset_job_def()
        return self._execute(job, dates, ops, keys)

    def run_checks(self, *names: str) -> dg.ExecuteInProcessResult:
        """Execute checks of CoinGecko's daily market alone, as the Checks tab does: all of them, or those named."""
        changes = dg.AssetKey(["coingecko", "market_changes"])
        selection = (
            dg.AssetSelection.checks(*(dg.AssetCheckKey(changes, name) for name in names))
            if names
            else dg.AssetSelection.checks_for_assets(changes)
        )
        job = dg.define_asset_job("these_checks", selection=selection)
        definitions = dg.Definitions.merge(_definitions(*self._resources), dg.Definitions(jobs=[job]))
        return self._execute(definitions.resolve_job_def("these_checks"))

    def check(self, *names: str) -> dict[str, dg.AssetCheckEvaluation]:
        """What these checks find, by name."""
        result = self.run_checks(*names)
        assert result.success
        return checks_of(result)

    @property
    def _resources(self) -> dict[str, Any]:
        given = {"warehouse": self.database, "coingecko": self.client, "coinpaprika": self.coinpaprika}
        asked = self.client or self.coinpaprika
        clock = self.now or (asked.now if asked else None)
        return {**given, "now": clock} if clock else given

    def _execute(
        self,
        job: dg.JobDefinition,
        dates: Dates = None,
        config: Config | None = None,
        assets: Sequence[dg.AssetKey] | None = None,
    ) -> dg.ExecuteInProcessResult:
        tags = {}
        key = dates.isoformat() if isinstance(dates, date) else dates if isinstance(dates, str) else None
        if isinstance(dates, DateRange):
            tags = range_tags(dates.first, dates.last)
        elif isinstance(dates, dg.PartitionKeyRange):
            tags = {RANGE_START_TAG: dates.start, RANGE_END_TAG: dates.end}
        _given.set(self._resources)
        with nullcontext(self.instance) if self.instance else empty_instance() as home:
            result = job.execute_in_process(
                instance=home,
                partition_key=key,
                tags=tags,
                run_config={**QUIET, "ops": {op: {"config": dict(values)} for op, values in (config or {}).items()}},
                asset_selection=assets,
                raise_on_error=False,
            )
            if self.messages is not None:
                self.messages.extend(entry.user_message for entry in home.all_logs(result.run_id))
            return result


def run_job(
    name: str,
    database: Database,
    client: CoinGecko | None,
    dates: Dates = None,
    config: Config | None = None,
    **more: Any,
) -> dg.ExecuteInProcessResult:
    """Run a job of the definitions; `more` is what else a `Runner` takes."""
    return Runner(database, client, **more).run(name, dates, config)


def metadata_of(result: dg.ExecuteInProcessResult, table: str) -> dict[str, Any]:
    """What a run told of a table: of a range what holds for the whole, else the materialization's metadata."""
    for event in result.get_asset_observation_events():
        if event.asset_key and event.asset_key.path[-1] == table:
            observation = event.asset_observation_data.asset_observation
            return {name: value.value for name, value in observation.metadata.items()}
    found: dict[str, Any] = {}
    for event in result.get_asset_materialization_events():
        if event.asset_key and event.asset_key.path[-1] == table:
            metadata = event.step_materialization_data.materialization.metadata
            found = {name: value.value for name, value in metadata.items()}
    return found


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """Each check that a run evaluated, by its name."""
    return {check.check_name: check for check in result.get_asset_check_evaluations()}


def check_alone(
    database: Database, check: dg.AssetChecksDefinition, instance: dg.DagsterInstance | None = None
) -> dg.AssetCheckEvaluation:
    """A check that is executed by itself, as from the Checks tab.

    Args:
        database: With the tables.
        check: The check.
        instance: Where the events of earlier runs are; by default there are none.
    """
    key = next(iter(check.check_keys))
    _given.set({"warehouse": database})
    with nullcontext(instance) if instance else empty_instance() as home:
        result = (
            _definitions("warehouse")
            .resolve_implicit_global_asset_job_def()
            .get_subset(asset_selection=set(), asset_check_selection={key})
            .execute_in_process(instance=home, run_config=QUIET)
        )
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """The description of the failure that ended a run's step without a retry."""
    failures = [event for event in result.all_events if event.is_step_failure]
    assert len(failures) == 1
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    data = failures[0].step_failure_data.user_failure_data
    assert data is not None
    assert data.description is not None
    return data.description


def rows_of(database: Database, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a plain SQL statement."""
    with database.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]
