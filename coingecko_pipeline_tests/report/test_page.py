import base64
import json
import re
import zlib
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hatchling.builders.wheel import WheelBuilder

import coingecko_pipeline
from coingecko_pipeline.report import ReportError
from coingecko_pipeline.report.agreement import Agreement, DayOfAgreement, Disagreement
from coingecko_pipeline.report.charts import library
from coingecko_pipeline.report.contents import Contents, read_contents
from coingecko_pipeline.report.dates import CHANGES, DAYS
from coingecko_pipeline.report.dominance import find_dominance
from coingecko_pipeline.report.making import make_report, write_whole
from coingecko_pipeline.report.market import DETAILED, MEASURES, Coin, Market
from coingecko_pipeline.report.page import content_security_policy, heat_map, render
from coingecko_pipeline.sources.coingecko.plans import PLANS
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database
from coingecko_pipeline_tests.report.stocked import BREAKOUT, EMOJI, LAST, NOW, Listed, odd_coins, put_on, wave

LARGEST_FILE = 5_000_000


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text in it up to the first tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._within = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append("")
        self._within = True

    def handle_endtag(self, _tag: str) -> None:
        self._within = False

    def handle_data(self, data: str) -> None:
        if self._within:
            self.texts[-1] += data

    def all(self, tag: str) -> list[tuple[dict[str, str], str]]:
        return [
            (attributes, text)
            for (name, attributes), text in zip(self.found, self.texts, strict=True)
            if name == tag
        ]  # fmt: skip


@pytest.fixture(scope="module")
def page(page_file: Path) -> str:
    return page_file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def elements(page: str) -> Elements:
    return Elements(page)


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('contents')}/market.db")
    migrate(database)
    put_on(database, [Listed("a", "Alpha", prices=wave(2.0, range(40))), Listed("b", "Beta", prices={0: 1.0})])
    found = read_contents(database, PLANS["demo"], NOW)
    database.dispose()
    return found


def test_the_package_carries_the_templates_styles_and_scripts() -> None:
    built = WheelBuilder(str(Path(coingecko_pipeline.__file__).parents[1]))
    carried = {Path(file.distribution_path) for file in built.recurse_included_files()}
    report = Path(coingecko_pipeline.__file__).parent / "report"
    needed = {
        path.relative_to(report.parents[1]) for path in report.rglob("*.*") if path.suffix in {".html", ".css", ".js"}
    }
    assert len(needed) >= 15
    assert needed <= carried


def test_nothing_in_the_page_is_loaded_from_elsewhere(elements: Elements) -> None:
    loading = {"src", "srcset", "data", "poster", "background", "action", "formaction", "ping", "manifest"}
    for tag, attributes in elements.found:
        assert not loading & set(attributes), tag
        if tag not in {"a"}:
            assert attributes.get("href", "data:,").startswith("data:"), tag
    assert not {"iframe", "object", "embed", "form", "base", "img"} & {tag for tag, _ in elements.found}
    (style,) = [text for _, text in elements.all("style")]
    assert not re.search(r"url\(|@import", style)


def test_links_lead_to_parts_of_the_page_or_to_coingecko(elements: Elements) -> None:
    ids = {attributes["id"] for _, attributes in elements.found if "id" in attributes}
    for attributes, _ in elements.all("a"):
        target = attributes["href"]
        if not target.startswith("#coin="):
            assert target == "https://www.coingecko.com" or target.removeprefix("#") in ids
    assert "Data provided by" in "".join(text for _, text in elements.all("p"))


def test_the_policy_forbids_the_network_and_every_script_but_the_pages_own(elements: Elements) -> None:
    (policy,) = [a["content"] for a, _ in elements.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    own = [text for attributes, text in elements.all("script") if "type" not in attributes]
    assert len(own) == 1
    assert policy == content_security_policy(own[0], library())
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("style-src")[0]


def test_names_cannot_break_out_of_the_page(page: str, elements: Elements) -> None:
    assert BREAKOUT not in page
    assert "broken" not in "".join(text for attributes, text in elements.all("script") if "type" not in attributes)
    links = {attributes["href"]: text for attributes, text in elements.all("a")}
    assert links["#coin=breakout"].strip() == BREAKOUT
    assert links["#coin=moon"].strip() == EMOJI
    assert links["#coin=a%20b/%C3%BC%3F%23%26%27%22%3C"].strip() == "Odd id"


def test_every_name_is_in_the_packed_list(elements: Elements) -> None:
    (packed,) = [text for attributes, text in elements.all("script") if attributes.get("id") == "coin-list"]
    coins = json.loads(zlib.decompress(base64.b64decode(packed)))
    stored = {coin.asset_id: (coin.name, coin.symbol) for coin in odd_coins()}
    found = dict(zip(coins["ids"], zip(coins["names"], coins["symbols"], strict=True), strict=True))
    assert {name: found[name] for name in stored} == stored
    assert len(found) == 69
    assert coins["left"] == {str(coins["ids"].index("gone")): str(LAST)}


def test_the_page_says_whose_data_they_are_and_what_a_date_means(page: str) -> None:
    assert "<strong>Synthetic data.</strong>" in page
    assert "The value of a date is that of 00:00:00 UTC of it" in page
    assert "There is no second source to compare with." in page
    assert "2026-03-09 01:30 UTC" in page
    assert "The 69 largest coins are shown with every date" in page


def test_live_data_are_not_called_synthetic(contents: Contents) -> None:
    elements = Elements(render(replace(contents, synthetic=False)))
    pairs = zip(elements.found, elements.texts, strict=True)
    assert "ynthetic" not in "".join(text for (tag, _), text in pairs if tag not in {"style", "script"})


def test_every_heading_label_and_chart_has_what_a_screen_reader_needs(elements: Elements) -> None:
    ids = {attributes["id"] for _, attributes in elements.found if "id" in attributes}
    assert all(attributes["aria-labelledby"] in ids for attributes, _ in elements.all("section"))
    assert {attributes["for"] for attributes, _ in elements.all("label")} == {"search"}
    charts = [a for a, _ in elements.all("div") if a.get("class") == "chart" and not a["id"].startswith("coin-")]
    assert len(charts) == 4
    assert all(chart["role"] == "img" and len(chart["aria-label"]) > 40 for chart in charts)
    assert all(attributes.get("scope") in {"col", "row"} for attributes, _ in elements.all("th"))


def test_the_agreement_of_a_second_source_is_shown(contents: Contents) -> None:
    days = [DayOfAgreement(LAST - timedelta(days=1), 90, 0, 0.001), DayOfAgreement(LAST, 100, 3, 0.0042)]
    page = render(replace(contents, agreement=Agreement(days, [Disagreement("a<b", 0.31)])))
    text = " ".join("".join(Elements(page).texts).split())
    assert "the prices of 100 coins were compared with the second source's" in text
    assert "by 0.42 % on average, and by more than 2 % for 3 of them" in text
    assert "+31.0 %" in text
    assert 'id="agreement-chart"' in page
    assert "a<b" not in page


def test_the_heat_map_has_each_date_once_under_its_weekday(contents: Contents) -> None:
    weeks = heat_map(contents.coverage)
    cells = [(row, cell) for week in weeks for row, cell in enumerate(week.cells)]
    shown = [(row, cell) for row, cell in cells if cell.day]
    assert [cell.day.day for _, cell in shown if cell.day] == list(contents.dates.days)
    assert all(cell.day.day.weekday() == row for row, cell in shown if cell.day)
    assert {len(week.cells) for week in weeks} == {7}
    assert [week.month for week in weeks if week.month].count("Mar") <= 2
    assert (shown[-1][1].level, shown[-2][1].level, shown[0][1].level) == (5, 2, 0)


def test_an_empty_warehouse_is_told_what_to_do_first(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="coingecko-pipeline daily"):
        make_report(database, PLANS["demo"], tmp_path / "report.html", NOW)
    assert not list(tmp_path.iterdir())


def test_the_file_is_replaced_whole_readable_by_others_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "index.html"
    write_whole(path, b"old")
    with path.open("rb") as reader:
        write_whole(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.mkdir()
    with pytest.raises(OSError, match=r"index\.html"):
        write_whole(path, b"page")
    assert list(tmp_path.iterdir()) == [path]


def large_market(contents: Contents, coins: int) -> Market:
    """Every coin with a value on every date, as restless as real ones: 5 % a day."""
    rng = np.random.default_rng(7)
    steps = rng.normal(0, 0.05, (coins, DAYS))
    price = np.exp(np.cumsum(steps, axis=1) + rng.normal(0, 6, (coins, 1)))
    volume = price * np.exp(rng.normal(12, 0.6, price.shape))
    supply = np.exp(rng.normal(18, 2, (coins, 1)))
    numbers: dict[str, Any] = dict(zip(MEASURES, (price, volume, price * supply), strict=True))
    listed = [
        Coin(f"a-coin-of-{number}-letters", f"sy{number}", f"A Coin of {number}", None) for number in range(coins)
    ]
    return Market(
        dates=contents.dates,
        coins=listed,
        latest={name: values[:, -1] for name, values in numbers.items()},
        earlier={days: price[:, -1 - days] for days in CHANGES},
        weekly={name: values[:, ::7] for name, values in numbers.items()},
        daily={name: values[:DETAILED] for name, values in numbers.items()},
    )


def test_a_year_of_17400_coins_is_below_5_megabytes(contents: Contents) -> None:
    market = large_market(contents, 17_400)
    page = render(replace(contents, market=market, dominance=find_dominance(market)))
    assert LARGEST_FILE / 2 < len(page.encode()) < LARGEST_FILE
