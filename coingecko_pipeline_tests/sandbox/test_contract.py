"""CoinGecko's own schemas and its own client accept what the sandbox answers."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from coingecko_sdk import APIStatusError, Coingecko

from coingecko_pipeline.sandbox import RunningSandbox, SandboxOptions
from coingecko_pipeline_tests.recordings import load

from .asking import NOON, Api, HandClock

PRO = {"x-cg-pro-api-key": "CG-any"}
ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    ("/ping", "/ping", {}),
    ("/coins/list", "/coins/list", {}),
    ("/coins/list", "/coins/list", {"include_platform": "true"}),
    ("/coins/markets", "/coins/markets", {"vs_currency": "usd", "per_page": 250}),
    (
        "/coins/markets",
        "/coins/markets",
        {"vs_currency": "usd", "per_page": 250, "include_rehypothecated": "true", "precision": "full"},
    ),
    ("/coins/{id}/market_chart", "/coins/bitcoin/market_chart", {"vs_currency": "usd", "days": 365}),
    ("/coins/{id}/market_chart", "/coins/bitcoin/market_chart", {"vs_currency": "usd", "days": 1}),
    ("/coins/{id}/market_chart", "/coins/4/market_chart", {"vs_currency": "usd", "days": 30}),
    (
        "/coins/{id}/market_chart/range",
        "/coins/bitcoin/market_chart/range",
        {"vs_currency": "usd", "from": "2025-12-01", "to": "2026-02-01"},
    ),
    ("/coins/{id}/history", "/coins/bitcoin/history", {"date": "2026-01-31"}),
    (
        "/simple/price",
        "/simple/price",
        {
            "ids": "bitcoin,4,69420,beluga.fi",
            "vs_currencies": "usd,eur",
            "include_market_cap": "true",
            "include_24hr_vol": "true",
            "include_24hr_change": "true",
            "include_last_updated_at": "true",
        },
    ),
    ("/global", "/global", {}),
    ("/exchange_rates", "/exchange_rates", {}),
    ("/asset_platforms", "/asset_platforms", {}),
    ("/simple/supported_vs_currencies", "/simple/supported_vs_currencies", {}),
]


def as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 writes `nullable: true` where JSON Schema lists the type null."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    converted = {name: as_json_schema(value) for name, value in node.items()}
    if converted.pop("nullable", False):
        converted["type"] = [converted["type"], "null"]
    return converted


def schema_of(host: str, path: str) -> dict[str, Any]:
    document = load(f"openapi/{host}-api.json.gz")
    reference = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    schema: dict[str, Any] = as_json_schema(deepcopy(document["components"]["schemas"][reference.rsplit("/", 1)[-1]]))
    return schema


@pytest.mark.parametrize(("path", "asked", "params"), ANSWERS)
@pytest.mark.parametrize(("host", "plan", "headers"), [("demo", "demo", {}), ("pro", "analyst", PRO)])
def test_the_published_schemas_accept_every_answer(
    host: str, plan: str, headers: dict[str, str], path: str, asked: str, params: dict[str, Any]
) -> None:
    answer = Api(plan=plan, rehypothecated=20).get(asked, headers, **params)
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), schema_of(host, path))


def test_the_published_schema_accepts_the_usage_of_a_key() -> None:
    jsonschema.validate(Api(plan="basic").get("/key", PRO).json(), schema_of("pro", "/key"))


@pytest.mark.parametrize(
    ("path", "asked", "params", "complaint"),
    [
        # The site's CSV exports have empty market caps and volumes, which the chart's schema has no null for.
        ("/coins/{id}/market_chart", "/coins/inf/market_chart", {"vs_currency": "usd", "days": 365}, "None is not"),
        # A day without figures leaves `market_data` out, which the schema requires.
        ("/coins/{id}/history", "/coins/4/history", {"date": "2026-01-31"}, "'market_data' is a required"),
    ],
)
def test_the_published_schemas_are_stricter_than_reality_here(
    path: str, asked: str, params: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(jsonschema.ValidationError, match=complaint):
        jsonschema.validate(Api().json(asked, **params), schema_of("demo", path))


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    options = SandboxOptions(coins=100, plan="analyst", calls_per_minute=0, clock=HandClock(NOON))
    with RunningSandbox(options) as sandbox:
        yield sandbox


@pytest.fixture
def client(running: RunningSandbox) -> Iterator[Coingecko]:
    with Coingecko(
        pro_api_key="CG-any", base_url=running.url, max_retries=0, _strict_response_validation=True
    ) as coingecko:
        yield coingecko


def test_the_official_client_reads_every_endpoint(client: Coingecko) -> None:
    assert client.ping.get().gecko_says == "(V3) To the Moon!"
    assert client.key.get().monthly_call_credit == 500_000
    assert len(client.coins.list.get(include_platform=True)) == 100
    assert len(client.coins.list.get(status="inactive")) > 0
    rows = client.coins.markets.get(vs_currency="usd", order="id_asc", per_page=250)
    assert [row.id for row in rows] == sorted(str(row.id) for row in rows)
    chart = client.coins.market_chart.get("dps-doubloon ", vs_currency="usd", days="365", interval="daily")
    assert len(chart.prices) == len(chart.market_caps) > 330
    ranged = client.coins.market_chart.get_range(
        "bitcoin", vs_currency="usd", from_="2025-01-01", to="2025-12-31", interval="daily"
    )
    assert len(ranged.prices) == 365
    history = client.coins.history.get("bitcoin", date="2025-12-30")
    assert history.market_data is not None
    assert [point[1] for point in ranged.prices if point[0] == 1_767_052_800_000] == [
        (history.market_data.current_price or {})["usd"]
    ]
    assert client.simple.price.get(ids="bitcoin", vs_currencies="usd")["bitcoin"].usd == next(
        row.current_price for row in rows if row.id == "bitcoin"
    )
    rates = client.exchange_rates.get().rates
    assert rates["usd"].value == pytest.approx(
        dict(client.simple.price.get(ids="bitcoin", vs_currencies="usd"))["bitcoin"].usd, rel=1e-4
    )
    assert client.simple.supported_vs_currencies.get() == list(rates)
    assert {platform.id for platform in client.asset_platforms.get()} > {"ethereum", "solana"}
    assert client.global_.get().data.active_cryptocurrencies == 100


def test_the_official_client_sees_errors_as_such(client: Coingecko) -> None:
    with pytest.raises(APIStatusError) as refused:
        client.coins.market_chart.get("no-such-coin", vs_currency="usd", days="3")
    assert refused.value.status_code == 404
