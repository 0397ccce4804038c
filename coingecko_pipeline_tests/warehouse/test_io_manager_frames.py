"""Frames one by one: when each is committed, what goes with it, and what a failing producer leaves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Connection, func, insert, select

from coingecko_pipeline.warehouse import Database, Frames
from coingecko_pipeline_tests.databases import on_servers, on_sqlite
from coingecko_pipeline_tests.warehouse.materializing import (
    FIRST,
    Runner,
    daily_sales,
    failure_of,
    metadata_of,
)
from coingecko_pipeline_tests.warehouse.shop import ITEMS, SALES, sales, stored

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")


def test_each_frame_of_an_upsert_is_committed_before_the_next_is_asked_for(shop: Database, run: Runner) -> None:
    seen: list[int] = []

    def one_by_one(days: list[date]) -> Frames:
        def frames() -> Iterator[pd.DataFrame]:
            for item in ("a", "b", "c"):
                seen.append(len(stored(shop, SALES)))
                yield sales(days, [item])

        return Frames(frames(), lambda: {"calls": len(seen), "write_mode": "mine"})

    found = metadata_of(run(daily_sales(one_by_one, write_mode="upsert"), key="2025-01-01"))
    assert seen == [0, 1, 2]
    assert found["calls"] == 3, "the producer is asked after its last frame"
    assert found["write_mode"] == "mine"
    assert found["dagster/partition_row_count"] == 3


def test_a_replacement_touches_nothing_before_its_last_frame(shop: Database, run: Runner) -> None:
    assert run(daily_sales(sales), key="2025-01-01").success
    seen: list[int] = []

    def frames(days: list[date]) -> Iterator[pd.DataFrame]:
        for item in ("a", "b", "c"):
            seen.append(len(stored(shop, SALES)))
            yield sales(days, [item])

    assert run(daily_sales(lambda days: Frames(frames(days))), key="2025-01-01").success
    assert seen == [2, 2, 2]
    assert [item for _, item, *_ in stored(shop, SALES)] == ["a", "b", "c"]


class Journal:
    """Keeps a line for each frame, in the transaction that writes the frame."""

    def __init__(self, fail_at: str | None = None) -> None:
        self._fail_at = fail_at
        self.rows: list[pa.Table] = []

    @contextmanager
    def __call__(self, connection: Connection, rows: pa.Table) -> Iterator[None]:
        before = connection.execute(select(func.count()).select_from(SALES)).scalar_one()
        yield
        after = connection.execute(select(func.count()).select_from(SALES)).scalar_one()
        name = f"{before} to {after}"
        connection.execute(insert(ITEMS), {"item": name, "colour": None})
        self.rows.append(rows)
        if name == self._fail_at:
            raise dg.Failure("the journal is full", allow_retries=False)


def test_an_asset_can_do_more_in_the_transaction_of_each_frame(shop: Database, run: Runner) -> None:
    journal = Journal()
    frames = [sales([FIRST], ["a", "b"]), sales([FIRST], ["c"])]
    returned = daily_sales(lambda _: Frames(frames, around=journal), write_mode="upsert")
    assert run(returned, key="2025-01-01").success
    assert [item for item, _ in stored(shop, ITEMS)] == ["0 to 2", "2 to 3"]
    assert [rows["item"].to_pylist() for rows in journal.rows] == [["a", "b"], ["c"]]


def test_a_frame_and_what_belongs_to_it_are_stored_together_or_not_at_all(shop: Database, run: Runner) -> None:
    frames = [sales([FIRST], ["a", "b"]), sales([FIRST], ["c"])]
    returned = daily_sales(lambda _: Frames(frames, around=Journal(fail_at="2 to 3")), write_mode="upsert")
    assert "the journal is full" in failure_of(run(returned, key="2025-01-01"))
    assert [item for item, _ in stored(shop, ITEMS)] == ["0 to 2"]
    assert [item for _, item, *_ in stored(shop, SALES)] == ["a", "b"]


@on_sqlite
def test_a_replacement_refuses_what_would_belong_to_each_frame(shop: Database, run: Runner) -> None:
    returned = daily_sales(lambda days: Frames([sales(days)], around=Journal()))
    assert "Frames.around, which goes with write_mode upsert" in failure_of(run(returned, key="2025-01-01"))
    assert stored(shop, SALES) == []


@pytest.mark.parametrize("mode", ["replace_partition", "upsert"])
def test_a_frame_may_be_an_arrow_table(shop: Database, run: Runner, mode: str) -> None:
    def arrow(days: list[date]) -> pa.Table:
        return pa.table({"item": ["pen"], "amount": [1.5], "version": [1], "day": days})

    found = metadata_of(run(daily_sales(arrow, write_mode=mode), key="2025-01-01"))
    assert stored(shop, SALES) == [(FIRST, "pen", 1.5, 1)]
    assert found["preview"].endswith("| 2025-01-01 | pen | 1.5 | 1 |")
    assert run(daily_sales(lambda days: Frames([arrow(days)]), write_mode=mode), key="2025-01-01").success


def frames_that_fail(error: Exception) -> Callable[[list[date]], Frames]:
    def frames(days: list[date]) -> Iterator[pd.DataFrame]:
        yield sales(days, ["new"])
        raise error

    return lambda days: Frames(frames(days))


def test_a_failure_of_the_producer_comes_through_as_itself_and_is_not_retried(shop: Database, run: Runner) -> None:
    stop = dg.Failure("the month's credits are spent", metadata={"left": 3}, allow_retries=False)
    result = run(daily_sales(frames_that_fail(stop), write_mode="upsert"), key="2025-01-01")
    assert "the month's credits are spent" in failure_of(result)
    (failed,) = (event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_FAILURE)
    data = failed.step_failure_data.user_failure_data
    assert data is not None
    assert data.metadata["left"].value == 3
    assert [item for _, item, *_ in stored(shop, SALES)] == ["new"], "the first frame was committed"


def test_a_replacement_whose_producer_fails_leaves_the_stored_rows(shop: Database, run: Runner) -> None:
    assert run(daily_sales(sales), key="2025-01-01").success
    run(daily_sales(frames_that_fail(dg.Failure("no", allow_retries=False))), key="2025-01-01")
    assert [item for _, item, *_ in stored(shop, SALES)] == ["ink", "pen"]


def test_another_error_of_the_producer_is_left_to_the_retry_policy(run: Runner) -> None:
    result = run(daily_sales(frames_that_fail(TimeoutError("slow"))), key="2025-01-01")
    assert not result.success
    assert [event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]


def test_keys_that_repeat_in_two_frames_of_a_replacement_leave_the_stored_rows(shop: Database, run: Runner) -> None:
    assert run(daily_sales(lambda days: sales(days, ["old"])), key="2025-01-01").success
    result = run(daily_sales(lambda days: iter([sales(days, ["a"]), sales(days, ["a"])])), key="2025-01-01")
    assert "table 'sales'" in failure_of(result)
    assert [item for _, item, *_ in stored(shop, SALES)] == ["old"]


@on_servers
def test_a_lost_connection_does_not_lose_a_frame(shop: Database, run: Runner) -> None:
    def frames(days: list[date]) -> Iterator[pd.DataFrame]:
        for item in ("a", "b"):
            with shop.connect() as connection:
                mine = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
                others = connection.exec_driver_sql(
                    "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> %s", (mine,)
                ).scalars()
                for other in others.all():
                    connection.exec_driver_sql(f"KILL CONNECTION {other}")
            yield sales(days, [item])

    assert run(daily_sales(lambda days: Frames(frames(days)), write_mode="upsert"), key="2025-01-01").success
    assert [item for _, item, *_ in stored(shop, SALES)] == ["a", "b"]
