"""Checks of one asset that are evaluated by one step: each keeps its name, its description and its result.

A step writes two records of its own into Dagster's database, however short it is, some 3 kB together.
"""

import inspect
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any

import dagster as dg

from coingecko_pipeline.warehouse import Database

Check = Callable[..., dg.AssetCheckResult]
"""Named as the statement that holds when it passes, which its docstring explains. Takes what it needs by name: the
`context`, the `warehouse`, `now`."""


def in_one_step(asset: dg.AssetKey, *checks: Check, blocking: Collection[Check] = ()) -> dg.AssetChecksDefinition:
    """Some checks of an asset as one step, of which any can be executed alone.

    Args:
        asset: What they are about.
        checks: In the order in which they are evaluated. One that raises an error keeps no other from its result.
        blocking: Those of them whose failure keeps what is downstream from being made.
    """

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
        failure: Exception | None = None
        for check in checks:
            if dg.AssetCheckKey(asset, check.__name__) not in context.selected_asset_check_keys:
                continue
            try:
                found = check(**{name: given[name] for name in inspect.signature(check).parameters})
            except Exception as error:
                context.log.exception("%s raised an error.", check.__name__)
                failure = failure or error
                continue
            yield dg.AssetCheckResult(
                asset_key=asset,
                check_name=check.__name__,
                passed=found.passed,
                severity=found.severity,
                metadata=found.metadata,
                description=found.description,
            )
        if failure is not None:
            raise failure

    return evaluate
