"""Real jobs in process, on an ephemeral instance, with a client and a database of the test's own."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import date, datetime
from typing import Any

import dagster as dg

from coingecko_pipeline.acquisition.planning import DateRange
from coingecko_pipeline.cli.runs import QUIET
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.partitions import RANGE_END_TAG, RANGE_START_TAG, range_tags
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coinpaprika import CoinPaprika
from coingecko_pipeline.warehouse import Database


def run_job(
    name: str,
    database: Database,
    client: CoinGecko | None,
    dates: DateRange | dg.PartitionKeyRange | date | str | None = None,
    config: Mapping[str, Mapping[str, Any]] | None = None,
    now: Callable[[], datetime] | None = None,
    messages: list[str] | None = None,
    coinpaprika: CoinPaprika | None = None,
    instance: dg.DagsterInstance | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job of the definitions; its result tells whether it succeeded.

    Args:
        name: The job's name.
        database: With the tables.
        client: Stands for CoinGecko; None where no call may be made.
        dates: One partition, by its date or its key, or a range of them in one run.
        config: Config by op.
        now: The clock of the checks; by default the client's.
        messages: Filled with the lines of the run's log.
        coinpaprika: Stands for CoinPaprika; None where no call may be made to it.
        instance: Where the run is kept; by default nowhere.
    """
    hardcoded = dg.ResourceDefinition.hardcoded_resource
    overrides: dict[str, Any] = {"warehouse": hardcoded(database), "coingecko": hardcoded(client)}
    overrides["coinpaprika"] = hardcoded(coinpaprika)
    asked = client or coinpaprika
    clock = now or (asked.now if asked else None)
    if clock:
        overrides["now"] = hardcoded(clock)
    tags = {}
    key = dates.isoformat() if isinstance(dates, date) else dates if isinstance(dates, str) else None
    if isinstance(dates, DateRange):
        tags = range_tags(dates.first, dates.last)
    elif isinstance(dates, dg.PartitionKeyRange):
        tags = {RANGE_START_TAG: dates.start, RANGE_END_TAG: dates.end}
    with nullcontext(instance) if instance else dg.DagsterInstance.ephemeral() as home:
        result = (
            build_definitions(overrides)
            .resolve_job_def(name)
            .execute_in_process(
                instance=home,
                partition_key=key,
                tags=tags,
                run_config={**QUIET, "ops": {op: {"config": dict(values)} for op, values in (config or {}).items()}},
                raise_on_error=False,
            )
        )
        if messages is not None:
            messages += [entry.user_message for entry in home.all_logs(result.run_id)]
        return result


def metadata_of(result: dg.ExecuteInProcessResult, table: str) -> dict[str, Any]:
    """The metadata of a table's last materialization in a run."""
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
    definitions = build_definitions({"warehouse": dg.ResourceDefinition.hardcoded_resource(database)})
    with nullcontext(instance) if instance else dg.DagsterInstance.ephemeral() as home:
        result = (
            definitions.resolve_implicit_global_asset_job_def()
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
