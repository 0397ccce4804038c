"""Checks of one asset that are evaluated by one step: each keeps its name, its description and its result.

A step writes two records of its own into Dagster's database, however short it is, some 3 kB together.
"""

import inspect
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any

import dagster as dg

from coingecko_pipeline.market.check_results import StoredCheck, read_checks, store_checks
from coingecko_pipeline.orchestration.run_failures import FAILED_CHECKS, NEWLY_FAILED, figures_of
from coingecko_pipeline.tables import CHECK_DETAIL_LENGTH
from coingecko_pipeline.warehouse import Database

Check = Callable[..., dg.AssetCheckResult]
"""Named as the statement that holds when it passes, which its docstring explains. Takes what it needs by name: the
`context`, the `warehouse`, `now`."""

FAILS_WITH_ITS_CHECKS = {"coingecko_pipeline/fails_with_its_checks": "true"}
"""The tag of a job whose run fails where a check fails as an error. Others make what is downstream of the checks, which
a failed step would keep from being made, or were asked for by a person, who sees the check."""


def in_one_step(asset: dg.AssetKey, *checks: Check, blocking: Collection[Check] = ()) -> dg.AssetChecksDefinition:
    """Some checks of an asset as one step, of which any can be executed alone.

    What they find is kept in the table `check_results` too, for the commands and sensors that ask.

    Args:
        asset: What they are about.
        checks: In the order in which they are evaluated. One that raises an error keeps no other from its result.
        blocking: Those of them whose failure keeps what is downstream from being made.
    """
    key = asset.to_user_string()

    @dg.multi_asset_check(
        name=f"{'__'.join(asset.path)}_checks",
        specs=[
            dg.AssetCheckSpec(
                check.__name__, asset=asset, description=inspect.getdoc(check), blocking=check in blocking
            )
            for check in checks
        ],
        can_subset=True,
    )
    def evaluate(
        context: dg.AssetCheckExecutionContext,
        warehouse: dg.ResourceParam[Database],
        now: dg.ResourceParam[Callable[[], datetime]],
    ) -> Iterator[dg.AssetCheckResult]:
        given: dict[str, Any] = {"context": context, "warehouse": warehouse, "now": now}
        failed_before = {
            check.check_name for check in read_checks(warehouse, failed=True) if check.asset == key and check.is_error
        }
        failure: Exception | None = None
        results: list[dg.AssetCheckResult] = []
        stored: list[StoredCheck] = []
        for check in checks:
            name = check.__name__
            if dg.AssetCheckKey(asset, name) not in context.selected_asset_check_keys:
                continue
            try:
                found = check(**{name: given[name] for name in inspect.signature(check).parameters})
            except Exception as error:
                context.log.exception("%s raised an error.", name)
                failure = failure or error
                told = f"It could not be evaluated: {type(error).__name__}."
                stored.append(StoredCheck(key, name, False, True, told, now()))
                continue
            is_error = found.severity == dg.AssetCheckSeverity.ERROR
            fails = is_error and not found.passed
            results.append(
                dg.AssetCheckResult(
                    asset_key=asset,
                    check_name=name,
                    passed=found.passed,
                    severity=found.severity,
                    metadata={**found.metadata, **({NEWLY_FAILED: name not in failed_before} if fails else {})},
                    description=found.description,
                )
            )
            figures = figures_of(found)[:CHECK_DETAIL_LENGTH]
            stored.append(StoredCheck(key, name, bool(found.passed), is_error, figures, now()))
        store_checks(warehouse, key, [check.__name__ for check in checks], stored)
        yield from results
        if failure is not None:
            raise failure
        errors = [check for check in stored if check.is_error and not check.is_passed]
        if errors and FAILS_WITH_ITS_CHECKS.items() <= context.run.tags.items():
            raise _failure_of(key, errors)

    return evaluate


def _failure_of(asset: str, errors: Collection[StoredCheck]) -> dg.Failure:
    told = "; ".join(f"{check.check_name} ({check.detail})" for check in errors)
    return dg.Failure(
        f"A check of {asset} failed: {told}. The asset's page has the examples, under Checks.",
        metadata={FAILED_CHECKS: len(errors)},
        allow_retries=False,
    )
