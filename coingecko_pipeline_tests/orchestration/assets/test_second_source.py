"""CoinPaprika beside CoinGecko: the sandbox on one side, real tables on the other, and its planted differences."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr
from sqlalchemy import literal, select, update

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import read_budget
from coingecko_pipeline.archive.dates import DateRange
from coingecko_pipeline.orchestration.checks.source_agreement import the_hundred_largest_agree_on_the_price
from coingecko_pipeline.orchestration.resources import open_snapshot_client, origin_guard
from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline.sandbox.paprika import DISAGREEMENTS, LISTED_TWICE, NOT_LISTED, ONLY_HERE, SPELT_OTHERWISE
from coingecko_pipeline.sandbox.platforms import PLATFORMS
from coingecko_pipeline.settings import Settings
from coingecko_pipeline.sources import Opening
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import choose_plan
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA, CoinPaprika
from coingecko_pipeline.sources.registry import COINGECKO
from coingecko_pipeline.tables import OriginError, claim_origin, stored_origin
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.databases import on_sqlite
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeServer
from coingecko_pipeline_tests.measures.deriving import changed, log
from coingecko_pipeline_tests.paprika_contracts import FakeContracts
from coingecko_pipeline_tests.running import check_alone, checks_of, failure_of, metadata_of, rows_of, run_job

NOW = datetime(2026, 3, 9, 0, 5, 30, tzinfo=UTC)
TODAY = NOW.date()
KEY = "CG-any"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """The market of one minute, as both sources see it."""
    options = SandboxOptions(coins=300, plan="analyst", calls_per_minute=0, clock=lambda: NOW)
    with RunningSandbox(options) as running:
        yield running


def coingecko_of(sandbox: RunningSandbox) -> CoinGecko:
    plan = choose_plan("analyst", has_key=True, base_url=sandbox.url)
    return CoinGecko(plan, SecretStr(KEY), clock=FakeClock(NOW), now=lambda: NOW)


def coinpaprika_of(sandbox: RunningSandbox) -> CoinPaprika:
    return CoinPaprika(Opening(sandbox.coinpaprika_url, lambda: NOW))


def take_paprika(database: Database, client: CoinPaprika, dates: DateRange | date = TODAY) -> dg.ExecuteInProcessResult:
    return run_job("coinpaprika_daily_job", database, None, dates, coinpaprika=client)


def compare(
    database: Database, config: Mapping[str, Any] | None = None, instance: dg.DagsterInstance | None = None
) -> dg.ExecuteInProcessResult:
    ops = {"coingecko__source_agreement": config} if config else None
    return run_job("source_agreement_job", database, None, config=ops, now=lambda: NOW, instance=instance)


@pytest.fixture
def both(database: Database, second: Database, sandbox: RunningSandbox) -> Database:
    """The tables after both sources' daily jobs."""
    assert run_job("daily_market_job", database, coingecko_of(sandbox), TODAY).success
    assert take_paprika(database, coinpaprika_of(sandbox)).success
    assert rows_of(second, "SELECT COUNT(*) FROM daily_market")[0][0] > 100
    return database


def test_the_same_tables_are_filled_by_the_same_code(
    database: Database, second: Database, sandbox: RunningSandbox
) -> None:
    result = take_paprika(database, coinpaprika_of(sandbox))
    assert result.success
    checks = checks_of(run_job("coinpaprika_checks_job", database, None, now=lambda: NOW))
    assert all(check.passed for check in checks.values())
    assert len(checks) == 9
    listed = rows_of(second, "SELECT asset_id, symbol, name, platforms FROM raw_asset_list ORDER BY asset_id")
    assert ("btc-bitcoin", "BTC", "Bitcoin", None) in listed
    ids = {row[0] for row in listed}
    assert "btc-bitcoin-old" not in ids
    assert {row[0] for row in rows_of(second, "SELECT asset_id FROM assets WHERE is_active")} == ids
    market = rows_of(second, "SELECT asset_id, source FROM daily_market ORDER BY asset_id")
    assert {coin for coin, _ in market} == ids
    # Some of its synthetic coins have not been traded for days.
    assert {source for _, source in market} == {"snapshot", "stale"}
    assert len([coin for coin in ids if coin.startswith("only")]) == ONLY_HERE
    facts = metadata_of(result, "daily_market")
    assert (facts["calls"], facts["rows_written"], facts["coins_asked"]) == (1, len(ids), len(ids))
    assert "| Bitcoin | BTC |" in facts["largest_coins"]
    assert rows_of(database, "SELECT COUNT(*) FROM daily_market") == [(0,)]


@on_sqlite
def test_its_calls_are_counted_beside_coingeckos_and_take_nothing_of_its_budget(both: Database) -> None:
    usage = dict(rows_of(both, "SELECT endpoint, calls FROM api_usage WHERE plan = 'coinpaprika'"))
    chains = sum(bool(platform.paprika_id) for platform in PLATFORMS)
    assert usage == {"coins": 1, "tickers": 1, "contracts": 1, "contracts/{platform}": chains}
    own = rows_of(both, "SELECT SUM(credits) FROM api_usage WHERE plan = 'analyst'")[0][0]
    assert read_budget(both, choose_plan("analyst", has_key=True), TODAY).spent == own > 0


def test_the_check_finds_exactly_the_planted_disagreements(both: Database) -> None:
    result = compare(both)
    assert result.success
    check = checks_of(result)["the_hundred_largest_agree_on_the_price"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.metadata["coins_that_differ"].value == len(DISAGREEMENTS)
    assert check.metadata["largest_difference"].value == pytest.approx(0.06, rel=1e-9)
    compared, not_compared = (check.metadata[name].value for name in ("coins_compared", "coins_not_compared"))
    assert isinstance(compared, int)
    assert isinstance(not_compared, int)
    assert (compared > 50, compared + not_compared) == (True, 100)
    listed = str(check.metadata["disagreements"].value)
    apart = "SELECT asset_id, price_difference FROM source_agreement WHERE ABS(price_difference) > 0.01"
    assert dict(rows_of(both, apart)) == pytest.approx(dict(DISAGREEMENTS), rel=1e-9)
    for coin, difference in DISAGREEMENTS.items():
        assert f"| {coin} | {TODAY} |" in listed
        assert f"{difference:+.2%}" in listed


@on_sqlite
def test_pairs_are_found_ambiguous_coins_listed_and_others_left_alone(both: Database) -> None:
    facts = metadata_of(compare(both), "asset_pairs")
    found = rows_of(both, "SELECT asset_id, coinpaprika_id, how FROM asset_pairs WHERE how IN ('contract', 'proposed')")
    pairs = {coin: other for coin, other, _ in found}
    by_contract = {coin for coin, _, how in found if how == "contract"}
    assert pairs["bitcoin"] == "btc-bitcoin"
    assert pairs["bitcoin-cash"] == "bch-bitcoin-cash"
    assert len(pairs) == facts["pairs"] == facts["pairs_new"] > 120
    assert len(by_contract) == facts["pairs_new_by_contract"] > 80
    assert not pairs.keys() & {*LISTED_TWICE, *NOT_LISTED}
    # Another name is a pair where the contract tells.
    assert by_contract & SPELT_OTHERWISE.keys() == pairs.keys() & SPELT_OTHERWISE.keys()
    known = {platform.paprika_id: platform.platform_id for platform in PLATFORMS if platform.paprika_id}
    assert facts["chains"].items() <= known.items()
    ambiguous = {row[0] for row in rows_of(both, "SELECT asset_id FROM asset_pairs WHERE how = 'ambiguous'")}
    assert ambiguous == set(LISTED_TWICE)
    for coin, other in LISTED_TWICE.items():
        assert coin in facts["ambiguous"]
        assert other in facts["ambiguous"]


def test_only_what_changed_in_either_source_is_compared_again(both: Database, second: Database) -> None:
    first = compare(both)
    paired = metadata_of(first, "asset_pairs")["pairs"]
    assert metadata_of(first, "source_agreement")["rows_written"] == paired
    again = metadata_of(compare(both), "source_agreement")
    assert (again["rows_written"], again["whole_table"]) == (0, False)
    log(both, changed(TODAY, TODAY, "bitcoin"), changed(TODAY, TODAY, "a-coin-without-a-pair"))
    assert metadata_of(compare(both), "source_agreement")["rows_written"] == 1
    log(second, changed(TODAY))
    assert metadata_of(compare(both), "source_agreement")["rows_written"] == paired
    day = {"from_date": str(TODAY), "to_date": str(TODAY)}
    assert metadata_of(compare(both, {"rebuild": day}), "source_agreement")["rows_written"] == paired


@on_sqlite
def test_a_pair_that_is_found_later_is_compared_on_every_date(both: Database, second: Database) -> None:
    yesterday = TODAY - timedelta(days=1)
    for database in (both, second):
        with database.transaction() as connection:
            market = tables.daily_market
            rows = select(literal(yesterday), *list(market.columns)[1:]).where(market.c.date == TODAY)
            connection.execute(market.insert().from_select(list(market.columns), rows))
    compare(both)
    with both.transaction() as connection:
        for table in (tables.asset_pairs, tables.source_agreement):
            connection.execute(table.delete().where(table.c.asset_id == "bitcoin"))
    result = compare(both)
    assert metadata_of(result, "asset_pairs")["pairs_new"] == 1
    assert metadata_of(result, "source_agreement")["rows_written"] == 2
    assert len(rows_of(both, "SELECT date FROM source_agreement WHERE asset_id = 'bitcoin'")) == 2


@on_sqlite
def test_where_nothing_was_compared_the_check_says_so_also_when_it_is_executed_alone(
    database: Database, second: Database
) -> None:
    assert second.is_sqlite
    result = check_alone(database, the_hundred_largest_agree_on_the_price)
    assert not result.passed
    assert "Nothing was compared" in (result.description or "")


@on_sqlite
def test_sources_that_agree_pass_the_check(both: Database, second: Database) -> None:
    compare(both)
    prices = dict(rows_of(both, "SELECT asset_id, price_usd FROM daily_market WHERE price_usd IS NOT NULL"))
    pairs = dict(
        rows_of(both, "SELECT coinpaprika_id, asset_id FROM asset_pairs WHERE how IN ('contract', 'proposed')")
    )
    market = tables.daily_market
    with second.transaction() as connection:
        for other, coin in pairs.items():
            if coin not in prices:  # a pair by contract needs none
                continue
            connection.execute(update(market).where(market.c.asset_id == other).values(price_usd=prices[coin] * 1.019))
    log(second, changed(TODAY))
    assert checks_of(compare(both))["the_hundred_largest_agree_on_the_price"].passed


@on_sqlite
@pytest.mark.parametrize(
    "dates", [TODAY - timedelta(days=1), DateRange(TODAY - timedelta(days=1), TODAY)], ids=["past", "range"]
)
def test_a_past_date_is_refused_before_a_call(database: Database, second: Database, dates: DateRange | date) -> None:
    assert second.is_sqlite
    entry: dict[str, Any] = {"id": "a-a", "symbol": "A", "name": "A", "is_active": True}
    contracts = FakeContracts({"eth": []}, [entry])
    result = take_paprika(database, contracts.client(NOW), dates)
    assert "of CoinPaprika only today's partition, 2026-03-09, can be filled; no call was made" in failure_of(result)
    assert sorted(contracts.server.paths) == ["/v1/coins", "/v1/contracts", "/v1/contracts/eth"]


@on_sqlite
def test_without_a_common_date_the_run_says_what_to_do(database: Database, second: Database) -> None:
    assert second.is_sqlite
    assert "materialize today's partition of coingecko/daily_market" in failure_of(compare(database))


@on_sqlite
def test_what_cannot_succeed_is_not_tried_again_by_the_step(database: Database, second: Database) -> None:
    assert second.is_sqlite
    server = FakeServer([Answer({"error": "payment required"}, 402)])
    client = CoinPaprika(Opening(now=lambda: NOW, adapter=server))
    assert "the free plan's calls of this month are used up" in failure_of(take_paprika(database, client))
    assert rows_of(database, "SELECT endpoint, calls, credits FROM api_usage") == [("coins", 1, 0)]


@on_sqlite
def test_sandbox_and_live_data_never_meet_in_either_database(
    database: Database, second: Database, sandbox: RunningSandbox
) -> None:
    settings = Settings(coinpaprika_base_url=sandbox.coinpaprika_url, _env_file=None)
    with database.transaction() as connection:
        connection.execute(tables.warehouse_origin.delete())
    client = open_snapshot_client(COINPAPRIKA, settings, database, lambda: NOW)
    assert stored_origin(second) is None
    client.asset_list()
    client.close()
    assert (stored_origin(database), stored_origin(second)) == ("sandbox", "sandbox")
    with pytest.raises(OriginError, match="holds sandbox data"):
        open_snapshot_client(COINPAPRIKA, Settings(_env_file=None), database)
    with pytest.raises(OriginError, match="holds sandbox data"):
        origin_guard(COINGECKO, "https://api.coingecko.com/api/v3", database)


@on_sqlite
def test_the_second_source_refuses_a_main_database_of_the_other_kind(
    database: Database, second: Database, sandbox: RunningSandbox
) -> None:
    claim_origin(database, "live")
    settings = Settings(coinpaprika_base_url=sandbox.coinpaprika_url, _env_file=None)
    client = open_snapshot_client(COINPAPRIKA, settings, database)
    with pytest.raises(OriginError, match="holds live data"):
        client.asset_list()
    client.close()
    assert stored_origin(second) is None
