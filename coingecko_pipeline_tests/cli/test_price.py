"""The command as a user runs it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from coingecko_pipeline import tables
from coingecko_pipeline.cli.price import price_command
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.cli.programs import run_program
from coingecko_pipeline_tests.cookbook_market import fill


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Of the cookbook's market in a file of its own, where two coins have one symbol."""
    url = f"sqlite:///{tmp_path_factory.mktemp('price')}/market.db"
    database = Database(url)
    migrate(database)
    fill(database)
    with database.transaction() as connection:
        connection.execute(
            tables.assets.update().where(tables.assets.c.asset_id.in_(["pepe", "minnow"])).values(symbol="two")
        )
        rate = {"date": date(2026, 10, 1), "currency": "eur", "usd_per_unit": 1.25, "source": "chart"}
        connection.execute(insert(tables.fx_rates), rate)
    database.dispose()
    return {"DATABASE_URL": url}


def run(settings: Mapping[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(price_command, arguments, env=settings)


def asked_for_json(settings: Mapping[str, str], *arguments: str) -> tuple[int, Any]:
    ended = run(settings, *arguments, "--json")
    return ended.exit_code, json.loads(ended.stdout)


def test_the_answer_is_the_value_with_its_date_source_and_distance(settings: Mapping[str, str], tmp_path: Path) -> None:
    ended = run_program(tmp_path, "price", "dogecoin", "--at", "2026-10-10", "--tolerance", "3", **settings)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        "0.25 usd",
        "  coin      dogecoin (Dogecoin, doge)",
        "  date      2026-10-09",
        "  source    chart, observed at 2026-10-09 00:00:00 UTC",
        "  distance  1 day, 0:00:00 before what was asked",
    ]


def test_json_has_every_digit_and_the_rate(settings: Mapping[str, str]) -> None:
    code, answer = asked_for_json(settings, "bitc", "--at", "2026-10-01", "--currency", "eur")
    assert code == 0
    assert answer == {
        "asset_id": "bitcoin",
        "symbol": "bitc",
        "name": "Bitcoin",
        "is_gone": False,
        "value": 80_000.0,
        "currency": "eur",
        "date": "2026-10-01",
        "time": "2026-10-01T00:00:00+00:00",
        "source": "chart",
        "observed_at": "2026-10-01T00:00:00+00:00",
        "asked": "2026-10-01T00:00:00+00:00",
        "distance_seconds": 0.0,
        "usd_per_unit": 1.25,
    }


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (("dogecoin", "--at", "2026-10-11"), 1, "hole"),
        (("newborn", "--at", "2026-10-11"), 1, "before_the_coin"),
        (("terra-luna", "--at", "2026-11-01"), 1, "gone"),
        (("bitcoin", "--at", "2026-12-01"), 1, "after_the_data"),
        (("unpriced", "--at", "2026-10-11"), 1, "never_stored"),
        (("bitcoin", "--at", "2026-10-02", "--currency", "eur"), 1, "no_rate"),
        (("bitcoin", "--currency", "xyz"), 2, "unknown_currency"),
        (("bitcoi",), 2, "unknown_coin"),
        (("two",), 2, "ambiguous_coin"),
        (("bitcoin", "--at", "soon"), 2, "invalid_question"),
    ],
)
def test_why_there_is_no_answer_is_told_by_the_exit_code_and_in_json(
    settings: Mapping[str, str], arguments: tuple[str, ...], code: int, kind: str
) -> None:
    ended, answer = asked_for_json(settings, *arguments)
    assert (ended, answer["error"]["kind"]) == (code, kind)
    told = run(settings, *arguments)
    assert (told.exit_code, told.stderr, told.stdout) == (code, f"Error: {answer['error']['message']}\n", "")


def test_of_a_symbol_of_several_the_candidates_are_listed_with_their_market_caps(settings: Mapping[str, str]) -> None:
    _, answer = asked_for_json(settings, "TWO")
    assert [(coin["asset_id"], round(coin["market_cap_usd"])) for coin in answer["error"]["candidates"]] == [
        ("pepe", 3_972_000_000),
        ("minnow", 150_000),
    ]


def test_the_command_imports_neither_dagster_nor_pandas() -> None:
    # Its file alone: what the whole command line imports is the matter of another test.
    program = "import runpy, sys; runpy.run_path(sys.argv[1]); print({'dagster', 'pandas'} & set(sys.modules))"
    path = Path(__file__).parents[2] / "coingecko_pipeline" / "cli" / "price.py"
    ended = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"
