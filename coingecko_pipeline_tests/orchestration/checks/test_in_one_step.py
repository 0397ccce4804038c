"""Several checks of an asset as one step."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import update

from coingecko_pipeline import tables
from coingecko_pipeline.market.check_results import read_checks
from coingecko_pipeline.orchestration.checks import ALL_CHECKS
from coingecko_pipeline.orchestration.checks.in_one_step import FAILS_WITH_ITS_CHECKS, Check, in_one_step
from coingecko_pipeline.orchestration.run_failures import NEWLY_FAILED, failures_of
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.running import checks_of, failure_of

ASSET = dg.AssetKey(["somewhere", "table"])


NOW = datetime(2026, 3, 9, tzinfo=UTC)


def it_holds(warehouse: Database) -> dg.AssetCheckResult:
    """Said of the warehouse."""
    return dg.AssetCheckResult(
        passed=True, metadata={"sqlite": str(warehouse.is_sqlite)}, description="It was looked at."
    )


def it_breaks() -> dg.AssetCheckResult:
    """Never evaluated."""
    raise ValueError("no database")


def it_warns(context: dg.AssetCheckExecutionContext, now: Callable[[], datetime]) -> dg.AssetCheckResult:
    """Said of the instance."""
    return dg.AssetCheckResult(
        passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"run": context.run.run_id, "now": str(now())}
    )


def it_fails() -> dg.AssetCheckResult:
    """An error."""
    return dg.AssetCheckResult(passed=False, metadata={"rows": 3})


def run(
    database: Database, *names: str, checks: Sequence[Check] = (it_holds, it_breaks, it_warns), **more: Any
) -> dg.ExecuteInProcessResult:
    """Run the checks, or those that are named."""
    keys = [dg.AssetCheckKey(ASSET, name) for name in names]
    job = dg.Definitions(
        asset_checks=[in_one_step(ASSET, *checks, blocking=[it_holds])],
        jobs=[dg.define_asset_job("job", selection=dg.AssetSelection.checks(*keys), **more)],
        resources={
            "warehouse": dg.ResourceDefinition.hardcoded_resource(database),
            "now": dg.ResourceDefinition.hardcoded_resource(lambda: NOW),
        },
    ).resolve_job_def("job")
    return job.execute_in_process(raise_on_error=False)


def evaluate(database: Database, *names: str) -> dict[str, dg.AssetCheckEvaluation]:
    result = run(database, *names)
    assert result.success == ("it_breaks" not in names)
    return checks_of(result)


def figures(evaluation: dg.AssetCheckEvaluation) -> dict[str, Any]:
    return {name: value.value for name, value in evaluation.metadata.items()}


@on_sqlite
def test_each_check_has_its_name_and_result_and_an_error_of_one_keeps_no_other_back(
    database: Database,
) -> None:
    found = evaluate(database, "it_holds", "it_breaks", "it_warns")
    assert set(found) == {"it_holds", "it_warns"}
    assert (found["it_holds"].passed, found["it_warns"].passed) == (True, False)
    assert found["it_holds"].description == "It was looked at."
    assert figures(found["it_holds"]) == {"sqlite": "True"}
    assert found["it_warns"].severity is dg.AssetCheckSeverity.WARN


@on_sqlite
@pytest.mark.parametrize("name", ["it_holds", "it_warns"])
def test_one_can_be_executed_alone(database: Database, name: str) -> None:
    assert set(evaluate(database, name)) == {name}


@on_sqlite
def test_what_is_found_is_kept_for_those_who_ask_without_dagster(database: Database) -> None:
    evaluate(database, "it_holds", "it_breaks", "it_warns")
    found = {check.check_name: check for check in read_checks(database)}
    assert {name: (check.is_passed, check.is_error) for name, check in found.items()} == {
        "it_holds": (True, True),
        "it_breaks": (False, True),
        "it_warns": (False, False),
    }
    assert {(check.asset, check.evaluated_at) for check in found.values()} == {("somewhere/table", NOW)}
    assert found["it_holds"].detail == "sqlite True"
    assert found["it_breaks"].detail == "It could not be evaluated: ValueError."
    assert [check.check_name for check in read_checks(database, failed=True)] == ["it_breaks", "it_warns"]


@on_sqlite
def test_the_result_of_a_check_that_there_is_no_more_is_forgotten(database: Database) -> None:
    run(database, "it_holds", "it_fails", checks=[it_holds, it_fails])
    run(database, "it_holds", checks=[it_holds])
    assert [check.check_name for check in read_checks(database)] == ["it_holds"]


@on_sqlite
def test_a_check_that_goes_on_failing_says_so(database: Database) -> None:
    def newly() -> Any:
        result = run(database, "it_fails", checks=[it_fails])
        assert result.success
        return figures(checks_of(result)["it_fails"])[NEWLY_FAILED]

    assert (newly(), newly()) == (True, False)
    with database.transaction() as connection:
        connection.execute(update(tables.check_results).values(is_passed=True))
    assert newly()


@on_sqlite
def test_a_job_that_is_made_for_checks_fails_with_them_and_every_result_is_there(database: Database) -> None:
    result = run(database, "it_fails", "it_warns", checks=[it_fails, it_warns], tags=FAILS_WITH_ITS_CHECKS)
    assert not result.success
    assert set(checks_of(result)) == {"it_fails", "it_warns"}
    assert failure_of(result).startswith("A check of somewhere/table failed: it_fails (rows 3).")
    (failure,) = failures_of(result.all_events)
    assert failure.is_of_checks
    assert run(database, "it_warns", checks=[it_fails, it_warns], tags=FAILS_WITH_ITS_CHECKS).success


@on_sqlite
def test_a_check_that_blocks_fails_its_run_in_any_job_and_is_told_by_its_result(database: Database) -> None:
    asset = in_one_step(ASSET, it_fails, blocking=[it_fails])
    resources: dict[str, Any] = {"warehouse": database, "now": lambda: NOW}
    job = dg.Definitions(
        asset_checks=[asset],
        jobs=[dg.define_asset_job("job", selection=dg.AssetSelection.all_asset_checks())],
        resources={name: dg.ResourceDefinition.hardcoded_resource(value) for name, value in resources.items()},
    ).resolve_job_def("job")
    result = job.execute_in_process(raise_on_error=False)
    assert not result.success
    (failure,) = failures_of(result.all_events)
    assert failure.is_of_checks
    assert figures(checks_of(result)["it_fails"])[NEWLY_FAILED]


def test_every_check_tells_what_it_says_and_the_blocking_ones_block() -> None:
    specs = [spec for step in ALL_CHECKS for spec in step.check_specs]
    assert all(spec.description for spec in specs)
    blocking = {spec.name for spec in specs if spec.blocking}
    assert blocking == {"asset_ids_are_unique", "every_listed_asset_is_present"}
    assert len({spec.key for spec in specs}) == len(specs)
