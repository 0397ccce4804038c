import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml
from sqlalchemy import delete, insert

from coingecko_pipeline import tables
from coingecko_pipeline.cli.instance import project_file
from coingecko_pipeline.definitions import build_definitions
from coingecko_pipeline.orchestration.resources import build_resources
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.tables import prepare
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.alerts.receiving import SECRET, receiving
from coingecko_pipeline_tests.fakes import Answer, FakeClock, FakeMarket, FakeServer, market_row
from coingecko_pipeline_tests.instances import stored_instance
from coingecko_pipeline_tests.orchestration.watching import Hook, Watch, channel_to
from coingecko_pipeline_tests.running import Runner, run_job

TODAY = date(2026, 3, 9)
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
RETRIES = yaml.safe_load(project_file("dagster.yaml").read_text())["run_retries"]
FAILED_RUN, FAILED_CHECK = "run_failure_alert_sensor", "failed_check_alert_sensor"


class RunWatch(Watch):
    """A sensor of runs, which begins with what ends after its first evaluation.

    Args:
        name: The sensor.
        instance: Where the runs are kept.
        alerts: Stands for the resource.
    """

    def __init__(self, name: str, instance: dg.DagsterInstance, alerts: object) -> None:
        super().__init__(name, instance, alerts=alerts)
        self.evaluate()

    def evaluate(self) -> tuple[list[str | None], str | None]:
        """The error, or None, of each run that was acted on, and the reason of a skipped tick."""
        data = super().evaluate()
        errors = [
            reaction.error.to_string() if reaction.error else None for reaction in data.dagster_run_reactions or ()
        ]
        return errors, data.skip_message


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with stored_instance(run_retries=RETRIES) as instance:
        yield instance


@pytest.fixture
def market(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/market.db")
    prepare(database)
    return database


@pytest.fixture
def hook() -> Hook:
    return Hook(lambda _request: Answer(b"ok"))


def client_of(server: FakeServer) -> CoinGecko:
    clock = FakeClock()
    return CoinGecko(PLANS["keyless"], clock=clock, now=clock.now, adapter=server)


def fail(instance: dg.DagsterInstance, market: Database) -> str:
    """A run that CoinGecko refuses; its id."""
    refused = FakeServer(lambda _request: Answer({"error": "blocked <b>"}, 403))
    result = run_job("daily_market_job", market, client_of(refused), TODAY, instance=instance)
    assert not result.success
    return result.run_id


def lines_of(instance: dg.DagsterInstance, run_id: str) -> str:
    return "\n".join(entry.message for entry in instance.all_logs(run_id))


def test_both_sensors_are_on_by_default() -> None:
    for name in (FAILED_RUN, FAILED_CHECK):
        sensor = build_definitions().resolve_sensor_def(name)
        assert sensor.default_status == dg.DefaultSensorStatus.RUNNING


def test_a_failed_run_is_told_once(instance: dg.DagsterInstance, market: Database, hook: Hook) -> None:
    watch = RunWatch(FAILED_RUN, instance, channel_to(hook))
    run_id = fail(instance, market)
    assert watch.evaluate() == ([None], None)
    assert watch.evaluate()[0] == []
    (text,) = hook.texts
    what, why, when, again, link = text.splitlines()[1:]
    assert what == "What: coingecko/raw_asset_list, partition 2026-03-09, step coingecko__raw_asset_list"
    assert why.startswith("Why: CoinGecko answered 403 to the asset list (blocked &lt;b&gt;): this address or key")
    assert when.startswith("When: 20")
    assert again == "Dagster does not start it again by itself."
    assert link == f"Run: https://dagster.example/runs/{run_id}"


def test_each_of_several_failures_is_told(instance: dg.DagsterInstance, market: Database, hook: Hook) -> None:
    watch = RunWatch(FAILED_RUN, instance, channel_to(hook))
    runs = [fail(instance, market) for _ in range(2)]
    assert watch.evaluate() == ([None, None], None)
    assert [text.rsplit("/", 1)[1] for text in hook.texts] == runs


def test_an_alert_that_is_not_taken_fails_the_tick_is_told_in_the_run_and_is_not_sent_for_ever(
    instance: dg.DagsterInstance, market: Database
) -> None:
    answers = iter([Answer(b"no_service", status=404), Answer(b"ok")])
    hook = Hook(lambda _request: next(answers))
    watch = RunWatch(FAILED_RUN, instance, channel_to(hook))
    first, second = fail(instance, market), fail(instance, market)
    (error, fine), skipped = watch.evaluate()
    assert (fine, skipped) == (None, None)
    assert error is not None
    assert "The alert was not sent: the webhook answered 404 (no_service)" in error
    assert "The alert was not sent: the webhook answered 404 (no_service)" in lines_of(instance, first)
    assert "not sent" not in lines_of(instance, second)
    assert watch.evaluate()[0] == []
    assert len(hook.requests) == 2
    for told in (error, lines_of(instance, first), lines_of(instance, second)):
        assert "hooks.example" not in told
        assert SECRET not in told


def test_where_nothing_is_set_nothing_is_sent_and_the_tick_says_so(
    instance: dg.DagsterInstance, market: Database
) -> None:
    watch = RunWatch(FAILED_RUN, instance, channel_to(None))
    runs = [fail(instance, market) for _ in range(2)]
    for run_id in runs:
        assert watch.evaluate() == ([], f"ALERT_WEBHOOK_URL is not set: nothing is sent of run {run_id}.")
    assert watch.evaluate()[0] == []


def test_a_run_whose_process_died_is_told_with_what_dagster_does_next(instance: dg.DagsterInstance, hook: Hook) -> None:
    watch = RunWatch(FAILED_RUN, instance, channel_to(hook))
    job = build_definitions().resolve_job_def("asset_list_job")
    run = instance.create_run_for_job(job)
    instance.report_run_failed(run, "Run worker failed: out of memory.")
    assert watch.evaluate() == ([None], None)
    (text,) = hook.texts
    what = "coingecko/asset_changes, coingecko/asset_contracts, coingecko/assets and 2 more"
    assert text.splitlines()[1] == f"What: {what}"
    assert "Why: Run worker failed: out of memory.\n" in text
    assert "Dagster starts it again by itself." in text


def take_one_of_four(instance: dg.DagsterInstance, market: Database) -> dg.ExecuteInProcessResult:
    """The checks after a snapshot that has one coin of the four that are active."""
    coins = [
        {
            "asset_id": coin,
            "symbol": coin,
            "name": coin,
            "first_seen_on": TODAY,
            "last_seen_on": TODAY,
            "is_active": True,
        }
        for coin in ("a", "b", "c", "d")
    ]
    with market.transaction() as connection:
        connection.execute(insert(tables.assets), coins)
    server = FakeMarket(rows=[market_row("a", 1.0, 10.0, "2026-03-09T03:00:41.123Z")])
    runner = Runner(market, client_of(server.server), instance=instance)
    assert runner.materialize(["daily_market"], TODAY).success
    return runner.run_checks()


def test_a_check_that_fails_as_an_error_is_told_once_and_warnings_are_not(
    instance: dg.DagsterInstance, market: Database, hook: Hook
) -> None:
    runs, checks = RunWatch(FAILED_RUN, instance, channel_to(hook)), RunWatch(FAILED_CHECK, instance, channel_to(hook))
    result = take_one_of_four(instance, market)
    assert result.success
    failed = {check.check_name: check.severity for check in result.get_asset_check_evaluations() if not check.passed}
    assert failed == {
        "the_day_covers_the_active_assets": dg.AssetCheckSeverity.ERROR,
        "the_snapshot_was_timely": dg.AssetCheckSeverity.WARN,
    }
    assert checks.evaluate() == ([None, None], None)
    assert checks.evaluate()[0] == []
    assert runs.evaluate()[0] == []
    (text,) = hook.texts
    assert "coingecko/market_changes" in text
    assert "Why: the_day_covers_the_active_assets (coins_expected 4, coins_present 1," in text
    assert "timely" not in text


def test_a_run_that_fails_with_its_checks_is_told_by_them_and_what_goes_on_failing_is_told_once(
    instance: dg.DagsterInstance, market: Database, hook: Hook
) -> None:
    watch = RunWatch(FAILED_RUN, instance, channel_to(hook))
    take_one_of_four(instance, market)
    with market.transaction() as connection:
        connection.execute(delete(tables.check_results))
    for _ in range(2):
        checks = run_job("market_checks_job", market, None, instance=instance, now=lambda: NOON)
        assert not checks.success
        watch.evaluate()
    (text,) = hook.texts
    title, what, *_ = text.splitlines()
    assert title == "*coingecko_pipeline: a check failed in market_checks_job*"
    assert what.startswith("What: coingecko/assets, coingecko/market_changes")
    assert "Why: the_day_covers_the_active_assets (coins_expected 4, coins_present 1," in text
    assert "What to do: look at the examples on the asset's page, under Checks." in text


def test_a_run_whose_checks_hold_is_not_told(instance: dg.DagsterInstance, market: Database, hook: Hook) -> None:
    watch = RunWatch(FAILED_CHECK, instance, channel_to(hook))
    server = FakeServer(lambda _request: Answer([{"id": "a", "symbol": "a", "name": "a"}]))
    assert run_job("asset_list_job", market, client_of(server), instance=instance).success
    assert watch.evaluate() == ([None], None)
    assert hook.requests == []


def test_an_alert_goes_out_although_another_setting_is_wrong(
    instance: dg.DagsterInstance, market: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as webhook:
        monkeypatch.setenv("ALERT_WEBHOOK_URL", webhook.url)
        monkeypatch.setenv("COINGECKO_PLAN", "gold")
        watch = RunWatch(FAILED_RUN, instance, build_resources()["alerts"])
        result = (
            build_definitions({"warehouse": dg.ResourceDefinition.hardcoded_resource(market)})
            .resolve_job_def("asset_list_job")
            .execute_in_process(instance=instance, raise_on_error=False)
        )
        assert not result.success
        assert watch.evaluate() == ([None], None)
    (body,) = webhook.bodies
    assert "Why: COINGECKO_PLAN is 'gold', which is no plan" in json.loads(body)["text"]
