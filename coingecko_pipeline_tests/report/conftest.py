"""The page of a small market."""

from pathlib import Path

import pytest

from coingecko_pipeline.report.making import make_report
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.report.stocked import LAST, NOW, Listed, odd_coins, put_on, wave


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a synthetic market: coins with odd names, sixty plain ones, and one that left the list."""
    folder = tmp_path_factory.mktemp("report")
    database = Database(f"sqlite:///{folder}/market.db")
    migrate(database)
    plain = [
        Listed(f"coin-{number:02}", f"Coin {number}", f"c{number}", wave(1.0, range(364, -1, -7), number % 9 + 1))
        for number in range(60)
    ]
    put_on(
        database,
        [
            *odd_coins(),
            *plain,
            Listed("gone", "Gone Coin", "gone", wave(2.0, range(30, 90)), left_on=LAST),
            Listed("newborn", "Newborn", "new", {0: 0.5}),
            Listed("unpriced", "Unpriced", "none"),
        ],
    )
    path = folder / "page" / "index.html"
    make_report(database, PLANS["demo"], path, NOW)
    database.dispose()
    return path
