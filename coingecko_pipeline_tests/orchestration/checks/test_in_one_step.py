"""Several checks of an asset as one step."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from coingecko_pipeline.orchestration.checks import ALL_CHECKS
from coingecko_pipeline.orchestration.checks.in_one_step import in_one_step

ASSET = dg.AssetKey(["somewhere", "table"])


def it_holds(warehouse: str) -> dg.AssetCheckResult:
    """Said of the warehouse."""
    return dg.AssetCheckResult(passed=True, metadata={"warehouse": warehouse}, description="It was looked at.")


def it_breaks() -> dg.AssetCheckResult:
    """Never evaluated."""
    raise ValueError("no database")


def it_warns(context: dg.AssetCheckExecutionContext, now: datetime) -> dg.AssetCheckResult:
    """Said of the instance."""
    return dg.AssetCheckResult(
        passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={"run": context.run.run_id, "now": str(now)}
    )


def evaluate(*names: str) -> dict[str, dg.AssetCheckEvaluation]:
    """Run the checks, or those that are named."""
    keys = [dg.AssetCheckKey(ASSET, name) for name in names]
    job = dg.Definitions(
        asset_checks=[in_one_step(ASSET, it_holds, it_breaks, it_warns, blocking=[it_holds])],
        jobs=[dg.define_asset_job("job", selection=dg.AssetSelection.checks(*keys))],
        resources={
            "warehouse": dg.ResourceDefinition.hardcoded_resource("here"),
            "now": dg.ResourceDefinition.hardcoded_resource(datetime(2026, 3, 9, tzinfo=UTC)),
        },
    ).resolve_job_def("job")
    result = job.execute_in_process(raise_on_error=False)
    assert result.success == ("it_breaks" not in names)
    return {evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()}


def figures(evaluation: dg.AssetCheckEvaluation) -> dict[str, Any]:
    return {name: value.value for name, value in evaluation.metadata.items()}


def test_each_check_has_its_name_and_result_and_an_error_of_one_keeps_no_other_back() -> None:
    found = evaluate("it_holds", "it_breaks", "it_warns")
    assert set(found) == {"it_holds", "it_warns"}
    assert (found["it_holds"].passed, found["it_warns"].passed) == (True, False)
    assert found["it_holds"].description == "It was looked at."
    assert figures(found["it_holds"]) == {"warehouse": "here"}
    assert found["it_warns"].severity is dg.AssetCheckSeverity.WARN


@pytest.mark.parametrize("name", ["it_holds", "it_warns"])
def test_one_can_be_executed_alone(name: str) -> None:
    assert set(evaluate(name)) == {name}


def test_every_check_tells_what_it_says_and_the_blocking_ones_block() -> None:
    specs = [spec for step in ALL_CHECKS for spec in step.check_specs]
    assert all(spec.description for spec in specs)
    blocking = {spec.name for spec in specs if spec.blocking}
    assert blocking == {"asset_ids_are_unique", "every_listed_asset_is_present"}
    assert len({spec.key for spec in specs}) == len(specs)
