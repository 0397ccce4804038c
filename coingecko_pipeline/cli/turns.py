"""One after the other: commands and the daemon's runs that use the same key, or remake the same tables."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager

import dagster as dg

from coingecko_pipeline.orchestration.draining import AT_WORK
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline.warehouse.locks import holding

POLL_SECONDS = 1.0

BETWEEN_LOOKS_SECONDS = 3.0
"""Longer than a run that ends takes from giving its lock back to its last event."""


def pools_of(job: dg.JobDefinition) -> Collection[str]:
    """The pools of a job's steps, in the order in which their turns are waited for."""
    return sorted(
        {pool for node in job.nodes if isinstance(node.definition, dg.OpDefinition) for pool in node.definition.pools}
    )


@contextmanager
def turn(
    instance: dg.DagsterInstance,
    database: Database,
    pools: Collection[str],
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Wait for the turn of a command's own run in its pools, and keep other commands out for the time of the block.

    Args:
        instance: Where runs that a daemon began may still be at work.
        database: Where commands on whatever machine know of each other.
        pools: The pools.
        tell: Told once who is waited for.
        sleep: Lets seconds pass; an interruption ends it.
    """
    told: set[str] = set()

    def wait_for(whom: str) -> None:
        if whom not in told:
            tell(f"Waiting for {whom}, which uses the same key or tables (Ctrl-C gives up).")
        told.add(whom)
        sleep(POLL_SECONDS)

    with ExitStack() as held:
        for pool in pools:
            name = f"pool {pool} of {database.url.database}"[:64] if not database.is_sqlite else f"pool {pool}"
            held.enter_context(holding(database, name, lambda: wait_for("another command")))
        while runs := _runs_in(instance, frozenset(pools)):
            wait_for(f"the run {', '.join(runs)}")
        yield


def _runs_in(instance: dg.DagsterInstance, pools: frozenset[str]) -> list[str]:
    runs = instance.get_runs(dg.RunsFilter(statuses=AT_WORK))
    return sorted(
        run.run_id for run in runs if run.run_op_concurrency and pools & (run.run_op_concurrency.all_pools or set())
    )
