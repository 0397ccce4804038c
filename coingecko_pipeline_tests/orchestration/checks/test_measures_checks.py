"""The checks of the roll-ups and measures pass on what the assets make, and see what was changed behind them."""

from datetime import date
from typing import Any

import dagster as dg

from coingecko_pipeline import tables
from coingecko_pipeline.cli.runs import QUIET
from coingecko_pipeline.orchestration.assets import global_market_daily, weekly_market
from coingecko_pipeline.orchestration.checks.measures import (
    a_week_has_one_to_seven_days_and_its_prices_are_in_order,
    the_global_market_is_the_sum_of_the_coins,
)
from coingecko_pipeline.partitions import range_tags
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.measures.charts import planted, store
from coingecko_pipeline_tests.running import checks_of

FIRST, LAST = date(2026, 1, 5), date(2026, 1, 12)


def check(database: Database, *definitions: Any) -> dg.AssetCheckEvaluation:
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            definitions,
            instance=instance,
            resources={"warehouse": dg.ResourceDefinition.hardcoded_resource(database)},
            run_config=QUIET,
            tags=range_tags(FIRST, LAST),
        )
    (evaluation,) = checks_of(result).values()
    return evaluation


def test_weeks_as_they_are_made_pass(database: Database) -> None:
    store(database, {"coin": planted(FIRST, range(1, 30)), "gone": planted(FIRST, [4, None, 2])})
    assert check(database, weekly_market, a_week_has_one_to_seven_days_and_its_prices_are_in_order).passed


def test_a_week_of_eight_days_and_a_close_above_the_high_are_seen(database: Database) -> None:
    row = {"week_start": FIRST, "open_usd": 1, "high_usd": 2, "low_usd": 1, "close_usd": 2, "days_present": 7}
    with database.transaction() as connection:
        for coin, wrong in {"fine": {}, "long": {"days_present": 8}, "high": {"close_usd": 3}}.items():
            connection.execute(tables.weekly_market.insert(), row | {"asset_id": coin} | wrong)

    @dg.asset(key=weekly_market.key, partitions_def=weekly_market.partitions_def)
    def weekly_market_left_alone() -> None:
        """Stands for the asset and changes nothing."""

    evaluation = check(database, weekly_market_left_alone, a_week_has_one_to_seven_days_and_its_prices_are_in_order)
    assert not evaluation.passed
    assert evaluation.metadata["wrong_rows"].value == 2


def test_the_global_market_as_it_is_made_passes_and_a_row_that_changed_since_is_seen(database: Database) -> None:
    store(database, {"coin": planted(FIRST, range(1, 30)), "gone": planted(FIRST, [4, None, 2])})
    assert check(database, global_market_daily, the_global_market_is_the_sum_of_the_coins).passed
    day = date(2026, 1, 7)
    with database.transaction() as connection:
        connection.execute(
            tables.daily_market.update().where(tables.daily_market.c.date == day).values(market_cap_usd=1.0)
        )

    @dg.asset(key=global_market_daily.key, partitions_def=global_market_daily.partitions_def)
    def global_market_left_alone() -> None:
        """Stands for the asset and changes nothing."""

    evaluation = check(database, global_market_left_alone, the_global_market_is_the_sum_of_the_coins)
    assert not evaluation.passed
    assert evaluation.metadata["examples"].value == ["2026-01-07"]
