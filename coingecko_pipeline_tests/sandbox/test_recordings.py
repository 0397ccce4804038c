"""The sandbox with recorded answers: what is served is what stands in the files, bit for bit."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coingecko_pipeline.sandbox import SandboxError, SandboxOptions, create_app
from coingecko_pipeline_tests.recordings import load, recordings_dir

from .asking import NOON, Api

LATE = datetime(2026, 11, 1, tzinfo=UTC)
CHART: dict[str, Any] = {"vs_currency": "usd", "days": 365, "interval": "daily"}


def recorded(relative: str) -> bytes:
    return gzip.decompress((recordings_dir() / relative).read_bytes())


def replay(at: datetime = LATE) -> Api:
    return Api(at=at, recordings=recordings_dir())


def test_the_newest_list_is_served_as_it_stands() -> None:
    answer = replay().get("/coins/list", include_platform="true")
    assert answer.content == recorded("coins_list/2026-02-03.json.gz")
    assert answer.headers["x-sandbox"] == "recordings"


@pytest.mark.parametrize(
    ("at", "platforms", "name"),
    [
        ("2025-09-06", "false", "2025-09-05"),
        ("2025-09-07", "false", "2025-09-07"),
        ("2024-06-01", "false", "2024-01-15"),
        ("2024-06-01", "true", "2024-01-15_platforms"),
        ("2021-05-15", "true", "2021-05-15"),
    ],
)
def test_the_list_is_the_newest_that_is_not_later_than_now(at: str, platforms: str, name: str) -> None:
    api = replay(datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert api.get("/coins/list", include_platform=platforms).content == recorded(f"coins_list/{name}.json.gz")


def test_before_the_first_recording_there_is_nothing() -> None:
    api = replay(datetime(2020, 1, 1, tzinfo=UTC))
    assert api.get("/coins/list").status_code == 404
    assert api.get("/coins/markets", vs_currency="usd").status_code == 404
    assert api.get("/coins/stellar/market_chart", **CHART).status_code == 404


def test_the_pages_are_served_as_they_stand() -> None:
    api = replay()
    for number in range(1, 13):
        answer = api.get("/coins/markets", vs_currency="usd", per_page=250, page=number)
        assert answer.content == recorded(f"coins_markets/2025-02-14/page_{number:02}.json.gz")
    assert api.get("/coins/markets", vs_currency="usd", per_page=250, page=13).content == b"[]"


def test_rows_keep_their_text_in_any_order_and_page_size() -> None:
    api = replay()
    page = recorded("coins_markets/2025-02-14/page_01.json.gz").decode()
    chosen = api.get("/coins/markets", vs_currency="usd", ids="bitcoin,ethereum,no-such-coin", order="id_desc")
    assert [row["id"] for row in chosen.json()] == ["ethereum", "bitcoin"]
    bitcoin = page[1 : page.index(',{"id":"ethereum"')]
    assert chosen.text.endswith(f",{bitcoin}]")
    pages = [load(f"coins_markets/2025-02-14/page_{number:02}.json.gz") for number in range(1, 13)]
    ids = sorted(row["id"] for rows in pages for row in rows)
    served = [api.markets(order="id_asc", per_page=100, page=number) for number in range(1, 31)]
    assert [row["id"] for rows in served for row in rows] == ids
    volumes = [row["total_volume"] for row in api.markets(order="volume_desc")]
    assert volumes == sorted(volumes, reverse=True)


@pytest.mark.parametrize(
    ("coin_id", "folder"),
    [("bitcoin", "2026-07-09a"), ("polkadot", "2026-07-09a"), ("stellar", "2023-10-25"), ("tether", "2023-10-25")],
)
def test_the_newest_chart_is_served_as_it_stands(coin_id: str, folder: str) -> None:
    answer = replay().get(f"/coins/{coin_id}/market_chart", **CHART)
    assert answer.content == recorded(f"market_chart/{folder}/{coin_id}.json.gz")


def test_the_chart_is_the_newest_that_was_taken_by_now() -> None:
    first = recorded("market_chart/2026-07-09b/bitcoin.json.gz")
    taken = datetime.fromtimestamp(json.loads(first)["prices"][-1][0] / 1000, UTC)
    assert replay(taken).get("/coins/bitcoin/market_chart", **CHART).content == first
    assert replay(taken - timedelta(seconds=1)).get("/coins/bitcoin/market_chart", **CHART).status_code == 404


def test_an_hourly_capture_answers_hourly_requests_only() -> None:
    hourly = replay().get("/coins/bitcoin/market_chart", vs_currency="usd", days=7)
    assert hourly.content == recorded("market_chart/2023-10-10_hourly/bitcoin.json.gz")
    daily = replay().get("/coins/bitcoin/market_chart", vs_currency="usd", days=7, interval="daily")
    assert daily.content == recorded("market_chart/2026-07-09a/bitcoin.json.gz")


def test_what_was_not_recorded_answers_404() -> None:
    api = replay()
    assert api.get("/coins/monero/market_chart", **CHART).json() == {"error": "coin not found"}
    assert api.get("/coins/bitcoin/history", date="01-07-2026").status_code == 404
    assert api.get("/global").status_code == 404
    assert api.get("/simple/price", ids="bitcoin", vs_currencies="usd").status_code == 404
    span: dict[str, Any] = {"from": "2026-06-01", "to": "2026-07-01"}
    assert api.get("/coins/bitcoin/market_chart/range", vs_currency="usd", **span).status_code == 404
    assert api.json("/ping") == {"gecko_says": "(V3) To the Moon!"}


def test_the_plan_holds_for_recordings_too() -> None:
    answer = replay().get("/coins/bitcoin/market_chart", vs_currency="usd", days=366)
    assert answer.json()["error"]["status"]["error_code"] == 10012


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="There is no folder"):
        SandboxOptions(recordings=tmp_path / "nowhere")
    with pytest.raises(SandboxError, match="holds no"):
        create_app(SandboxOptions(recordings=tmp_path, clock=lambda: NOON))
