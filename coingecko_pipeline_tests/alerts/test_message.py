from datetime import UTC, datetime

import dagster as dg
import pytest

from coingecko_pipeline.alerts import tell_failed_checks, tell_failure
from coingecko_pipeline.alerts.message import TEXT_LENGTH
from coingecko_pipeline.orchestration.run_failures import RunFailure

RUN_ID = "0a1b2c3d-0000-4000-8000-000000000000"
UI = "https://dagster.example"
LINK = f"Run: {UI}/runs/{RUN_ID}"
DAILY = dg.AssetKey(["coingecko", "daily_market"])
ENDED = datetime(2026, 3, 9, 0, 0, 12, tzinfo=UTC)


def a_run(job: str = "daily_market_job", **tags: str) -> dg.DagsterRun:
    return dg.DagsterRun(job_name=job, run_id=RUN_ID, tags={f"dagster/{name}": value for name, value in tags.items()})


def told(*reasons: str, run: dg.DagsterRun | None = None) -> str:
    failures = [RunFailure(f"step_{number}", reason) for number, reason in enumerate(reasons, start=1)]
    return tell_failure(run or a_run(), failures, [DAILY], ENDED, UI)


def test_it_tells_what_failed_why_when_what_comes_next_and_where_to_read_on() -> None:
    run = a_run(partition="2026-03-09", will_retry="false")
    failures = [RunFailure("coingecko__daily_market", "CoinGecko answered 401: check COINGECKO_API_KEY.")]
    assert tell_failure(run, failures, [DAILY], ENDED, UI).splitlines() == [
        "*coingecko_pipeline: daily_market_job failed*",
        "What: coingecko/daily_market, partition 2026-03-09, step coingecko__daily_market",
        "Why: CoinGecko answered 401: check COINGECKO_API_KEY.",
        "When: 2026-03-09 00:00:12 UTC",
        "Dagster does not start it again by itself.",
        LINK,
    ]


def test_a_range_is_told_by_its_ends() -> None:
    run = a_run(asset_partition_range_start="2026-01-01", asset_partition_range_end="2026-01-31")
    assert "partitions 2026-01-01 to 2026-01-31" in told("No.", run=run)


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [({"will_retry": "true"}, "Dagster starts it again by itself."), ({}, None)],
    ids=["again", "not known"],
)
def test_whether_dagster_starts_the_run_again_is_told_where_it_is_known(
    tags: dict[str, str], sentence: str | None
) -> None:
    text = told("No.", run=a_run(**tags))
    assert (sentence in text) if sentence else ("Dagster" not in text)


def test_a_materialization_from_the_ui_is_not_told_by_dagsters_own_name() -> None:
    assert told("No.", run=a_run("__ASSET_JOB")).startswith("*coingecko_pipeline: a materialization failed*")


def test_a_run_that_failed_outside_its_steps_is_told_without_one() -> None:
    text = tell_failure(a_run(), [RunFailure(None, "Its process ended.")], [], None, UI)
    assert text.splitlines()[1:3] == ["What: the run", "Why: Its process ended."]


def test_several_steps_are_told_each_with_its_reason_and_no_more_than_three() -> None:
    lines = told("One.", "Two.", "Three.", "Four.", "Five.").splitlines()
    assert lines[1].endswith("step step_1, step_2, step_3 and 2 more")
    assert [line for line in lines if line.startswith(("Why", "…"))] == [
        "Why (step_1): One.",
        "Why (step_2): Two.",
        "Why (step_3): Three.",
        "… and 2 more.",
    ]


def test_what_slack_reads_as_markup_is_escaped() -> None:
    assert "Why: &lt;!channel&gt; R&amp;D &lt;https\u200b://evil.example|here&gt;" in told(
        "<!channel> R&D <https://evil.example|here>"
    )


@pytest.mark.parametrize(
    "name", ["https://evil.example", "[free](https://evil.example)", "![](evil.example/x.png)", "WWW.evil.example"]
)
def test_the_only_link_of_an_alert_is_that_to_its_run(name: str) -> None:
    body = told(f"The coin {name} has no price.").removesuffix(LINK)
    assert name not in body
    assert name in body.replace("\u200b", "")
    assert "://" not in body.replace("\u200b://", "")
    assert "](" not in body


def test_no_name_calls_a_whole_channel() -> None:
    text = told("The coin '@everyone' of root@127.0.0.1 has no price, @here.")
    assert "@everyone" not in text
    assert "@here" not in text
    assert "root@127.0.0.1" in text


@pytest.mark.parametrize("letter", ["a", "&", "<", "\n"])
def test_a_long_reason_is_cut_and_the_link_stays_whole(letter: str) -> None:
    text = told(*(letter * 5_000 for _ in range(3)))
    assert len(text) <= TEXT_LENGTH
    assert text.endswith(f"\n{LINK}")
    body = text.removesuffix(LINK)
    assert body.count("&") == body.count("&amp;") + body.count("&lt;")


def test_checks_that_failed_as_errors_are_told_with_what_they_found() -> None:
    check = dg.AssetCheckEvaluation(
        asset_key=DAILY,
        check_name="the_day_covers_the_active_assets",
        passed=False,
        metadata={"share": dg.MetadataValue.float(0.25), "coins_expected": dg.MetadataValue.int(17_400)},
        severity=dg.AssetCheckSeverity.ERROR,
    )
    assert tell_failed_checks(a_run(partition="2026-03-09"), [check], ENDED, UI).splitlines() == [
        "*coingecko_pipeline: a check failed in daily_market_job*",
        "What: coingecko/daily_market, partition 2026-03-09",
        "Why: the_day_covers_the_active_assets (share 0.25, coins_expected 17,400)",
        "When: 2026-03-09 00:00:12 UTC",
        "What to do: look at the examples on the asset's page, under Checks. The check is told again only after it has "
        "held; coingecko-pipeline status lists it until it does.",
        LINK,
    ]
